"""Who of a market is near the line, in exact integers: the screen only says whom to value."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np

from watcher.adapter import Position
from watcher.book.book import Book
from watcher.book.verdict import Lines, Verdict, verdict
from watcher.errors import WatcherError
from watcher.health.bands import Bands, level
from watcher.health.correlated import Group, closed
from watcher.health.fall import Fall, fall
from watcher.model import PositionKey, Status, Unit, Valuation
from watcher.units import WAD, Wad

TIERS: Final = tuple(Wad(WAD * step // 100) for step in (100, 105, 110, 125))

Choose = Callable[[PositionKey, int, bool], Bands]  # by its e-mode, and whether all of it moves together


@dataclass(frozen=True, slots=True)
class Account:
    """One position. `group` holds all its collateral that counts and all its debt, None for a volatile one."""

    key: PositionKey
    position: Position[Any, Any, Any]
    valuation: Valuation
    status: Status
    group: str | None


@dataclass(frozen=True, slots=True)
class Unknown:
    """A position that cannot be valued: it may be anything."""

    key: PositionKey
    reason: str


@dataclass(frozen=True, slots=True)
class Tier:
    """Positions whose health is strictly below `line`: how many, and what they owe, of the correlated and of the volatile."""

    line: Wad
    loops: tuple[int, int]
    volatile: tuple[int, int]

    @property
    def all(self) -> tuple[int, int]:
        return self.loops[0] + self.volatile[0], self.loops[1] + self.volatile[1]


@dataclass(frozen=True, slots=True)
class Risk:
    """A market under one accrued quote. `accounts` are below the limit, lowest health first; `unknown` are all that are.

    `positions` is how many the book has, `owing` how many of them are in debt, unknown ones left out. `unit` is None where nobody can be
    valued.
    """

    limit: Wad
    accounts: tuple[Account, ...]
    unknown: tuple[Unknown, ...]
    tiers: tuple[Tier, ...]
    positions: int
    owing: int
    unit: Unit | None


def risk(book: Book[Any, Any, Any], quote: Any, limit: Wad, groups: Sequence[Group], choose: Choose) -> Risk:
    """Everybody below `limit`, strictly, at the line that is reached first; and the sums below each of `TIERS`, at the contract's own."""
    lines = tuple(sorted({*TIERS, limit}, reverse=True))
    found = verdict(book, quote, Lines((lines,)))
    unknown = [unvalued(book, quote, int(row), found) for row in np.flatnonzero(found.unknown)]
    rows = np.flatnonzero(found.level > 0).tolist()
    low = [_account(book, quote, row, found, groups, choose) for row in rows]
    listed = sorted((one for one in low if (one.valuation.nearest or 0) < limit), key=urgency)
    return Risk(
        limit=limit,
        accounts=tuple(listed),
        unknown=tuple(unknown),
        tiers=tuple(_tier(line, low) for line in TIERS),
        positions=len(book),
        owing=int(np.count_nonzero(found.owes & ~found.unknown)),
        unit=unit_of(book, quote),
    )


def unit_of(book: Book[Any, Any, Any], quote: Any) -> Unit | None:
    """The unit in which this market's positions are valued; None where none of them can be."""
    for _, held in book.holdings():
        try:
            return book.adapter.value(book.terms, quote, held).unit
        except WatcherError:  # around one position
            continue
    return None


def below(valuation: Valuation, line: Wad) -> bool:
    """Strictly. Who owes nothing is below no line."""
    return valuation.health is not None and valuation.health < line


def urgency(account: Account) -> tuple[int, bytes]:
    """Lowest health first, at the line that is reached first; a total order."""
    return account.valuation.nearest or 0, account.key.key


def distance(account: Account) -> Fall | None:
    """How far all its collateral can fall; None where an oracle that answers absurdly spoils the search."""
    try:
        return fall(account.position)
    except WatcherError:  # of this figure alone
        return None


def _account(
    book: Book[Any, Any, Any], quote: Any, row: int, found: Verdict, groups: Iterable[Group], choose: Choose
) -> Account:
    """Where floats are certain that it has a health so does the contract: a failure here is a bug, and loud."""
    key, held = book.keys[row], book.holding(row)
    known = found.exact.get(row)
    valuation = known if isinstance(known, Valuation) else book.adapter.value(book.terms, quote, held)
    group = closed(valuation, groups)
    mode = book.adapter.mode
    bands = choose(key, mode(held) if mode else 0, group is not None)
    position = Position(book.adapter, book.terms, quote, held)
    return Account(key, position, valuation, level(valuation, bands), None if group is None else group.name)


def unvalued(book: Book[Any, Any, Any], quote: Any, row: int, found: Verdict) -> Unknown:
    """An unknown position of a verdict, and why it is."""
    known = found.exact.get(row)
    if known is None:
        try:
            book.adapter.value(book.terms, quote, book.holding(row))
        except WatcherError as error:
            known = error
    return Unknown(book.keys[row], str(known) if isinstance(known, WatcherError) else "a price of it is missing")


def _tier(line: Wad, accounts: Iterable[Account]) -> Tier:
    loops, volatile = [0, 0], [0, 0]
    for one in accounts:
        if below(one.valuation, line):
            into = volatile if one.group is None else loops
            into[0] += 1
            into[1] += one.valuation.debt
    return Tier(line, (loops[0], loops[1]), (volatile[0], volatile[1]))
