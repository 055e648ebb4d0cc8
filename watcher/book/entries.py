"""One side of every position of a market, flat in numpy columns. What is replaced is made nothing at once and swept out later."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final, NamedTuple, TypeAlias, TypeVar, cast

import numpy as np
from numpy.typing import NDArray

Floats: TypeAlias = NDArray[np.float64]
Bools: TypeAlias = NDArray[np.bool_]
Places: TypeAlias = NDArray[np.intp]

A = TypeVar("A", np.float64, np.intp, np.bool_)
FEW: Final = 1024  # entries that are not worth a sweep


class Entry(NamedTuple):
    """`amount` of a column as the contract stores it, rounded once; `weight` is 1 for the whole of its value."""

    column: int
    amount: float
    weight: float


class Entries:
    """Entry i is of position `row[i]`. A position's entries lie together, so that replacing them costs no more than they are many.

    What was replaced belongs to position 0 and to the column `nothing`, which is worth nothing: sums need not know of it.
    """

    def __init__(self, nothing: int) -> None:
        self.nothing = nothing
        self.used = 0
        self._row = np.zeros(0, np.intp)
        self._column = np.zeros(0, np.intp)
        self._amount = np.zeros(0)
        self._weight = np.zeros(0)
        self._weighted = np.zeros(0)
        self._start = np.zeros(0, np.intp)
        self._count = np.zeros(0, np.intp)
        self._waste = 0

    @property
    def row(self) -> Places:
        return self._row[: self.used]

    @property
    def column(self) -> Places:
        return self._column[: self.used]

    @property
    def amount(self) -> Floats:
        return self._amount[: self.used]

    @property
    def weight(self) -> Floats:
        return self._weight[: self.used]

    @property
    def weighted(self) -> Floats:
        """amount · weight, rounded once."""
        return self._weighted[: self.used]

    @property
    def count(self) -> Places:
        """How many entries each position has; positions beyond its end have none."""
        return self._count

    def put(self, places: Sequence[int], entries: Sequence[Sequence[Entry]]) -> None:
        """Each place's entries in place of what it had. The cost follows the entries that moved; a sweep is paid by what it sweeps."""
        if not places:
            return
        self._seat(max(places) + 1)
        at = np.asarray(places, np.intp)
        self._clear(at)
        counts = np.fromiter(map(len, entries), np.intp, len(entries))
        flat = [entry for one in entries for entry in one]
        self._room(self.used + len(flat))
        new = slice(self.used, self.used + len(flat))
        self._row[new] = np.repeat(at, counts)
        if flat:
            columns, amounts, weights = zip(*flat, strict=True)
            self._column[new], self._amount[new], self._weight[new] = columns, amounts, weights
            self._weighted[new] = self._amount[new] * self._weight[new]
        self._start[at] = self.used + np.cumsum(counts) - counts
        self._count[at] = counts
        self.used += len(flat)
        if self._waste > max(FEW, self.used // 2):
            self._sweep()

    def move(self, place: int, to: int) -> None:
        """The entries of one position become those of another, whose own are gone."""
        self._seat(max(place, to) + 1)
        self._clear(np.array([to], np.intp))
        self._row[self._of(place)] = to
        self._start[to], self._count[to] = self._start[place], self._count[place]
        self._count[place] = 0

    def of(self, place: int) -> tuple[Entry, ...]:
        if place >= len(self._count):
            return ()
        span = self._of(place)
        rows = zip(self._column[span].tolist(), self._amount[span].tolist(), self._weight[span].tolist(), strict=True)
        return tuple(Entry(*row) for row in rows)

    def sums(self, values: Floats, positions: int) -> Floats:
        """Σ amount · weight · value of its column, for each position; `values` end with that of nothing, 0."""
        return added(self.row, self.weighted * values[self.column], positions)

    def grains(self, grains: Floats, positions: int) -> Floats:
        """Σ weight · grain of its column, for each position."""
        return added(self.row, self.weight * grains[self.column], positions)

    def _of(self, place: int) -> slice:
        start = int(self._start[place])
        return slice(start, start + int(self._count[place]))

    def _clear(self, places: Places) -> None:
        counts = self._count[places]
        ends = np.cumsum(counts)
        old = np.arange(counts.sum()) + np.repeat(self._start[places] - ends + counts, counts)
        self._row[old] = 0
        self._column[old] = self.nothing
        for column in (self._amount, self._weight, self._weighted):
            column[old] = 0
        self._waste += len(old)
        self._count[places] = 0

    def _sweep(self) -> None:
        live = self.column != self.nothing
        after = np.cumsum(live) - 1
        some = np.flatnonzero(self._count)
        self._start[some] = after[self._start[some]]
        for name in ("_row", "_column", "_amount", "_weight", "_weighted"):
            setattr(self, name, getattr(self, name)[: self.used][live])
        self.used -= self._waste
        self._waste = 0

    def _seat(self, positions: int) -> None:
        if positions > len(self._count):
            self._start, self._count = (grown(old, positions) for old in (self._start, self._count))

    def _room(self, entries: int) -> None:
        if entries > len(self._row):
            self._row, self._column = grown(self._row, entries), grown(self._column, entries)
            self._amount, self._weight, self._weighted = (
                grown(old, entries) for old in (self._amount, self._weight, self._weighted)
            )


def added(row: Places, values: Floats, positions: int) -> Floats:
    """Σ of the values of each row."""
    if not len(row):
        return np.zeros(positions)  # bincount would count integers
    return cast(Floats, np.bincount(row, values, positions))  # its stubs know of counts only


def grown(old: NDArray[A], least: int) -> NDArray[A]:
    """A copy with room for at least so many, zero where it is new; half as much again, so that growing is cheap on the whole."""
    new = np.zeros(max(least, len(old) + len(old) // 2), old.dtype)
    new[: len(old)] = old
    return new
