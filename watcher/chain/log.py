"""A log as an endpoint sends it, and the short way from the bytes of an `eth_getLogs` response to checked logs."""

from __future__ import annotations

from binascii import unhexlify
from collections.abc import Sequence
from typing import Any, Literal

import msgspec

from watcher.chain.answers import ADDRESS, QUANTITY, WORD, Wanted
from watcher.chain.parse import too_deep
from watcher.errors import AnswerError


class Log(msgspec.Struct, frozen=True, gc=False):
    """The members of a log that are read; a parser skips the rest. A pending log has null members and is refused."""

    address: str
    topics: tuple[str, ...]
    data: str
    blockNumber: str
    blockHash: str
    logIndex: str
    removed: bool = False


class _Response(msgspec.Struct, gc=False):
    jsonrpc: Literal["2.0"]
    id: int
    result: list[Log]
    error: None = None


class _Head(msgspec.Struct, gc=False):
    jsonrpc: Literal["2.0"]
    id: int
    result: str
    error: None = None


_RESPONSE = msgspec.json.Decoder(_Response)
_BATCH = msgspec.json.Decoder(tuple[_Head, _Response])


def convert(result: Any) -> list[Log]:
    """The logs of an `eth_getLogs` result that is already parsed."""
    try:
        return msgspec.convert(result, list[Log])
    except msgspec.ValidationError as wrong:
        raise AnswerError(f"the answer to eth_getLogs is not a list of logs: {wrong}") from wrong


def read(body: bytes, number: int, wanted: Wanted) -> list[Log] | None:
    """The logs of the response to request `number`, if everything about it is right.

    None for anything else: `parse` and `answers` then judge the same bytes and say what is wrong, or that nothing is.
    """
    if not body.isascii() or too_deep(body):  # members that are skipped are not looked at for UTF-8
        return None
    try:
        response = _RESPONSE.decode(body)
    except msgspec.MsgspecError:
        return None
    return response.result if response.id == number and accepted(response.result, wanted) else None


def read_beside(body: bytes, numbers: tuple[int, int], wanted: Wanted) -> tuple[str, list[Log]] | None:
    """The newest block and the logs of the response to a batch of `eth_blockNumber` and `eth_getLogs`, by the rules of `read`."""
    if not body.isascii() or too_deep(body):
        return None
    try:
        head, response = _BATCH.decode(body)
    except msgspec.MsgspecError:
        return None
    right = (head.id, response.id) == numbers and QUANTITY.fullmatch(head.result) and accepted(response.result, wanted)
    return (head.result, response.result) if right else None


def accepted(logs: Sequence[Log], wanted: Wanted) -> bool:
    """What `Wanted.accepts` asks of each log, asked of each distinct value once: addresses, blocks and topics come again and again."""
    rows = {log.topics for log in logs}
    emitters = {log.address for log in logs}
    hashes = {log.blockHash for log in logs}
    numbers = {log.blockNumber for log in logs}
    indices = {log.logIndex for log in logs}
    return (
        all(map(ADDRESS.fullmatch, emitters))
        and all(map(WORD.fullmatch, hashes.union(*rows)))
        and all(map(QUANTITY.fullmatch, numbers | indices))
        and all(len(wanted.topics) <= count <= 4 for count in set(map(len, rows)))
        and not any(log.removed for log in logs)
        and _asked_for(wanted, rows, emitters, hashes, numbers)
        and _hexadecimal(logs)
    )


def _asked_for(
    wanted: Wanted, rows: set[tuple[str, ...]], emitters: set[str], hashes: set[str], numbers: set[str]
) -> bool:
    blocks = [int(number, 16) for number in numbers]
    return (
        (wanted.hash is None or all(mined.lower() == wanted.hash for mined in hashes))
        and (wanted.first is None or min(blocks, default=wanted.first) >= wanted.first)
        and (wanted.last is None or max(blocks, default=wanted.last) <= wanted.last)
        and (wanted.addresses is None or {emitter.lower() for emitter in emitters} <= wanted.addresses)
        and all(
            choice is None or {row[place].lower() for row in rows} <= choice
            for place, choice in enumerate(wanted.topics)
        )
    )


def _hexadecimal(logs: Sequence[Log]) -> bool:
    """Whether all data are whole bytes in hex."""
    try:
        for log in logs:
            unhexlify(log.data[2:])
    except ValueError:
        return False
    return all(log.data.startswith("0x") for log in logs)
