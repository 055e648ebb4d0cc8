"""Feeds as sources of prices: their rounds as the feed itself gives them, or the logs of its aggregator where it does not."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from watcher.adapter import Event
from watcher.adapter.logs import LogQuery
from watcher.chain.logs import logs
from watcher.connection import Connection
from watcher.errors import UsageError
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


def settled(line: Connection, block: BlockRef) -> int:
    """The time up to which no reorganisation is expected to change what a feed said: what is younger is left to the next sync."""
    return block.timestamp - int(line.chain.finality * line.chain.block_time)


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
        last = settled(self.line, self.block)
        found: list[tuple[int, int]] = []
        starts = range(low, high, AT_ONCE)
        for count, start in enumerate(starts, 1):
            found += await self.line.reader.run(read(self.feed, start, min(start + AT_ONCE, high)), self.block)
            done(count, len(starts))
        return [mark for mark in found if first <= mark[0] < end and mark[0] <= last]

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
        begin = await self._before(first)
        last = self.block if end > self.block.timestamp else await self.line.block(before=end)
        found: list[tuple[int, int]] = []
        query = LogQuery((self.feed.aggregator,), (UPDATED,), _mark)
        async for upto, rows in logs(self.line.rpc, query, begin, last.number):
            found += [mark for _, mark in rows]
            done(upto - begin, last.number - begin)
        return [mark for mark in found if first <= mark[0] < end and mark[0] <= settled(self.line, self.block)]

    async def _before(self, time: int) -> int:
        """The number of the newest block before a time: several may have one time. The chain's first block where it is later."""
        try:
            return (await self.line.block(before=time - 1)).number
        except UsageError:
            return 0


def _mark(event: Event) -> tuple[int, int]:
    answer, _, updated = event.args
    return updated, answer
