"""The positions of one market: exact holdings by key, and what the screen needs of them in columns."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Final, Generic

import numpy as np

from watcher.adapter import Adapter, Column, H, Q, Share, T
from watcher.book.entries import Bools, Entries, Entry, grown
from watcher.model import Market, PositionKey, Side

MANY: Final = 64  # entries of one position: the floats' proven error holds for sums of so many


class Book(Generic[T, Q, H]):
    """`held` and `owed` are what the sums are made of, `read` what the contract reads the price of and does not count.

    A position without a linear form (`alone`) has no entries: it is always valued in integers. Rows are dense; taking a position out
    gives its row to the last one.
    """

    def __init__(self, market: Market, adapter: Adapter[T, Q, H], terms: T, holdings: Mapping[PositionKey, H]) -> None:
        self.market, self.adapter, self.terms = market, adapter, terms
        linear = adapter.linear
        self.columns: tuple[Column, ...] = linear.columns(terms) if linear else ()
        self.scale = linear.scale(terms) if linear else 1
        self.keys: list[PositionKey] = []
        self.largest = [0] * len(self.columns)  # the largest amount that an entry of the column ever had
        self.held, self.owed, self.read = (Entries(len(self.columns)) for _ in range(3))
        self._holdings: list[H] = []
        self._rows: dict[PositionKey, int] = {}
        self._alone = np.zeros(0, np.bool_)
        self.put(holdings)

    def __len__(self) -> int:
        return len(self.keys)

    def __contains__(self, key: object) -> bool:
        return key in self._rows

    @property
    def alone(self) -> Bools:
        return self._alone[: len(self)]

    def row(self, key: PositionKey) -> int:
        """`KeyError` for a position that is not in the book."""
        return self._rows[key]

    def holding(self, row: int) -> H:
        return self._holdings[row]

    def holdings(self) -> Iterator[tuple[PositionKey, H]]:
        return zip(self.keys, self._holdings, strict=True)

    def put(self, holdings: Mapping[PositionKey, H]) -> None:
        """These positions as they are now, known ones and new ones. The cost follows them, not the book."""
        rows = [self._seat(key, holding) for key, holding in holdings.items()]
        if len(self) > len(self._alone):
            self._alone = grown(self._alone, len(self))
        held: list[list[Entry]] = []
        owed: list[list[Entry]] = []
        read: list[list[Entry]] = []
        for row, holding in zip(rows, holdings.values(), strict=True):
            shares = self._shares(holding)
            self._alone[row] = shares is None
            for side in (held, owed, read):
                side.append([])
            for share in shares or ():
                kind = self.columns[share.column].side if share.amount else Side.DEPOSIT
                into = held if kind is Side.COLLATERAL else owed if kind is Side.DEBT else read
                into[-1].append(self._entry(share, kind))
        for table, entries in ((self.held, held), (self.owed, owed), (self.read, read)):
            table.put(rows, entries)

    def drop(self, keys: Iterable[PositionKey]) -> None:
        """Without these positions; `KeyError` for one that is not there."""
        for key in keys:
            row, last = self._rows.pop(key), len(self) - 1
            for table in (self.held, self.owed, self.read):
                table.put([row], [()])
                if row != last:
                    table.move(last, row)
            if row != last:
                self.keys[row], self._holdings[row] = self.keys[last], self._holdings[last]
                self._alone[row] = self._alone[last]
                self._rows[self.keys[row]] = row
            self.keys.pop()
            self._holdings.pop()

    def retermed(self, terms: T) -> Book[T, Q, H]:
        """The same holdings under other terms: every column is made again."""
        return Book(self.market, self.adapter, terms, dict(self.holdings()))

    def _seat(self, key: PositionKey, holding: H) -> int:
        row = self._rows.setdefault(key, len(self))
        if row == len(self):
            self.keys.append(key)
            self._holdings.append(holding)
        else:
            self._holdings[row] = holding
        return row

    def _shares(self, holding: H) -> tuple[Share, ...] | None:
        linear = self.adapter.linear
        shares = linear.shares(self.terms, holding) if linear else None
        return None if shares is None or len(shares) > MANY else shares

    def _entry(self, share: Share, side: Side) -> Entry:
        self.largest[share.column] = max(self.largest[share.column], share.amount)
        weight = share.weight / self.scale if side is Side.COLLATERAL else 1.0
        return Entry(share.column, float(share.amount), weight)
