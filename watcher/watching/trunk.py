"""Where the chain's head stands to what was stored: further on, the same, behind, or on another branch, and from where on."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

from watcher.model import BlockRef
from watcher.store.entry import Missed

Canonical = Callable[[BlockRef], Awaitable[bool]]  # whether the chain has this very block at its number


@dataclass(frozen=True, slots=True)
class Forked:
    """Stored blocks are no longer the chain's. `ancestor` is the newest that still is, None where none is.

    `deep`: a block that finality had passed is among those that are gone.
    """

    ancestor: BlockRef | None
    deep: bool


async def behind(head: BlockRef, stored: Sequence[BlockRef], canonical: Canonical) -> bool:
    """Whether a head below the newest stored block only lags: the newest stored block that it reaches is its own."""
    reached = next((block for block in stored if block.number <= head.number), None)
    return reached is None or await canonical(reached)


async def fork(stored: Sequence[BlockRef], canonical: Canonical, finality: int) -> Forked:
    """`stored` is newest first. What is below a block of the chain is the chain's as well, so bisection finds the ancestor."""
    low, high = 0, len(stored)
    while low < high:
        middle = (low + high) // 2
        if await canonical(stored[middle]):
            high = middle
        else:
            low = middle + 1
    deep = low > 0 and stored[0].number - stored[low - 1].number >= finality
    return Forked(stored[low] if low < len(stored) else None, deep)


def missed(tip: BlockRef | None, head: BlockRef, pace: float | None, reason: str) -> Missed | None:
    """The blocks between two that were read. With a `pace` in seconds only where twice as much time lies between them: the others were
    left out on purpose."""
    if tip is None or head.number <= tip.number + 1:
        return None
    if pace is not None and head.timestamp - tip.timestamp < 2 * pace:
        return None
    return Missed(tip.number + 1, head.number - 1, reason)
