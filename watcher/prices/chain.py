"""Feeds as sources of prices: their rounds as the feed itself gives them, or the logs of its aggregator where it does not."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from watcher.adapter import Event
from watcher.adapter.logs import LogQuery
from watcher.chain.logs import logs
from watcher.connection import Connection
from watcher.errors import AnswerError
from watcher.model import BlockRef
from watcher.prices.origin import Cost, Done
from watcher.prices.pair import Pair, called
from watcher.prices.rounds import AT_ONCE, Feed, read, search
from watcher.store.prices import Marks, Source

UPDATED: Final = "chainlink/feed.AnswerUpdated"
WINDOW: Final = 10_000  # blocks of one log request, about


def source_of(pair: Pair, feed: Feed) -> Source:
    """What the store calls a feed. A common name counts only where it is in the currency that the pair is in."""
    name = called(feed.description)
    return Source(
        str(pair), f"feed {feed.address}", feed.decimals, name if name and name.endswith(f"/{pair.quote}") else None
    )


@dataclass(frozen=True, slots=True)
class Rounds:
    """`getRoundData` of a feed at one block."""

    line: Connection
    block: BlockRef
    feed: Feed
    source: Source

    async def cost(self, first: int, end: int) -> Cost:
        low, high = await self._places(first, end)
        return Cost(-(-(high - low) // AT_ONCE), high - low)

    async def marks(self, first: int, end: int, done: Done) -> Marks:
        low, high = await self._places(first, end)
        found: list[tuple[int, int]] = []
        starts = range(low, high, AT_ONCE)
        for count, start in enumerate(starts, 1):
            found += await self.line.reader.run(read(self.feed, start, min(start + AT_ONCE, high)), self.block)
            done(count, len(starts))
        return [mark for mark in found if first <= mark[0] < end]

    async def _places(self, first: int, end: int) -> tuple[int, int]:
        low = await self.line.reader.run(search(self.feed, first), self.block)
        if end > self.feed.updated:
            return low, self.feed.total
        return low, max(low, await self.line.reader.run(search(self.feed, end), self.block))


@dataclass(frozen=True, slots=True)
class Updates:
    """AnswerUpdated of the aggregator that a feed reads at `block`: for a feed that does not give its own rounds."""

    line: Connection
    block: BlockRef
    feed: Feed
    source: Source

    async def cost(self, first: int, end: int) -> Cost:
        """Rows cannot be told before the logs are read: as if there were one an hour."""
        seconds = max(0, min(end, self.block.timestamp) - first)
        blocks = int(seconds / self.line.chain.block_time)
        return Cost(1 + blocks // WINDOW, seconds // 3600)

    async def marks(self, first: int, end: int, done: Done) -> Marks:
        begin = await self.line.block(before=first)
        last = self.block if end > self.block.timestamp else await self.line.block(before=end)
        found: list[tuple[int, int]] = []
        query = LogQuery((self.feed.aggregator,), (UPDATED,), _mark)
        async for upto, rows in logs(self.line.rpc, query, begin.number, last.number):
            found += [mark for _, mark in rows]
            done(upto - begin.number, last.number - begin.number)
        return [mark for mark in found if first <= mark[0] < end]


def _mark(event: Event) -> tuple[int, int]:
    answer, _, updated = event.args
    return updated, answer


async def origin(line: Connection, block: BlockRef, pair: Pair, feed: Feed) -> Rounds | Updates:
    """Rounds where the feed gives the one before its newest, else logs."""
    try:
        await line.reader.run(search(feed, block.timestamp), block)
    except AnswerError:
        return Updates(line, block, feed, source_of(pair, feed))
    return Rounds(line, block, feed, source_of(pair, feed))
