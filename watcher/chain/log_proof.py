"""Whether an endpoint keeps logs back: a pruned node, or one whose index is behind, answers `[]` as if there were none.

What it serves is held against the bloom filters of its headers, which it has from the consensus and not from its index. An endpoint that
gives neither all logs of a block nor its receipts, and a chain without filters, are believed: there is nothing to hold against them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

import msgspec

from watcher.chain.bloom import bloom, filled, may_hold
from watcher.chain.classify import UnknownBlock
from watcher.chain.link import Link
from watcher.chain.log import Log, convert
from watcher.chain.node import Answer, Logs
from watcher.errors import Lying, RangeTooWide, Refused

NEWEST: Final = 32  # blocks at the end of a range whose filters are read
LEAPS: Final = tuple(2**power for power in range(8))  # blocks further on, where one has no logs at all

Header = Mapping[str, Any]


class Withheld(UnknownBlock):
    """The endpoint knows the block and not its logs: pruned, or its index is behind. Never "no logs"."""


class _Receipt(msgspec.Struct, gc=False):
    logs: list[Log]


def received(answer: Answer) -> list[Log]:
    """The logs of a checked answer, whichever way they were read."""
    return answer.logs if isinstance(answer, Logs) else convert(answer.value)


async def keeps(view: Link, first: int, head: int) -> None:
    """Raises `Withheld` where one endpoint has no logs of the first block from `first` on that has any: what it prunes is the oldest."""
    (header,) = await headers(view, [first])
    if bloom(header) == 0:
        later = await headers(view, [first + leap for leap in LEAPS if first + leap <= head])
        header = next((one for one in later if bloom(one)), header)
    if not bloom(header):
        return
    whole, by_range = await _whole(view, header)
    if whole and not by_range:  # it has the receipts: has it the logs as well?
        number = header["number"]
        one = {"address": whole[0].address, "fromBlock": number, "toBlock": number}
        if not received(await view.ask("eth_getLogs", [one])):
            raise _withheld(view, header)


async def complete(view: Link, wanted: Mapping[str, Any], low: int, high: int, found: Sequence[Log]) -> None:
    """Raises `Withheld` where `found`, an endpoint's answer for these blocks, lacks a log of the newest of them."""
    newest = range(max(low, high - NEWEST + 1), high + 1)
    await held(view, wanted, await headers(view, newest), found)


async def held(view: Link, wanted: Mapping[str, Any], blocks: Sequence[Header], found: Sequence[Log]) -> None:
    """The same for blocks whose headers are there already."""
    served = {int(log.blockNumber, 16) for log in found}
    for header in blocks:
        marks = bloom(header)
        if int(header["number"], 16) in served or marks is None or not may_hold(marks, wanted):
            continue
        logs, _ = await _whole(view, header)
        if any(_matches(log, wanted) for log in logs):
            raise _withheld(view, header)


async def headers(view: Link, numbers: Sequence[int]) -> list[Header]:
    """The headers of these blocks. Raises `EndpointError` for the first that cannot be had."""
    asked = [("eth_getBlockByNumber", [hex(number), False]) for number in numbers]
    if len(asked) == 1:
        return [(await view.ask(*asked[0])).value]
    replies = await view.ask_batch(asked)
    if all(type(reply) is Refused for reply in replies):
        return [(await view.ask(*one)).value for one in asked]
    for reply in replies:
        if not isinstance(reply, Answer):
            raise reply
    return [reply.value for reply in replies if isinstance(reply, Answer)]


async def _whole(view: Link, header: Header) -> tuple[list[Log], bool]:
    """All logs of a block, proved by its filter, and whether they came the way that logs come, or else out of receipts.

    None at all where the endpoint gives neither. Raises `Withheld` where some are missing.
    """
    logs = await _by_range(view, header["number"])
    by_range = logs is not None
    if logs is None:
        logs = await _by_receipts(view, header["number"])
    if logs is not None and (bloom(header) or 0) & ~filled(logs):
        raise _withheld(view, header)
    return logs or [], by_range


def _withheld(view: Link, header: Header) -> Withheld:
    return Withheld(view.endpoints[0], f"keeps back logs of block {int(header['number'], 16)}; ask another", 0)


async def _by_range(view: Link, number: str) -> list[Log] | None:
    try:
        return received(await view.ask("eth_getLogs", [{"fromBlock": number, "toBlock": number}]))
    except UnknownBlock:
        raise
    except (Refused, RangeTooWide):  # some want an address, some only few logs
        return None


async def _by_receipts(view: Link, number: str) -> list[Log] | None:
    try:
        answer = (await view.ask("eth_getBlockReceipts", [number])).value
    except UnknownBlock:
        raise
    except Refused:
        return None
    try:
        receipts = msgspec.convert(answer or [], list[_Receipt])  # null: the block is known, its receipts are not
    except msgspec.ValidationError as wrong:
        raise Lying(view.endpoints[0], f"eth_getBlockReceipts: {wrong}") from wrong
    return [log for receipt in receipts for log in receipt.logs]


def _matches(log: Log, wanted: Mapping[str, Any]) -> bool:
    topics = wanted["topics"]
    return (
        log.address.lower() in {one.lower() for one in wanted["address"]}
        and len(log.topics) >= len(topics)
        and all(choice is None or topic in choice for topic, choice in zip(log.topics, topics, strict=False))
    )
