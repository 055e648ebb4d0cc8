"""The stretch of every position of an owner, read at past blocks from endpoints that have their state."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final

from eth_typing import ChecksumAddress

from watcher.backfill.past import Past
from watcher.causes.stretch import Known, Stretch, Unread, cut
from watcher.chain.reader import Reader
from watcher.chronicle.past import facts
from watcher.connection import Connection
from watcher.errors import WatcherError
from watcher.model import BlockRef, Market, PositionKey

AT_ONCE: Final = 8  # blocks read side by side
SOURCE: Final = "archive"


async def stretches(
    line: Connection, owner: ChecksumAddress, first: BlockRef, last: BlockRef, step: Callable[[str], None]
) -> AsyncIterator[Stretch | Unread]:
    """Every market that the owner held something in, from `first` to `last`; `step` hears the name of each one that was searched.

    Moves are found by the logs that name the owner, changes of terms by halving: one that was undone between two moves is not seen.
    """
    span = Past(line, (owner,), first, last, every=1)
    for market in await span.markets():
        try:
            course, terms = await span.course(market)
            begin = max(first.number, course.begin)
            for key in sorted(course.keys, key=lambda one: one.key):
                moved = [number for number, keys in course.moved.items() if key in keys]
                yield await _Reading(line.reader, market, key, terms).stretch(begin, moved, last.number)
        except WatcherError as error:
            yield Unread(market.name, str(error))
        step(market.name)


@dataclass(slots=True)
class _Reading:
    """One position. `terms` are any that were read of its market: they are proved at each block."""

    reader: Reader
    market: Market
    key: PositionKey
    terms: Any

    async def stretch(self, first: int, moved: Sequence[int], last: int) -> Stretch:
        numbers = sorted({first, *(number for number in moved if first < number <= last), last})
        known: list[Known] = []
        for start in range(0, len(numbers), AT_ONCE):
            some = numbers[start : start + AT_ONCE]
            read = await asyncio.gather(*map(self._at, some), return_exceptions=True)  # none is left running
            for one in read:
                if isinstance(one, BaseException):
                    raise one
                known.append(one)
            self.terms = known[-1].terms
        whole = known[:1]
        for one in known[1:]:
            whole += [*await self._between(whole[-1], one), one]
        return Stretch(self.market, self.key, cut(whole), SOURCE)

    async def _at(self, number: int) -> Known:
        block = await self.reader.head(number)
        terms, quote, holdings = await self.reader.run(facts(self.market, (self.key,), self.terms), block)
        return Known(block, terms, quote, holdings[self.key], number - 1)

    async def _between(self, a: Known, b: Known) -> list[Known]:
        """Blocks after `a` and before `b` at which the terms were new; the holding is that of `a` there."""
        if a.terms == b.terms or b.block.number - a.block.number < 2:
            return []
        middle = await self._at((a.block.number + b.block.number) // 2)
        left, right = await self._between(a, middle), await self._between(middle, b)
        return [*left, *([middle] if middle.terms != a.terms else []), *right]
