"""The parameter log of a market: what its governance set in a range of blocks, and the upgrades of its code."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

from eth_typing import ChecksumAddress
from eth_utils.address import to_checksum_address

from watcher.adapter import Change, Event, Governance, LogQuery, Setting
from watcher.adapters import adapter
from watcher.chain.logs import logs
from watcher.chronicle.fold import Entry, folded
from watcher.connection import Connection
from watcher.errors import UsageError, WatcherError
from watcher.model import BlockRef, Market
from watcher.query import Query, Slot, ask
from watcher.search import Windows

CODE: Final = 0x360894A13BA1A3210667C828492DB98DCA3E2076CC3735A920A3CA505D382BBC  # EIP-1967: a proxy's implementation
AT_ONCE: Final = 8  # headers


@dataclass(frozen=True, slots=True)
class Changes:
    """Oldest first. `blocks` are those of the entries by number; `rules` what the code was before and after each upgrade of the market's
    own contract, by (block, log index). `reason` says why what held before the first block is not known, where it is not.
    """

    entries: tuple[Entry, ...]
    blocks: dict[int, BlockRef]
    rules: dict[tuple[int, int], tuple[str, str]]
    reason: str | None


async def changes(
    line: Connection, market: Market, terms: Any, first: int, last: int, step: Callable[[int], None]
) -> Changes:
    """From block `first` to `last`; `terms` are the present ones. `step` hears how far the logs were read, query after query."""
    of = adapter(market.protocol)
    if of.governance is None:
        raise UsageError(f"{market.protocol} does not say which of its logs are governance")
    early, reason = await _early(line, market, first)
    found: list[tuple[Event, tuple[Change, ...]]] = []
    windows: Windows = {}
    for query in _queries(of.governance, terms, early):
        async for upto, rows in logs(line.w3, query, first, last, windows=windows):
            found += rows
            step(upto)
    found.sort(key=lambda row: (row[0].block, row[0].index))
    before = () if early is None else of.governance.settings(early)
    before = (*before, *await _codes(line, found, first, whole=reason is None and early is not None))
    entries = tuple(folded(found, before, whole=reason is None))
    blocks = await _blocks(line, sorted({entry.event.block for entry in entries}))
    return Changes(entries, blocks, await _upgrades(line, market, entries), reason)


async def _early(line: Connection, market: Market, first: int) -> tuple[Any, str | None]:
    """The terms before the first block; None without a reason where the market was not there yet."""
    if first <= (market.start or 0):
        return None, None
    try:
        block = await line.reader.head(first - 1)
        return await line.reader.run(adapter(market.protocol).terms(market), block), None
    except WatcherError as error:
        return None, f"block {first - 1}: {error}"


def _queries(governance: Governance[Any], terms: Any, early: Any) -> tuple[LogQuery[tuple[Change, ...]], ...]:
    """The present contracts, and those that stood in their places at the beginning."""
    present = governance.changes(terms)
    if early is None:
        return present
    return tuple(
        replace(new, addresses=tuple(dict.fromkeys((*new.addresses, *old.addresses))))
        for new, old in zip(present, governance.changes(early), strict=True)
    )


async def _codes(
    line: Connection, found: Sequence[tuple[Event, tuple[Change, ...]]], first: int, *, whole: bool
) -> tuple[Setting, ...]:
    """The implementation that each upgraded proxy had before the first block, where the state of then can be read."""
    upgraded = {
        event.address: change.setting
        for event, some in reversed(found)
        if event.name.endswith(".Upgraded")
        for change in some
    }
    if not upgraded or not whole:
        return ()
    try:
        words = await line.reader.run(_slots(tuple(upgraded)), await line.reader.head(first - 1))
    except WatcherError:
        return ()  # the entry then says that it is not known
    return tuple(
        replace(setting, value=to_checksum_address(word.to_bytes(32, "big")[12:]))
        for setting, word in zip(upgraded.values(), words, strict=True)
        if word
    )


def _slots(proxies: tuple[ChecksumAddress, ...]) -> Query[tuple[int, ...]]:
    (rows,) = yield from ask(Slot(proxies, (CODE,) * len(proxies)))
    return tuple(word for (word,) in rows)


async def _blocks(line: Connection, numbers: Sequence[int]) -> dict[int, BlockRef]:
    gate = asyncio.Semaphore(AT_ONCE)

    async def one(number: int) -> BlockRef:
        async with gate:
            return await line.reader.head(number)

    found = await asyncio.gather(*map(one, numbers), return_exceptions=True)
    blocks = {}
    for number, block in zip(numbers, found, strict=True):
        if isinstance(block, BaseException):  # raised only now: none is left running
            raise block
        blocks[number] = block
    return blocks


async def _upgrades(
    line: Connection, market: Market, entries: Sequence[Entry]
) -> dict[tuple[int, int], tuple[str, str]]:
    """The rules that the market's own code had before and after, as far as its state can be read there."""
    found = {}
    for entry in entries:
        event = entry.event
        if event.name.endswith(".Upgraded") and event.address == market.address:
            sides = [await _rules(line, market, number) for number in (event.block - 1, event.block)]
            found[event.block, event.index] = sides[0], sides[1]
    return found


async def _rules(line: Connection, market: Market, number: int) -> str:
    """In words; why they cannot be told, where they cannot."""
    of = adapter(market.protocol)
    try:
        terms = await line.reader.run(of.terms(market), await line.reader.head(number))
    except WatcherError as error:
        return f"not known: {error}"
    return of.name if of.makeup is None else of.makeup(terms).rules
