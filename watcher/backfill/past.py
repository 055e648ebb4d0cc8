"""One chain's past for some accounts: what reading it would cost, and what is to be read where."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from eth_typing import ChecksumAddress

from watcher.adapters import adapter
from watcher.backfill.archive import with_archive
from watcher.backfill.grid import AT_ONCE, blocks_at, times
from watcher.backfill.moves import moved, searches
from watcher.backfill.plan import Course
from watcher.chain.logs import START
from watcher.connection import Connection
from watcher.errors import AnswerError, CallReverted, UsageError, WatcherError
from watcher.model import BlockRef, Market, PositionKey
from watcher.query import together
from watcher.search import Search, Windows

HEADERS: Final = 4  # requests to find the block of a time
READS: Final = 4  # requests to read a block


@dataclass(frozen=True, slots=True)
class Bound:
    """One end: a block's number, or a time (Unix seconds) that the block is not after."""

    number: int | None = None
    before: int | None = None

    async def block(self, line: Connection) -> BlockRef:
        return await line.block(self.number, self.before)


@dataclass(frozen=True, slots=True)
class Cost:
    """About what a backfill takes. Not in it are the blocks at which somebody moved, and markets that only logs will name.

    `seconds` follow from the time of one request.
    """

    blocks: int
    grid: int
    log_requests: int
    requests: int
    seconds: int


@dataclass(frozen=True, slots=True)
class Past:
    """From block `first` to `last`, both included and final, every `every` seconds. `line` asks nobody without an archive."""

    line: Connection
    owners: tuple[ChecksumAddress, ...]
    first: BlockRef
    last: BlockRef
    every: int
    windows: Windows = field(default_factory=dict)

    async def cost(self) -> Cost:
        """By counting; asks for one block and the markets' terms."""
        started = time.monotonic()
        await self.line.reader.head(self.last.number)
        pace = time.monotonic() - started
        grid = 1 + len(times(self.first, self.last, self.every))
        there = [market for market in self.line.chain.markets if self._begin(market) <= self.last.number]
        queries = [adapter(market.protocol).terms(market) for market in there]
        terms = await self.line.reader.run(together(queries), self.last)
        scans = sum(
            len(searches(market.protocol, [known], self.owners)) * _windows(self._begin(market), self.last.number)
            for market, known in zip(there, terms, strict=True)
            if not isinstance(known, WatcherError)  # it is told when it is read
        )
        scans += sum(_windows(one.start or 0, self.last.number) for one in self.line.chain.singletons)
        requests = scans + grid * (HEADERS + READS)
        seconds = round(pace * (scans + grid * (HEADERS + READS) / AT_ONCE))
        return Cost(self.last.number - self.first.number + 1, grid, scans, requests, seconds)

    async def grid(self) -> tuple[BlockRef, ...]:
        """The first block, then the newest one not after each multiple of `every`."""
        moments = times(self.first, self.last, self.every)
        found = await blocks_at(self.line, moments, self.first, self.last)
        return tuple(dict.fromkeys((self.first, *found)))

    async def markets(self) -> tuple[Market, ...]:
        """The configured ones, and those of each singleton that the accounts have ever entered; the error that ended the search."""
        found = {market.name: market for market in self.line.chain.markets}
        listed = {market.id for market in found.values() if market.id}
        for singleton in self.line.chain.singletons:
            search = Search(singleton, (singleton.start or 0) - 1)
            await search.walk(self.line, self.owners, self.last.number, self.windows)
            if search.error is not None:
                raise search.error
            found.update({one.name: one for one in search.found.values() if one.id not in listed})
        return tuple(market for market in found.values() if self._begin(market) <= self.last.number)

    async def course(self, market: Market) -> tuple[Course, Any]:
        """Who was in `market` and when they moved there; and its terms at the last block.

        Where the market cannot be read at the first block (it was not there yet), whoever holds something at the last one and did not
        move in between must have held it all along.
        """
        of, read = adapter(market.protocol), self.line.reader.run
        begin = self.first
        if self._begin(market) > begin.number:
            begin = await self.line.reader.head(self._begin(market))
        everyone = frozenset(PositionKey(market.name, bytes.fromhex(owner[2:])) for owner in self.owners)
        terms = await read(of.terms(market), self.last)
        held: frozenset[PositionKey] | None = None
        known = [terms]
        try:
            early = await read(of.terms(market), begin)
            held = frozenset(await read(of.positions(early, self.owners), begin))
            known.insert(0, early)
        except (CallReverted, AnswerError):
            pass  # the last block tells
        queries = searches(market.protocol, known, self.owners)
        when = await moved(self.line, queries, everyone, begin.number, self.last.number, self.windows)
        if held is None:
            now = await read(of.positions(terms, self.owners), self.last)
            held = frozenset(now).difference(*when.values())
        return Course(market, held, begin.number, when), terms

    def _begin(self, market: Market) -> int:
        return max(self.first.number, market.start or 0)


def _windows(first: int, last: int) -> int:
    """Log requests for these blocks at the size that every endpoint is asked first."""
    return -(-(last - first + 1) // START)


async def past(
    line: Connection, owners: Sequence[ChecksumAddress], first: Bound, last: Bound | None, every: int
) -> Past:
    """The blocks that are meant, none of them younger than the chain's finality.

    `UsageError` where none is left, `ChainError` where no endpoint has their state.
    """
    head = await line.block()
    final = max(0, head.number - line.chain.finality)
    end = head if last is None else await last.block(line)
    if end.number > final:
        end = await line.block(final)
    begin = await first.block(line)
    if begin.number > end.number:
        raise UsageError(
            f"{line.chain.name}: the first block that is meant is {begin.number} and the last {end.number} "
            f"({final} is the newest final one): begin earlier"
        )
    able = await with_archive(line, begin.number)
    return Past(able, tuple(owners), begin, end, every)
