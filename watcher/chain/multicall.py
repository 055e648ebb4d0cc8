"""Multicall3's `aggregate3` as bytes: many calls in one, each allowed to fail, and a walk of its answer with every bound checked.

Source: Multicall3.aggregate3(Call3[]) returns (Result[]), Result = (bool success, bytes returnData).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, NamedTuple

from eth_typing import ChecksumAddress, HexAddress, HexStr

from watcher.chain.abi import function
from watcher.chain.codec import decode_types
from watcher.chain.words import FALSE, TRUE, address_word, from_bytes
from watcher.errors import AnswerError

CANONICAL: Final = ChecksumAddress(HexAddress(HexStr("0xcA11bde05977b3631167028862bE2a173976CA11")))
AGGREGATE3: Final = function("multicall3/multicall3.aggregate3")
TIMESTAMP: Final = function("multicall3/multicall3.getCurrentBlockTimestamp")

_ARRAY = (32).to_bytes(32)
_ALLOWED = TRUE + (96).to_bytes(32)  # allowFailure, then where callData begins within the struct
_SUCCEEDED = TRUE + (64).to_bytes(32)
_FAILED = FALSE + (64).to_bytes(32)


class Sent(NamedTuple):
    """One call as bytes: selector and arguments for `target`."""

    target: ChecksumAddress
    data: bytes


class Result(NamedTuple):
    """What one call answered; `data` is the revert data when it failed."""

    success: bool
    data: bytes


def pack(calls: Sequence[Sent]) -> bytes:
    """Calldata of `aggregate3` with failures allowed, in order."""
    heads, bodies = [], []
    offset = 32 * len(calls)
    for target, data in calls:
        heads.append(offset.to_bytes(32))
        padding = -len(data) % 32
        bodies.append(address_word(target) + _ALLOWED + len(data).to_bytes(32) + data + bytes(padding))
        offset += 128 + len(data) + padding
    return b"".join((AGGREGATE3.selector, _ARRAY, len(calls).to_bytes(32), *heads, *bodies))


def unpack(data: bytes, count: int) -> list[Result]:
    """The `count` results of an answer of `aggregate3`. Raises `AnswerError`; an unusual layout is left to eth-abi."""
    results = _walk(data, count)
    if results is None:
        (rows,) = decode_types(AGGREGATE3.outputs, data, AGGREGATE3.name)
        results = [Result(success, answer) for success, answer in rows]
    if len(results) != count:
        raise AnswerError(f"{AGGREGATE3.name} answered {len(results)} results to {count} calls")
    return results


def _walk(data: bytes, count: int) -> list[Result] | None:
    """The results when they lie one after another, as Solidity writes them; None for any other layout."""
    if data[:32] != _ARRAY or data[32:64] != count.to_bytes(32):
        return None
    results = []
    at = 64 + 32 * count
    for pointer in range(64, at, 32):
        if from_bytes(data[pointer : pointer + 32]) != at - 64:
            return None
        start = at + 96
        end = start + from_bytes(data[at + 64 : start])
        head = data[at : at + 64]
        if head == _SUCCEEDED:
            results.append(Result(True, data[start:end]))
        elif head == _FAILED:
            results.append(Result(False, data[start:end]))
        else:
            return None
        at = end + (-end % 32)
        if at > len(data) or (at != end and any(data[end:at])):
            return None
    return results if at == len(data) else None
