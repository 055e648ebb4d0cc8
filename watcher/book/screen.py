"""Bounds of every position's health, in floats: what they say is certain, and what they do not say is left to integers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from watcher.adapter import H, Q, Slack, T
from watcher.book.book import Book
from watcher.book.entries import Bools, Entries, Floats, added
from watcher.book.quoted import Quoted, quoted
from watcher.units import WAD

# Half the distance of 1 to the next float is 2**-53. An entry's value takes five roundings (amount, weight, their product, the column's
# value, the product), the sum of 64 entries another 63, the bounds a handful: fewer than 128 of them.
ERROR: Final = 128 * 2.0**-53
HEALTH: Final = 2.0 / WAD  # the contract's own rounding of the quotient
LARGEST: Final = 2.0**160  # sums below it leave the contract room to multiply them by a threshold and a wad
NEAR: Final = 2.0**-50  # of a line, which is rounded too


@dataclass(frozen=True, slots=True, eq=False)
class Bounds:
    """The exact figure is not below `low` and not above `high`."""

    low: Floats
    high: Floats


@dataclass(frozen=True, slots=True, eq=False)
class Screen:
    """Every position of a book under one quote, by row. Sums are in the valuation's unit, health is 1 at the contract's line.

    `weighted` and `debt` bound the two figures that the contract compares. `owes` says that there is debt, `unknown` that a price is
    missing, `open` that nothing but integers can tell; for these and for who owes nothing the bounds of health mean nothing.
    """

    quoted: Quoted
    weighted: Bounds
    debt: Bounds
    health: Bounds
    owes: Bools
    unknown: Bools
    open: Bools

    def below(self, line: int | Floats) -> Bools:
        """Whose health is certainly below the line, a wad or for each row a float: strictly, as the contract's integer is."""
        certain: Bools = self.health.high < _wad(line) * (1 - NEAR)
        return certain

    def above(self, line: int | Floats) -> Bools:
        """Whose health is certainly at the line or above."""
        certain: Bools = self.health.low > _wad(line) * (1 + NEAR)
        return certain


def _wad(line: int | Floats) -> float | Floats:
    return line / WAD if isinstance(line, int) else line


def screen(book: Book[T, Q, H], quote: Q) -> Screen:
    """All positions under an accrued quote: bounds that hold the exact integers for every position that is neither open nor unknown."""
    return screened(book, quoted(book, quote))


def screened(book: Book[T, Q, H], columns: Quoted) -> Screen:
    """The same with the columns given, for whoever moves them himself."""
    linear = book.adapter.linear
    slack = linear.slack(book.terms) if linear else Slack((0, 1), 0)
    size = len(book)
    owes = _some(book.owed, size)
    with np.errstate(all="ignore"):  # what is not a number, or beyond all, never decides
        weighted = _weighted(book, columns, slack)
        debt = _around(book.owed.sums(columns.value, size), _off(book.owed, columns, size))
        opened = book.alone | ~(weighted.high < LARGEST) | ~(debt.high < LARGEST) | owes & ~(debt.low > 0)
        low = weighted.low / debt.high * (1 - NEAR) - HEALTH
        high = weighted.high / debt.low * (1 + NEAR) + HEALTH
    _strain(book, columns, opened)
    unknown = _unknown(book, columns)
    low[opened], high[opened] = -np.inf, np.inf
    return Screen(columns, weighted, debt, Bounds(low, high), owes, unknown, opened & ~unknown)


def _weighted(book: Book[T, Q, H], columns: Quoted, slack: Slack) -> Bounds:
    size, table = len(book), book.held
    units = float(slack.units)
    around = _around(table.sums(columns.value, size), _off(table, columns, size) + units)
    part = slack.part[0] / slack.part[1]
    if not part:
        return around
    most = added(table.row, table.amount * columns.value[table.column] + columns.grain[table.column], size)
    return Bounds(around.low - part * (1 + ERROR) * most, around.high)


def _off(table: Entries, columns: Quoted, size: int) -> Floats:
    """What the chain's rounding of the entries comes to at most."""
    grains = table.grains(columns.grain, size)
    if not columns.spread.any():
        return grains
    return grains + added(table.row, table.amount * columns.spread[table.column], size)


def _around(sums: Floats, off: Floats) -> Bounds:
    reach = off * (1 + ERROR) + sums * ERROR
    return Bounds(sums - reach, sums + reach)


def _some(table: Entries, size: int) -> Bools:
    found = np.zeros(size, np.bool_)
    counted = table.count[:size]
    found[: len(counted)] = counted > 0
    return found


def _unknown(book: Book[T, Q, H], columns: Quoted) -> Bools:
    found = np.zeros(len(book), np.bool_)
    if columns.missing.any():
        for table in (book.held, book.owed, book.read):
            found[table.row[columns.missing[table.column]]] = True
    return found


def _strain(book: Book[T, Q, H], columns: Quoted, opened: Bools) -> None:
    """Amounts so large that the contract's products might not hold them: it would revert, which floats do not."""
    if columns.strained.any():
        for table in (book.held, book.owed, book.read):
            opened[table.row[table.amount > columns.limit[table.column]]] = True
