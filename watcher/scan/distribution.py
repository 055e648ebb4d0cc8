"""How the debt of a market is spread over health: exact sums over everybody."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from watcher.book.book import Book
from watcher.errors import WatcherError
from watcher.health.correlated import Group, closed
from watcher.model import BlockRef, Unit
from watcher.scan.risk import unit_of
from watcher.units import WAD, Wad

EDGES: Final = tuple(Wad(WAD * step // 100) for step in (100, 105, 110, 125, 150, 200, 300))


@dataclass(frozen=True, slots=True)
class Share:
    """Accounts whose health is at least `low` and below `high`, None where there is no such edge: how many, and what they owe."""

    low: Wad | None
    high: Wad | None
    loops: tuple[int, int]
    volatile: tuple[int, int]


@dataclass(frozen=True, slots=True)
class Distribution:
    """All who owe, at `block`; `unknown` are in no share. `unit` is None where nobody can be valued."""

    block: BlockRef
    unit: Unit | None
    shares: tuple[Share, ...]
    unknown: int


def distribution(book: Book[Any, Any, Any], quote: Any, block: BlockRef, groups: Sequence[Group]) -> Distribution:
    """One `value` for everybody in the book."""
    sums = [[[0, 0], [0, 0]] for _ in range(len(EDGES) + 1)]
    unknown = 0
    for _, held in book.holdings():
        try:
            seen = book.adapter.value(book.terms, quote, held)
        except WatcherError:  # around one position
            unknown += 1
            continue
        if seen.health is None:
            continue
        health = seen.health
        into = sums[sum(health >= edge for edge in EDGES)][closed(seen, groups) is None]
        into[0] += 1
        into[1] += seen.debt
    lows, highs = (None, *EDGES), (*EDGES, None)
    shares = tuple(
        Share(low, high, (loops[0], loops[1]), (volatile[0], volatile[1]))
        for low, high, (loops, volatile) in zip(lows, highs, sums, strict=True)
    )
    return Distribution(block, unit_of(book, quote), shares, unknown)
