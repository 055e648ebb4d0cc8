"""What a first liquidation takes: by the adapter's own rule just past the line, for one account of a kind or for whoever is asked for."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Final

import numpy as np

from watcher.adapter import Liquidation, Position
from watcher.book.book import Book
from watcher.book.brackets import Brackets, brackets
from watcher.book.revalue import movers
from watcher.errors import WatcherError
from watcher.health.fall import STEPS, crossing, fallen, farthest
from watcher.health.largest import largest, wholly
from watcher.health.mover import movers as moving
from watcher.health.walk import Miss
from watcher.model import Side, Valuation
from watcher.risk.exposure import Floats
from watcher.scan.curve import Bonuses
from watcher.scan.foresight import Tell
from watcher.scan.stakes import Rows, Stakes

FAR: Final = STEPS * 99 // 100  # the deepest fall that is tried
EVERY: Final = 20  # kinds between two marks


class Told(StrEnum):
    """How a liquidation is known."""

    OWN = "own"  # the contract's figures for this very account
    ALIKE = "alike"  # in proportion, by the largest account of the same tokens and order of size
    BOUND = "bound"  # all debt, at the largest bonus of its collateral: it is no more than that


@dataclass(frozen=True, slots=True)
class Taken:
    """By one liquidation: the debt that is repaid, and what is taken above that, in whole units of the market."""

    repaid: float
    cost: float
    told: Told


@dataclass(slots=True)
class Closings:
    """The liquidations of a market's accounts under an accrued quote, where the prices of all collateral of an account have fallen just
    past its line, or now where it is past it. An account whose line no such fall reaches (it holds what it owes) has a bound."""

    book: Book[Any, Any, Any]
    quote: Any
    stakes: Stakes
    _lines: Brackets = field(init=False)
    _answers: dict[Any, int] = field(init=False)
    _columns: tuple[Any, ...] = field(init=False)

    def __post_init__(self) -> None:
        self._lines = brackets(self.book, self.quote, None, FAR, STEPS)
        prices = self.book.adapter.prices(self.book.terms, self.quote)
        self._answers = {one.token.address: one.answer for one in prices if one.answer}
        assets = movers(self.book)
        self._columns = tuple(assets.assets[place] if place < len(assets.assets) else None for place in assets.place)

    def all(self, tell: Tell) -> tuple[Taken, ...]:
        """Of every account of the stakes; the contract is asked once for each kind of account. `UsageError` for a protocol whose
        bonuses are not written down."""
        debt, most = self.stakes.debt, self._most()
        found = [Taken(owed, cost, Told.BOUND) for owed, cost in zip(debt.tolist(), most.tolist(), strict=True)]
        kinds = list(self._kinds())
        for done, some in enumerate(kinds):
            if done % EVERY == 0:
                tell(done, len(kinds))
            example = int(some[debt[some].argmax()])
            own = self.own(example)
            for place in some.tolist() if own is not None else ():
                assert own is not None
                share = float(debt[place] / debt[example])
                found[place] = own if place == example else Taken(own.repaid * share, own.cost * share, Told.ALIKE)
        tell(len(kinds), len(kinds))
        return tuple(found)

    def own(self, place: int) -> Taken | None:
        """Of one account, by its place in the stakes; None where its line is not found, or nothing would be taken there."""
        try:
            there = self._at_line(place)
            return None if there is None else self._taken(there)
        except WatcherError:  # around one account: the bound stands for it
            return None

    def _kinds(self) -> Iterator[Rows]:
        """Accounts of one e-mode that hold and owe the same tokens, of one order of size, and on one side of the line."""
        seen, mode = self.stakes, self.book.adapter.mode
        if not len(seen):
            return
        modes = [mode(self.book.holding(int(row))) if mode else 0 for row in seen.rows]
        size = np.floor(np.log10(np.maximum(seen.debt, 1e-9)))
        key = np.column_stack([seen.whole != 0, modes, size, seen.liquidatable]).astype(np.int64)
        _, of = np.unique(key, axis=0, return_inverse=True)
        order = np.argsort(of, kind="stable")
        yield from np.split(order, np.flatnonzero(np.diff(of[order])) + 1)

    def _most(self) -> Floats:
        """What the largest bonus of its collateral takes above all debt of an account."""
        bonuses, seen = Bonuses.of(self.book), self.stakes
        most = {
            token: max(f for (_, one), f in bonuses.factors.items() if one == token) for _, token in bonuses.factors
        }
        above = np.array([most.get(one.token.address, bonuses.scale) / bonuses.scale - 1 for one in seen.strands])
        return np.asarray(seen.debt * np.where(seen.by(Side.COLLATERAL) > 0, above, 0.0).max(axis=1, initial=0.0))

    def _at_line(self, place: int) -> Position[Any, Any, Any] | None:
        row, of = int(self.stakes.rows[place]), self.book.adapter
        position = Position(of, self.book.terms, self.quote, self.book.holding(row))
        if self.stakes.liquidatable[place]:
            return position
        if self._lines.open[row]:
            falls = {one.price.token.address: one.answer for one in moving(position) if one.on(Side.COLLATERAL)}
            found = crossing(position, falls, 0, min(FAR, farthest(falls))) if falls else Miss("")
            if isinstance(found, Miss):
                return None
            steps = found
        else:
            own = {self._columns[entry.column] for entry in self.book.held.of(row) if entry.amount}
            falls = {asset: self._answers[asset] for asset in own if asset in self._answers}
            steps = int(self._lines.met[row])
        if steps > FAR or not falls:
            return None
        quote = of.reprice(self.book.terms, self.quote, fallen(falls, steps))
        return Position(of, self.book.terms, quote, position.holding)

    def _taken(self, there: Position[Any, Any, Any]) -> Taken | None:
        best, present = largest(there), there.value()
        scale = 10.0**present.unit.decimals
        if isinstance(best, Liquidation):
            repaid, seized = _of_pair(best, present)
        else:
            whole = next(iter(wholly(there)), None)
            if whole is None:
                return None
            repaid = sum(_worth(present, token.address, Side.DEBT, amount) for token, amount in whole.repays)
            seized = sum(_worth(present, token.address, Side.COLLATERAL, amount) for token, amount in whole.seizes)
        return Taken(repaid / scale, max(0.0, seized - repaid) / scale, Told.OWN)


def _of_pair(best: Liquidation, present: Valuation) -> tuple[float, float]:
    """(repaid, seized less what the borrower is credited)."""
    repaid = _worth(present, best.debt.address, Side.DEBT, best.repay)
    seized = _worth(present, best.collateral.address, Side.COLLATERAL, best.seize)
    seized += sum(_worth(present, token.address, Side.COLLATERAL, amount) for token, amount in best.along)
    return repaid, seized - _worth(present, best.debt.address, Side.DEBT, best.credit)


def _worth(present: Valuation, token: str, side: Side, amount: int) -> float:
    """At the price of the position's own leg."""
    leg = next((leg for leg in present.legs if leg.token.address == token and leg.side is side), None)
    return 0.0 if leg is None or not leg.amount else leg.value * (amount / leg.amount)
