"""Between which falls of some prices each position of a market meets its line: bounds by floats, for integers to decide within."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from typing import Final, TypeAlias

import numpy as np
from eth_typing import ChecksumAddress
from numpy.typing import NDArray

from watcher.adapter import H, Q, T
from watcher.book.book import Book
from watcher.book.entries import Bools, Floats, added
from watcher.book.quoted import Quoted
from watcher.book.revalue import movers
from watcher.book.screen import ERROR, screen

Steps: TypeAlias = NDArray[np.int64]

ROUNDING: Final = 2.0**-50  # of all sums together, for what is computed of them here; and health's own last roundings
SPARE: Final = 1  # a step to either side, for the division that finds it


@dataclass(frozen=True, slots=True, eq=False)
class Brackets:
    """For every row, in steps of a fall: at none of the steps from 0 to `clear` is it liquidatable, which is -1 where not even the present
    is certain. At step `met` it certainly is, which is past the last step where none is certain.

    Who owes nothing is clear everywhere. Rows that are `open` are told by integers alone, `unknown` ones by nothing.
    """

    clear: Steps
    met: Steps
    open: Bools
    unknown: Bools


@dataclass(frozen=True, slots=True, eq=False)
class _Parts:
    """A side of every position: what moves with the prices, and what flooring those may take from it at most."""

    moving: Floats
    floored: Floats


def brackets(
    book: Book[T, Q, H], quote: Q, assets: Collection[ChecksumAddress] | None, last: int, whole: int
) -> Brackets:
    """A fall by k steps puts ⌊answer · (whole − k) / whole⌋ in the place of the answers of `assets`, k up to `last`.

    Without `assets` each position sees the prices of its own collateral fall: what it owes of the same asset falls too.

        margin(k) = weighted − debt at present − (what moves of it) · k / whole

    is straight, and off the contract's by no more than the screen's bounds at the present (which only narrow as prices fall) and what a
    floored price takes.
    """
    seen = screen(book, quote)
    prices = {price.token.address: price.answer for price in book.adapter.prices(book.terms, quote)}
    held, owed = _sides(book, seen.quoted, prices, assets)
    with np.errstate(all="ignore"):  # open and unknown rows hold anything
        margin = (seen.weighted.low + seen.weighted.high) / 2 - (seen.debt.low + seen.debt.high) / 2
        reach = (seen.weighted.high - seen.weighted.low) / 2 + (seen.debt.high - seen.debt.low) / 2
        reach = reach + (seen.weighted.high + seen.debt.high) * (ROUNDING + ERROR)
        slope = (held.moving - owed.moving) / whole
        below, above = margin - reach - held.floored, margin + reach + owed.floored
        clear = np.where(slope > 0, np.ceil(below / slope) - 1 - SPARE, last)
        clear = np.where(below > 0, np.clip(np.nan_to_num(clear, nan=-1), 0, last), -1)
        met = np.where(slope > 0, np.floor(above / slope) + 1 + SPARE, last + 1)
        met = np.where(above < 0, 0, np.clip(np.nan_to_num(met, nan=last + 1), 0, last + 1))
    met[(slope <= 0) & (above >= 0)] = last + 1
    met[(slope <= 0) & (above < 0)] = 0
    free = ~seen.owes & ~seen.open & ~seen.unknown
    clear[free], met[free] = last, last + 1
    told = ~seen.open & ~seen.unknown
    clear[~told], met[~told] = -1, last + 1
    return Brackets(clear.astype(np.int64), met.astype(np.int64), seen.open, seen.unknown)


def _sides(
    book: Book[T, Q, H],
    columns: Quoted,
    prices: dict[ChecksumAddress, int | None],
    assets: Collection[ChecksumAddress] | None,
) -> tuple[_Parts, _Parts]:
    """Collateral as it is weighted, and debt."""
    size, moving = len(book), movers(book)
    still = len(moving.assets)
    answers = np.array([float(prices.get(asset) or 1) for asset in moving.assets] + [np.inf])[moving.place]
    if assets is not None:
        wanted = np.array([*(asset in assets for asset in moving.assets), False])
        held, owed = wanted[moving.place[book.held.column]], wanted[moving.place[book.owed.column]]
    else:
        own, theirs = moving.place[book.held.column], moving.place[book.owed.column]
        held = (own < still) & (book.held.amount > 0)
        pairs = np.unique(book.held.row[held] * (still + 1) + own[held])
        owed = (theirs < still) & np.isin(book.owed.row * (still + 1) + theirs, pairs)
    found = []
    for table, moved in ((book.held, held), (book.owed, owed)):
        values = np.where(moved, table.weighted * np.where(moved, columns.value[table.column], 0.0), 0.0)
        found.append(_Parts(added(table.row, values, size), added(table.row, values / answers[table.column], size)))
    return found[0], found[1]
