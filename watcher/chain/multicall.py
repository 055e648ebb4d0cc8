"""Multicall3's `aggregate3` as bytes: many calls in one, each allowed to fail, and a walk of its answer with every bound checked.

Source: Multicall3.aggregate3(Call3[]) returns (Result[]), Result = (bool success, bytes returnData).
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from struct import Struct
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
_HEAD = Struct("64s32s").unpack_from  # success and where the data begin within the struct; how long they are


class Sent(NamedTuple):
    """One call as bytes: selector and arguments for `target`."""

    target: ChecksumAddress
    data: bytes


class Result(NamedTuple):
    """What one call answered; `data` is the revert data when it failed."""

    success: bool
    data: bytes


_RESULT = partial(tuple.__new__, Result)  # at hundreds of rows, what `Result._make` does around it is felt


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
    found: list[tuple[bool, bytes]] = []
    pointers: list[bytes] = []
    heads = at = 64 + 32 * count
    while len(found) < count and at + 96 <= len(data):
        head, size = _HEAD(data, at)
        if head != _SUCCEEDED and head != _FAILED:
            return None
        pointers.append((at - 64).to_bytes(32))
        start = at + 96
        end = start + from_bytes(size)
        found.append((head == _SUCCEEDED, data[start:end]))
        at = end + (-end % 32)
        if at != end and any(data[end:at]):
            return None
    if len(found) != count or at != len(data) or b"".join(pointers) != data[64:heads]:
        return None
    return list(map(_RESULT, found))
