"""What a market holds and owes, asset by asset, for each class of positions."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from watcher.adapter import H, Q, T
from watcher.book.book import Book
from watcher.book.entries import Entries, Places
from watcher.book.verdict import Verdict
from watcher.model import Side, Token, Valuation


@dataclass(frozen=True, slots=True)
class Total:
    """`values` by class, in the valuation's unit, approximate to some 1e-12; None where some of it has no price."""

    token: Token
    side: Side
    values: tuple[float | None, ...]


def totals(book: Book[T, Q, H], judged: Verdict, classes: Places, many: int) -> tuple[Total, ...]:
    """Collateral and debt of all positions, unknown ones included as far as there are prices; `classes` are 0 to `many` - 1, by row.

    What an e-mode values at a price of its own is added to the rest of its token.
    """
    sums: dict[tuple[Token, Side], list[float]] = {}
    for table in (book.held, book.owed):
        for place, found in enumerate(_by_column(book, table, judged, classes, many).tolist()):
            column = book.columns[place]
            if column.side is not Side.DEPOSIT and any(value != 0 for value in found):
                _add(sums, (column.token, column.side), found)
    for row in np.flatnonzero(book.alone):
        valued = judged.exact.get(int(row))
        if isinstance(valued, Valuation):
            for leg in valued.legs:
                if leg.side is not Side.DEPOSIT:
                    share = [float(leg.value) if place == classes[row] else 0.0 for place in range(many)]
                    _add(sums, (leg.token, leg.side), share)
    return tuple(
        Total(token, side, tuple(None if np.isnan(value) else value for value in found))
        for (token, side), found in sums.items()
    )


def _by_column(
    book: Book[T, Q, H], table: Entries, judged: Verdict, classes: Places, many: int
) -> np.ndarray[tuple[int, int], np.dtype[np.float64]]:
    """One line per column, one value per class."""
    size = len(book.columns)
    values = table.amount * judged.screen.quoted.value[table.column]
    place = table.column * many + (classes[table.row] if len(book) else 0)
    sums = np.zeros((size + 1) * many) if not len(table.row) else np.bincount(place, values, (size + 1) * many)
    return sums[: size * many].reshape(size, many).astype(np.float64)


def _add(sums: dict[tuple[Token, Side], list[float]], key: tuple[Token, Side], values: list[float]) -> None:
    old = sums.setdefault(key, [0.0] * len(values))
    sums[key] = [one + other for one, other in zip(old, values, strict=True)]
