"""The blocks between two times or numbers, within what a market has lived."""

from __future__ import annotations

from dataclasses import dataclass

from watcher.connection import Connection
from watcher.errors import UsageError
from watcher.model import BlockRef, Market


@dataclass(frozen=True, slots=True)
class Bound:
    """A block's number, or a time in Unix seconds; neither: as far as there is."""

    number: int | None = None
    time: int | None = None


async def span(line: Connection, market: Market, head: BlockRef, since: Bound, until: Bound) -> tuple[int, int]:
    """The first and last block from `since` on (made at or after that time) to `until` (at or before it), both included.

    What lies before the market's first block is left out. `UsageError` where nothing is left.
    """
    start = market.start or 0
    if start > head.number:
        raise UsageError(f"{market.name} begins at block {start}; the newest is {head.number}")
    low = await line.reader.head(start)
    last = head.number
    if until.number is not None:
        last = until.number
    elif until.time is not None:
        last = await _not_after(line, until.time, low, head)
    first = start if since.number is None else max(start, since.number)
    if since.time is not None:
        first = 1 + await _not_after(line, since.time - 1, low, head)
    if last > head.number:
        raise UsageError(f"block {last} is not there yet: the newest is {head.number}")
    if first > last:
        raise UsageError(f"there is no block from {first} to {last} to look at")
    return first, last


async def _not_after(line: Connection, moment: int, low: BlockRef, head: BlockRef) -> int:
    """The newest block made at or before `moment`; the one before `low` where that was later."""
    if moment < low.timestamp:
        return low.number - 1
    return (await line.between(moment, low, head)).number
