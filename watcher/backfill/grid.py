"""The blocks at regular times of the past."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Final

from watcher.connection import Connection
from watcher.model import BlockRef

AT_ONCE: Final = 8  # searches


def times(first: BlockRef, last: BlockRef, every: int) -> tuple[int, ...]:
    """The multiples of `every` seconds between two blocks, so that another run over the same days asks for the same ones."""
    return tuple(range(-(-first.timestamp // every) * every, last.timestamp + 1, every))


async def blocks_at(line: Connection, moments: Sequence[int], low: BlockRef, high: BlockRef) -> tuple[BlockRef, ...]:
    """The newest block not after each of `moments` (Unix seconds, rising, not before `low`), each once.

    The middle one first: what is found bounds the search for those on either side.
    """
    gate = asyncio.Semaphore(AT_ONCE)

    async def search(some: Sequence[int], low: BlockRef, high: BlockRef) -> list[BlockRef]:
        if not some or low.number == high.number:
            return [low] if some else []
        middle = len(some) // 2
        async with gate:
            found = await line.between(some[middle], low, high)
        sides = search(some[:middle], low, found), search(some[middle + 1 :], found, high)
        before, after = await asyncio.gather(*sides, return_exceptions=True)  # neither is left running
        if isinstance(before, BaseException):
            raise before
        if isinstance(after, BaseException):
            raise after
        return [*before, found, *after]

    return tuple(dict.fromkeys(await search(moments, low, high)))
