"""Which of several positions would be liquidated first, and where one dollar of repayment helps most: both defined, neither estimated."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any, Final

from watcher.adapter import Position, Refusal, Repay
from watcher.cycle import Row
from watcher.errors import WatcherError
from watcher.health.bands import worst
from watcher.health.fall import STEPS
from watcher.health.outlook import Outlook
from watcher.health.what_if import Scenario, Unknown, what_if
from watcher.model import Leg, Side, Token, Valuation
from watcher.oracle.dollar import Rate
from watcher.units import Raw

WHOLE: Final = Fraction(1)


@dataclass(frozen=True, slots=True)
class Standing:
    """One position that owes: `steps` millionths that `of` can fall before its line is crossed, 0 when it is.

    `steps` is None where no such fall crosses it, or where that cannot be told; `reason` says which.
    """

    row: Row
    steps: int | None
    of: str
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class Relief:
    """What repaying one dollar's worth of `token`, `amount` raw units of it, does to one position; both valuations are exact."""

    row: Row
    token: Token
    amount: Raw
    before: Valuation
    after: Valuation

    @property
    def health(self) -> int | None:
        """The health gained, a wad; None where nothing is owed any more."""
        if self.before.health is None or self.after.health is None:
            return None
        return self.after.health - self.before.health

    @property
    def distance(self) -> Fraction:
        """How much further all that protects may fall against what is owed: see `room`."""
        return room(self.after) - room(self.before)


def room(seen: Valuation) -> Fraction:
    """The part of the weighted collateral that may be lost before the line: ``1 − owed / weighted`` of what the contract compares.

    1 where nothing is owed, 0 where nothing protects; below 0 when the line is crossed. A dollar of repayment adds ``1 / weighted``,
    the first as much as the last, which cannot be said of health.
    """
    if not seen.line.owed:
        return WHOLE
    return WHOLE - Fraction(seen.line.owed, seen.line.weighted) if seen.line.weighted else Fraction(0)


def standing(row: Row, outlook: Outlook | None, unseen: str | None) -> Standing:
    """How far a position is from its line: the ratio of a pair that moves together, else the price of all its collateral."""
    if outlook is None:
        return Standing(row, None, "", unseen or "unknown")
    pair = next((group for group in outlook.groups if group.ratio), None)
    if pair is None or pair.ratio is None:
        return Standing(row, outlook.fall.steps, "the price of all collateral", outlook.fall.reason)
    ratio = pair.ratio
    steps = max(0, ratio.present - ratio.answer) * STEPS // ratio.present
    return Standing(row, steps, f"{ratio.collateral.symbol}/{ratio.debt.symbol}")


def first(positions: Iterable[Standing]) -> Standing | None:
    """The position that the smallest fall takes to its line; of equal ones that with the lower health, then the larger debt.

    Whose distance is not known comes after all others here, and must be named beside the answer. None where nobody owes.
    """
    known = [one for one in positions if one.steps is not None]
    return min(known, key=_order, default=None)


def _order(one: Standing) -> tuple[int, int, str]:
    seen = one.row.reading.valuation
    health = 0 if seen is None or seen.health is None else seen.health
    return (STEPS if one.steps is None else one.steps), health, one.row.market.name


def reliefs(row: Row, rate: Rate) -> tuple[Relief, ...]:
    """One dollar's worth of each debt repaid, as the contract would take it; a debt that it refuses, or that has no dollars, is left out.

    One dollar is ⌊amount / value⌋ raw units of the debt at the market's own price, all of a debt that is less.
    """
    seen = row.reading.valuation
    if seen is None or rate.each is None:
        return ()
    found = []
    for leg in seen.legs:
        if leg.side is Side.DEBT and leg.value:
            relief = _relief(row, leg, leg.value * rate.each)
            if relief is not None:
                found.append(relief)
    return tuple(found)


def _relief(row: Row, leg: Leg, dollars: Fraction) -> Relief | None:
    position: Position[Any, Any, Any] = row.position
    amount = Raw(leg.amount if dollars <= 1 else int(leg.amount // dollars))
    if not amount:
        return None
    try:
        seen = what_if(position, Scenario(actions=(Repay(leg.token.address, amount),)))
    except WatcherError:
        return None  # what cannot be valued under another holding has no gain to compare
    if isinstance(seen.after, Refusal | Unknown):
        return None
    return Relief(row, leg.token, amount, seen.before, seen.after)


def best(found: Sequence[Relief]) -> Relief | None:
    """Of the positions in the worst status among them, the debt whose dollar gains most distance; None where there is none."""
    if not found:
        return None
    gravest = worst(*(one.row.reading.status for one in found))
    return max((one for one in found if one.row.reading.status is gravest), key=lambda one: one.distance)
