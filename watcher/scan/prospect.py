"""What may happen to a whole market by a horizon: who is liquidated, how likely, what that costs, and how much debt nothing covers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

import numpy as np

from watcher.appraisal.basis import Basis
from watcher.appraisal.estimate import WIDE, Estimate, Loss, loss, mean
from watcher.book.book import Book
from watcher.model import PositionKey, Side, Token, Unit
from watcher.risk.crowd import Crowd, bad_debt, concentration
from watcher.risk.exposure import Floats
from watcher.risk.outcome import Chance
from watcher.scan.foresight import Draw, Tell, Winds, foresee
from watcher.scan.given import Taken, Told
from watcher.scan.risk import Unknown
from watcher.scan.stakes import Rows, Stakes

NOT_INCLUDED: Final = (
    "changes of interest rates (each stays what it is now)",
    "caps and lags of oracles",
    "what liquidators do, and what their sales move: bad debt is before they act",
    "lines before the market's own",
)
TEN: Final = 10
FAR_LEVELS: Final = (0.95, 0.99)
SUMS: Final = (
    "accounts liquidated",
    "their debt",
    "debt repaid",
    "cost to borrowers",
)  # as they are summed up over who is struck


@dataclass(frozen=True, slots=True)
class Account:
    """Money in the market's unit, at the present prices. `chance` is that of its line being reached by the horizon; `now`: it is past it.

    `place` is that in the stakes, `taken` by its first liquidation; `shortfall` is its part of the market's ES of bad debt.
    """

    key: PositionKey
    place: int
    weighted: float
    collateral: float
    debt: float
    now: bool
    chance: Chance
    taken: Taken
    shortfall: float

    @property
    def expected(self) -> Estimate:
        """The chance times what is taken above the repaid."""
        return Estimate(self.chance.value * self.taken.cost, self.chance.error * self.taken.cost)

    @property
    def health(self) -> float:
        return self.weighted / self.debt


@dataclass(frozen=True, slots=True)
class Part:
    """A token's part of the ES of bad debt, by what is owed or by what stands against it; None: nothing does."""

    token: Token | None
    side: Side
    shortfall: float


@dataclass(frozen=True, slots=True)
class Concentration:
    """Herfindahl–Hirschman index over accounts, and the share of the ten largest; None where there is nothing to share."""

    of: str
    index: float | None
    ten: float | None


@dataclass(frozen=True, slots=True)
class Quantile:
    """What no more than 1 − `level` of the scenarios exceed, between the order statistics of its 95 % interval."""

    level: float
    value: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Spread:
    """A sum over the market, over the scenarios."""

    of: str
    mean: Estimate
    far: tuple[Quantile, ...]


@dataclass(frozen=True, slots=True, eq=False)
class Figures:
    """Of all accounts together. `present` is the bad debt there is already; `paired` is how many accounts were looked up, not walked."""

    bad_debt: Loss
    present: float
    parts: tuple[Part, ...]
    concentration: tuple[Concentration, ...]
    spreads: tuple[Spread, ...]
    paired: int


@dataclass(frozen=True, slots=True, eq=False)
class Prospect:
    """A market's figures, in whole units of `unit`, None where nobody can be valued.

    `accounts` are all in debt whose assets have a past, `unknown` all others that owe or may owe, each with its reason, `free` how many owe
    nothing. `owed_unknown` is the debt of those among the unknown that can be valued. `figures` are None where there is no account.
    """

    unit: Unit | None
    draw: Draw
    accounts: tuple[Account, ...]
    unknown: tuple[Unknown, ...]
    owed_unknown: float
    free: int
    figures: Figures | None
    not_included: tuple[str, ...]

    @property
    def liquidatable(self) -> int:
        return sum(one.now for one in self.accounts)

    @property
    def drowning(self) -> tuple[Account, ...]:
        """The ten that the ES of bad debt comes from most."""
        some = (one for one in self.accounts if one.shortfall > 0)
        return tuple(sorted(some, key=lambda one: (-one.shortfall, one.key.key))[:TEN])

    @property
    def bounded(self) -> int:
        """Accounts whose liquidation is told by a bound, and that may come to one."""
        return sum(one.taken.told is Told.BOUND and one.chance.value > 0 for one in self.accounts)


def prospect(
    book: Book[Any, Any, Any], stakes: Stakes, given: Sequence[Taken], basis: Basis, draw: Draw, tell: Tell
) -> Prospect:
    """`given` are the liquidations of all accounts of the stakes, in their order."""
    lost = _lost(stakes, basis)
    some = np.flatnonzero([reason is None for reason in lost])
    reasons = (
        Unknown(book.keys[int(stakes.rows[row])], reason) for row, reason in enumerate(lost) if reason is not None
    )
    accounts, figures = _figures(book, stakes, given, basis, draw, some, tell) if some.size else ((), None)
    return Prospect(
        stakes.unit,
        draw,
        accounts,
        (*stakes.unknown, *reasons),
        float(np.delete(stakes.debt, some).sum()),
        stakes.free,
        figures,
        (*NOT_INCLUDED, *basis.beyond),
    )


def _figures(
    book: Book[Any, Any, Any], stakes: Stakes, given: Sequence[Taken], basis: Basis, draw: Draw, some: Rows, tell: Tell
) -> tuple[tuple[Account, ...], Figures]:
    used = np.flatnonzero((stakes.whole[some] != 0).any(axis=0))
    weighted, whole = (values[np.ix_(some, used)] for values in (stakes.weighted, stakes.whole))
    winds = Winds.of([stakes.strands[place] for place in used.tolist()], stakes.money, basis)
    debt, taken = stakes.debt[some], [given[place] for place in some.tolist()]
    amounts = np.column_stack([np.ones(len(some)), debt, [one.repaid for one in taken], [one.cost for one in taken]])
    seen = foresee(weighted, amounts, stakes.liquidatable[some], winds, basis, draw, tell)
    under = bad_debt(Crowd(weighted.astype(np.float32), whole.astype(np.float32)), seen.ends)
    held = np.maximum(weighted, 0).sum(axis=1)
    figures = Figures(
        _whole(under.total, under.es),
        float(np.maximum(-whole.sum(axis=1), 0).sum()),
        tuple(_parts(stakes, some, under.by_account)),
        (
            _concentrated("debt", debt),
            _concentrated("weighted collateral", held),
            _concentrated("ES of bad debt", under.by_account),
        ),
        tuple(_spread(name, seen.sums[:, place]) for place, name in enumerate(SUMS)),
        seen.paired,
    )
    columns = (some, held, np.maximum(whole, 0).sum(axis=1), debt, seen.chances, under.by_account)
    rows = zip(taken, *(column.tolist() for column in columns), strict=True)
    return tuple(_account(book, stakes, draw, *row) for row in rows), figures


def _account(
    book: Book[Any, Any, Any],
    stakes: Stakes,
    draw: Draw,
    taken: Taken,
    place: int,
    weighted: float,
    collateral: float,
    debt: float,
    chance: float,
    shortfall: float,
) -> Account:
    row, error = int(stakes.rows[place]), float(np.sqrt(chance * (1 - chance) / draw.scenarios))
    now = bool(stakes.liquidatable[place])
    return Account(book.keys[row], place, weighted, collateral, debt, now, Chance(chance, error), taken, shortfall)


def _lost(stakes: Stakes, basis: Basis) -> list[str | None]:
    """By account, why nothing can be said of it."""
    if stakes.lost is not None:
        return [stakes.lost] * len(stakes)
    if stakes.money is not None and stakes.money not in basis.driven:
        return [basis.lost[stakes.money]] * len(stakes)
    why: list[str | None] = [None] * len(stakes)
    for place, strand in enumerate(stakes.strands):
        missing = [one for one in (strand.seen, strand.traded) if one is not None and one not in basis.driven]
        for row in np.flatnonzero(stakes.whole[:, place] != 0).tolist() if missing else ():
            why[row] = why[row] or basis.lost[missing[0]]
    return why


def _whole(total: Floats, es: float) -> Loss:
    """The ES is the sum of its parts, to the last bit."""
    found = loss(total)
    return replace(found, es=Estimate(es, found.es.error))


def _parts(stakes: Stakes, some: Rows, by_account: Floats) -> Sequence[Part]:
    """Each account's part is shared over what it owes, and once more over what it holds, by their present values."""
    found = []
    for side in (Side.DEBT, Side.COLLATERAL):
        values = stakes.by(side)[some]
        total = values.sum(axis=1, keepdims=True)
        shares = np.divide(values, total, out=np.zeros_like(values), where=total > 0)
        by_strand = by_account @ shares
        merged: dict[Token | None, float] = {}
        for strand, part in zip(stakes.strands, by_strand.tolist(), strict=True):
            if strand.side is side and part:
                merged[strand.token] = merged.get(strand.token, 0.0) + part
        bare = float(by_account[total[:, 0] <= 0].sum())
        if bare:
            merged[None] = bare
        found += [Part(token, side, part) for token, part in sorted(merged.items(), key=lambda one: -one[1])]
    return found


def _concentrated(of: str, parts: Floats) -> Concentration:
    found = concentration(parts)
    return Concentration(of, *((None, None) if found is None else found))


def _spread(of: str, sums: Floats) -> Spread:
    middle = mean(sums)
    assert middle is not None  # there are at least two scenarios
    ordered = np.sort(sums)
    return Spread(of, middle, tuple(_quantile(ordered, level) for level in FAR_LEVELS))


def _quantile(ordered: Floats, level: float) -> Quantile:
    """The inverse distribution function; its interval from the binomial law of ranks."""
    count = len(ordered)
    step = WIDE * float(np.sqrt(count * level * (1 - level)))
    ranks = (int(np.clip(np.ceil(round(level * count + way, 9)) - 1, 0, count - 1)) for way in (0.0, -step, step))
    return Quantile(level, *(float(ordered[rank]) for rank in ranks))
