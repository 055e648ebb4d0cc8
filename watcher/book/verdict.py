"""Who stands where among lines of health: the screen says what is certain, exact integers decide the rest."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from watcher.adapter import H, Q, T
from watcher.book.book import Book
from watcher.book.entries import Bools, Places
from watcher.book.screen import Screen, screen
from watcher.errors import WatcherError
from watcher.model import Valuation
from watcher.units import WAD, Wad

LINE: Final = WAD  # where the contract's own comparison lies; near it the comparison itself is asked


@dataclass(frozen=True, slots=True, eq=False)
class Lines:
    """`sets[of[row]]` are the lines of a row, falling; without `of` the first set is everyone's."""

    sets: tuple[tuple[Wad, ...], ...]
    of: Places | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Verdict:
    """Every position by row, none of them by a float. `level` counts the lines that its health is strictly below, at
    the line that is reached first; -1 where unknown.

    `liquidatable` is the contract's own comparison. Who does not owe has no health and is below no line. `exact` has the valuation of
    every position that took integers, or the reason why it is unknown.
    """

    screen: Screen
    level: NDArray[np.int8]
    liquidatable: Bools
    owes: Bools
    unknown: Bools
    exact: Mapping[int, Valuation | WatcherError]


def verdict(book: Book[T, Q, H], quote: Q, lines: Lines) -> Verdict:
    """Under an accrued quote. The cost is that of the screen and of one `value` for each undecided position."""
    return judged(book, quote, lines, screen(book, quote))


def judged(book: Book[T, Q, H], quote: Q, lines: Lines, seen: Screen) -> Verdict:
    """The same with the screen of that quote given, for whoever has needed it before."""
    settled = seen.owes & ~seen.unknown
    liquidatable = seen.below(LINE) & settled
    undecided = ~(liquidatable | seen.above(LINE))
    level = np.zeros(len(book), np.int8)
    for step in range(max(map(len, lines.sets))):
        line = _line(lines, step)
        under = seen.below(line) & settled
        undecided |= ~(under | seen.above(line))
        level += under
    exact = {int(row): _valued(book, quote, int(row)) for row in np.flatnonzero(seen.open | undecided & settled)}
    owes, unknown = seen.owes.copy(), seen.unknown.copy()
    for row, found in exact.items():
        if isinstance(found, WatcherError):
            unknown[row] = True
            continue
        steps = lines.sets[0 if lines.of is None else int(lines.of[row])]
        health = found.nearest
        owes[row], liquidatable[row] = health is not None, found.liquidatable
        level[row] = 0 if health is None else sum(health < step for step in steps)
    level[unknown], liquidatable[unknown] = -1, False
    return Verdict(seen, level, liquidatable, owes, unknown, exact)


def _line(lines: Lines, step: int) -> NDArray[np.float64]:
    """Each row's line at that step, -inf where its set has no more: everyone is above it."""
    each = np.array([found[step] / WAD if step < len(found) else -np.inf for found in lines.sets])
    return each[:1] if lines.of is None else each[lines.of]


def _valued(book: Book[T, Q, H], quote: Q, row: int) -> Valuation | WatcherError:
    try:
        return book.adapter.value(book.terms, quote, book.holding(row))
    except WatcherError as error:  # around one position: it is unknown, the others are not
        return error
