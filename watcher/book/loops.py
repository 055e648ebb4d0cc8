"""Who holds and owes assets of one group only: for them the group's own ratio is the risk, and other lines apply."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np

from watcher.adapter import H, Q, T
from watcher.book.book import Book
from watcher.book.entries import Bools, Entries, Places, added
from watcher.book.quoted import Quoted
from watcher.book.screen import Screen
from watcher.errors import WatcherError
from watcher.health.correlated import Group, closed

NONE: Final = -1
SURE: Final = 1 - 2.0**-46  # more than floats can be off in one value


def loops(book: Book[T, Q, H], quote: Q, seen: Screen, groups: Sequence[Group]) -> Places:
    """For each row the first group that holds all collateral that counts and all debt, as `correlated.closed` says; else -1.

    Collateral that the contract may round to nothing is valued in integers where it would make a difference.
    """
    size = len(book)
    counts = book.held.weight > 0
    sure = counts & _worth(book.held, seen.quoted)
    owing, some, any_sure = (
        _any(row, flags, size)
        for row, flags in (
            (book.owed.row, book.owed.weight > 0),
            (book.held.row, counts),
            (book.held.row, sure),
        )
    )
    found = np.full(size, NONE, np.intp)
    doubtful = book.alone.copy()
    for place, group in enumerate(groups):
        outside = np.array([*(column.token.address not in group.tokens for column in book.columns), False])
        if outside[:-1].all():
            continue
        free = owing & ~_any(book.owed.row, outside[book.owed.column], size)
        strange = outside[book.held.column]
        certain = free & any_sure & ~_any(book.held.row, strange & counts, size)
        possible = free & some & ~_any(book.held.row, strange & sure, size)
        open_ = (found == NONE) & ~doubtful
        doubtful |= open_ & possible & ~certain
        found[open_ & certain] = place
    doubtful |= seen.open & (found != NONE)  # the contract may revert on them
    for row in np.flatnonzero(doubtful & ~seen.unknown):
        found[row] = _exactly(book, quote, int(row), groups)
    found[seen.unknown] = NONE
    return found


def _worth(table: Entries, columns: Quoted) -> Bools:
    """Entries whose value is certainly at least one unit."""
    with np.errstate(all="ignore"):  # what has no price is certain of nothing
        certain: Bools = table.amount * columns.value[table.column] * SURE > columns.grain[table.column]
        return certain


def _any(row: Places, flags: Bools, size: int) -> Bools:
    found: Bools = added(row, flags.astype(np.float64), size) > 0
    return found


def _exactly(book: Book[T, Q, H], quote: Q, row: int, groups: Sequence[Group]) -> int:
    try:
        group = closed(book.adapter.value(book.terms, quote, book.holding(row)), groups)
    except WatcherError:  # around one position: it is unknown, and in no group
        return NONE
    return NONE if group is None else groups.index(group)
