"""What everybody in debt holds and owes, by column, in floats: the shape in which thousands of accounts meet thousands of prices."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from eth_typing import ChecksumAddress
from numpy.typing import NDArray

from watcher.appraisal.asset import DOLLAR, Asset, bases
from watcher.book.book import Book
from watcher.book.entries import Entries, added
from watcher.book.verdict import Lines, Verdict, verdict
from watcher.config import Chain
from watcher.model import Side, Token, Unit, Valuation
from watcher.risk.drive import Feed
from watcher.risk.exposure import Flags, Floats
from watcher.scan.risk import Unknown, unit_of, unvalued
from watcher.units import RAY, WAD, Wad

Rows = NDArray[np.intp]
Kind = tuple[Token, Side, ChecksumAddress | None]  # one token on one side, and whose oracle price moves it
SIGNS: Final = {Side.COLLATERAL: 1.0, Side.DEBT: -1.0}


@dataclass(frozen=True, slots=True)
class Strand:
    """One token on one side. `seen` is the asset by whose oracle price the market values it, None for the money that values are in;
    `traded` is the token itself. `rate` is what it earns or costs a year.
    """

    token: Token
    side: Side
    seen: Asset | None
    traded: Asset
    rate: float


@dataclass(frozen=True, slots=True, eq=False)
class Stakes:
    """Accounts in debt × strands, in whole units of `unit` at the present prices; what is owed is below zero.

    `weighted` counts collateral as far as it protects debt, so that a row's sum is the margin, to the contract's roundings; `whole`
    counts all of it: a row's sum is equity. `rows` are the accounts' places in the book. `unknown` cannot be valued, `free` owe nothing.
    `unit` is None where nobody can be valued. `money` is the asset that values are in, None for dollars; `lost` says why that is not known.
    """

    strands: tuple[Strand, ...]
    weighted: Floats
    whole: Floats
    rows: Rows
    liquidatable: Flags
    unknown: tuple[Unknown, ...]
    free: int
    unit: Unit | None
    money: Asset | None
    lost: str | None

    def __len__(self) -> int:
        return len(self.rows)

    @property
    def assets(self) -> tuple[Asset, ...]:
        """Everything whose price has a part in this market's figures."""
        found = dict.fromkeys(one for strand in self.strands for one in (strand.seen, strand.traded) if one is not None)
        return tuple(found if self.money is None else found | {self.money: None})

    @property
    def debt(self) -> Floats:
        """What each account owes."""
        return np.asarray(-np.minimum(self.weighted, 0).sum(axis=1))

    @property
    def protected(self) -> Floats:
        """Its collateral as it counts towards health."""
        return np.asarray(np.maximum(self.weighted, 0).sum(axis=1))

    def by(self, side: Side) -> Floats:
        """Values of one side, above zero, nothing in the other's columns."""
        of = np.array([strand.side is side for strand in self.strands])
        return np.where(of, np.abs(self.whole), 0.0)


def stakes(book: Book[Any, Any, Any], quote: Any, chain: Chain, feeds: Mapping[ChecksumAddress, Feed]) -> Stakes:
    """Under an accrued quote.

    `feeds` say what the oracle's price of a token follows, as far as that is known. Interest is at the present rates of every token's
    market, which for a debt at a rate of its own (Aave's stable ones) is another.
    """
    unit = unit_of(book, quote)
    judged = verdict(book, quote, Lines(((Wad(WAD),),)))
    owing = judged.owes & ~judged.unknown
    rows = np.flatnonzero(owing)
    kinds, weighted, whole = _cells(book, judged, rows)
    scale = 1.0 if unit is None else float(10**unit.decimals)
    counted = None if unit is None else money(book, unit, chain, feeds)
    return Stakes(
        tuple(_strands(book, quote, kinds, chain, feeds)),
        weighted / scale,
        whole / scale,
        rows,
        judged.liquidatable[rows],
        tuple(unvalued(book, quote, int(row), judged) for row in np.flatnonzero(judged.unknown)),
        int(np.count_nonzero(~judged.owes & ~judged.unknown)),
        unit,
        counted if isinstance(counted, Asset) else None,
        counted if isinstance(counted, str) else None,
    )


def money(
    book: Book[Any, Any, Any], unit: Unit, chain: Chain, feeds: Mapping[ChecksumAddress, Feed]
) -> Asset | str | None:
    """The asset that the market's values are in, None for dollars, or why it is not known."""
    token = None if book.adapter.money is None else book.adapter.money(book.terms)
    if token is None:
        if unit.symbol == DOLLAR:
            return None
        token = next((address for number, address in bases(unit.symbol, (chain,)) if number == chain.id), None)
        if token is None:
            return f"its values are in {unit.symbol}, and no group of that name says what that is"
    named = next((column.token for column in book.columns if column.token.address == token), None)
    return Asset(chain.id, named or Token(token, unit.symbol, unit.decimals), feeds.get(token))


def _cells(book: Book[Any, Any, Any], judged: Verdict, rows: Rows) -> tuple[list[Kind], Floats, Floats]:
    """The kinds in use, and signed values in the valuation's integers: as they are weighted, and whole."""
    place = np.full(len(book), -1, np.intp)
    place[rows] = np.arange(len(rows))
    kinds: dict[Kind, int] = {}
    cells: list[tuple[Rows, Rows, Floats, Floats]] = []
    for table, side in ((book.held, Side.COLLATERAL), (book.owed, Side.DEBT)):
        cells.append(_of_table(book, table, side, judged, place, kinds))
    cells.append(_of_alone(judged, place, book.alone, kinds))
    row, kind, weighted, whole = (np.concatenate([one[part] for one in cells]) for part in range(4))
    size = len(kinds)
    flat = row * size + kind
    return (
        list(kinds),
        added(flat, weighted, len(rows) * size).reshape(len(rows), size),
        added(flat, whole, len(rows) * size).reshape(len(rows), size),
    )


def _of_table(
    book: Book[Any, Any, Any], table: Entries, side: Side, judged: Verdict, place: Rows, kinds: dict[Kind, int]
) -> tuple[Rows, Rows, Floats, Floats]:
    account = place[table.row] if len(table.row) else np.zeros(0, np.intp)
    used = (account >= 0) & (table.amount > 0)
    columns, account = table.column[used], account[used]
    seat = np.zeros(len(book.columns) + 1, np.intp)
    for column in np.unique(columns).tolist():
        one = book.columns[column]
        seat[column] = kinds.setdefault((one.token, side, one.priced), len(kinds))
    value = table.amount[used] * judged.screen.quoted.value[columns] * SIGNS[side]
    return account, seat[columns], value * (table.weight[used] if side is Side.COLLATERAL else 1.0), value


def _of_alone(judged: Verdict, place: Rows, alone: Flags, kinds: dict[Kind, int]) -> tuple[Rows, Rows, Floats, Floats]:
    """Whoever has no linear form was valued in integers; each of its legs moves with its own token's price."""
    found: list[tuple[int, int, float, float]] = []
    for row in np.flatnonzero(alone & (place >= 0)).tolist():
        seen = judged.exact[row]
        assert isinstance(seen, Valuation)  # else it were unknown
        for leg in seen.legs:
            if leg.side is not Side.DEPOSIT and leg.value:
                seat = kinds.setdefault((leg.token, leg.side, leg.token.address), len(kinds))
                whole = float(leg.value) * SIGNS[leg.side]
                weight = leg.threshold / seen.scale if leg.side is Side.COLLATERAL else 1.0
                found.append((int(place[row]), seat, whole * weight, whole))
    columns = tuple(zip(*found, strict=True)) if found else ((), (), (), ())
    return (
        np.array(columns[0], np.intp),
        np.array(columns[1], np.intp),
        np.array(columns[2], np.float64),
        np.array(columns[3], np.float64),
    )


def _strands(
    book: Book[Any, Any, Any], quote: Any, kinds: Sequence[Kind], chain: Chain, feeds: Mapping[ChecksumAddress, Feed]
) -> Sequence[Strand]:
    tokens = {column.token.address: column.token for column in book.columns}
    tokens |= {price.token.address: price.token for price in book.adapter.prices(book.terms, quote)}
    rates = {panel.token.address: panel for panel in book.adapter.panels(book.terms, quote)}

    def asset(address: ChecksumAddress, token: Token) -> Asset:
        return Asset(chain.id, tokens.get(address, token), feeds.get(address))

    made = []
    for token, side, priced in kinds:
        panel = rates.get(token.address)
        rate = 0 if panel is None else panel.supply_rate if side is Side.COLLATERAL else panel.borrow_rate
        seen = None if priced is None else asset(priced, token)
        made.append(Strand(token, side, seen, asset(token.address, token), rate / RAY))
    return made
