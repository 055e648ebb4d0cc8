"""The whole market under other prices: with bounds, or as bare sums for whoever needs thousands of price vectors."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

import numpy as np
from eth_typing import ChecksumAddress

from watcher.adapter import H, Q, T
from watcher.book.book import Book
from watcher.book.entries import Floats, Places
from watcher.book.screen import Screen, screen


def revalue(book: Book[T, Q, H], quote: Q, prices: Mapping[ChecksumAddress, int]) -> Screen:
    """Every position under an accrued quote with these answers of the oracle put in, bounds and all."""
    return screen(book, book.adapter.reprice(book.terms, quote, prices))


def sums(book: Book[T, Q, H], values: Floats) -> tuple[Floats, Floats]:
    """(weighted collateral, debt) of every row, for the value of one stored unit of each column, 0 for nothing at the end.

    Approximate, to some 1e-14 and the chain's own rounding; 0 for who is `alone`: those are in no sum.
    """
    size = len(book)
    return book.held.sums(values, size), book.owed.sums(values, size)


@dataclass(frozen=True, slots=True, eq=False)
class Movers:
    """The assets whose prices move a book's columns, and which of them moves which column."""

    assets: tuple[ChecksumAddress, ...]
    place: Places  # by column, nothing included; past the assets where no price does

    def moved(self, values: Floats, factors: Floats) -> Floats:
        """The values with each asset's price times its factor."""
        found: Floats = values * np.append(factors, 1.0)[self.place]
        return found


def movers(book: Book[T, Q, H]) -> Movers:
    assets = tuple(dict.fromkeys(column.priced for column in book.columns if column.priced is not None))
    places: dict[ChecksumAddress | None, int] = {asset: place for place, asset in enumerate(assets)}
    still = len(assets)
    found = [places.get(column.priced, still) for column in book.columns]
    return Movers(assets, np.array([*found, still], np.intp))


def scenarios(book: Book[T, Q, H], values: Floats, vectors: Iterable[Floats]) -> Iterator[tuple[Floats, Floats]]:
    """`sums` for each vector of factors on the prices of `movers(book).assets`, one after the other: a thousand need no more memory."""
    moving = movers(book)
    return (sums(book, moving.moved(values, factors)) for factors in vectors)
