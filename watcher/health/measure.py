"""Figures of margin beside health, exact: a position's own integers as fractions. Which way is worse is part of each figure.

With C what is held as collateral, D what is owed, W the collateral as the contract weighs it against debt (its own line), and
B = Σ ltv · value: equity E = C − D, maintenance requirement MM = C − W, initial requirement IM = C − B. E ≥ MM exactly where W ≥ D.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from fractions import Fraction
from typing import Final

from watcher.model import Runway, Side, Valuation


class Measure(StrEnum):
    """Ratios are plain (0.7, not 70), runways seconds, chances between 0 and 1. `CHANCE_…` is no matter of one reading: it is foretold."""

    EQUITY_OVER_MM = "equity_over_mm"  # E / MM: 1 at the line, falls towards it
    MM_OVER_EQUITY = "mm_over_equity"  # MM / E: 1 at the line, rises towards it
    MARGIN_UTILISATION = "margin_utilisation"  # IM / E: above 1 nothing more can be borrowed
    BORROW_UTILISATION = "borrow_utilisation"  # D / B: 1 at the same point
    LEVERAGE = "leverage"  # C / E
    LTV = "ltv"  # D / C
    FALL = "fall"  # 1 − D / W = 1 − 1 / health: by how much all collateral can fall
    RUNWAY = "runway"  # until interest alone takes it to the line, at the present rates
    RUNWAY_FULL = "runway_full"  # the same with what is owed fully used
    CHANCE_1H = "chance_1h"
    CHANCE_1D = "chance_1d"
    CHANCE_7D = "chance_7d"
    CHANCE_30D = "chance_30d"
    CHANCE_REACTION = "chance_reaction"  # before the owner can act

    @property
    def falls(self) -> bool:
        """A smaller figure is worse."""
        return self in FALLING

    @property
    def floor(self) -> int:
        """Below it lies nothing that an alarm could be set at."""
        return 1 if self in (Measure.EQUITY_OVER_MM, Measure.LEVERAGE) else 0


FALLING: Final = frozenset({Measure.EQUITY_OVER_MM, Measure.FALL, Measure.RUNWAY, Measure.RUNWAY_FULL})
RUNWAYS: Final = frozenset({Measure.RUNWAY, Measure.RUNWAY_FULL})
CHANCES: Final = frozenset(one for one in Measure if one.value.startswith("chance_"))


class End(StrEnum):
    """What stands where there is no number: worse than any, better than any, or nobody knows."""

    WORST = "worse than any number"
    BEST = "better than any number"
    UNTOLD = "not told"


@dataclass(frozen=True, slots=True)
class Figure:
    """`end` is None exactly where there is a `value`; `reason` says why there is none.

    `last` is what one that is not told now last was, as far as anybody knows; `error` the standard error of a simulated value.
    """

    measure: Measure
    value: Fraction | None
    end: End | None = None
    reason: str = ""
    last: Fraction | None = None
    error: Fraction | None = None


@dataclass(frozen=True, slots=True)
class Sums:
    """In whole units of the valuation's `unit`."""

    collateral: Fraction  # C
    debt: Fraction  # D
    weighted: Fraction  # W, as the contract rounds it
    limit: Fraction  # B

    @property
    def equity(self) -> Fraction:
        return self.collateral - self.debt

    @property
    def maintenance(self) -> Fraction:
        return self.collateral - self.weighted

    @property
    def initial(self) -> Fraction:
        return self.collateral - self.limit


def sums(valuation: Valuation) -> Sums:
    """The four sums of a valuation at the protocol's own line; what is supplied without protecting debt is in none of them."""
    whole, line = 10**valuation.unit.decimals, valuation.line
    lent = sum(leg.value * leg.ltv for leg in valuation.legs if leg.side is Side.COLLATERAL)
    return Sums(
        Fraction(valuation.collateral, whole),
        Fraction(valuation.debt, whole),
        Fraction(line.weighted, 10**line.unit.decimals),
        Fraction(lent, valuation.scale * whole),
    )


def measure(valuation: Valuation, wanted: Measure, runway: Runway | None = None) -> Figure:
    """One figure of a valuation. Where its denominator is not above zero it has an end and no value: no equity under a debt is worse
    than any number, and never read as fine; nothing owed is better than any. `ValueError` for a chance, and for a runway not given.
    """
    of = sums(valuation)
    match wanted:
        case Measure.EQUITY_OVER_MM:
            return _ratio(wanted, of, of.equity, of.maintenance, "nothing is required", ends=of.weighted >= of.debt)
        case Measure.MM_OVER_EQUITY:
            return _ratio(wanted, of, of.maintenance, of.equity, NO_EQUITY)
        case Measure.MARGIN_UTILISATION:
            return _ratio(wanted, of, of.initial, of.equity, NO_EQUITY)
        case Measure.BORROW_UTILISATION:
            return _ratio(wanted, of, of.debt, of.limit, "nothing of it may be borrowed against")
        case Measure.LEVERAGE:
            return _ratio(wanted, of, of.collateral, of.equity, NO_EQUITY)
        case Measure.LTV:
            return _ratio(wanted, of, of.debt, of.collateral, "nothing is held as collateral")
        case Measure.FALL:
            return _ratio(wanted, of, of.weighted - of.debt, of.weighted, "nothing protects the debt")
        case Measure.RUNWAY | Measure.RUNWAY_FULL:
            return _lasting(wanted, runway)
        case _:
            raise ValueError(f"{wanted} is foretold, and no figure of one reading")


NO_EQUITY: Final = "there is no equity: what is owed is worth what is held, or more"


def _ratio(wanted: Measure, of: Sums, top: Fraction, bottom: Fraction, why: str, *, ends: bool = False) -> Figure:
    """top / bottom; `ends` says that a bottom which is not above zero is no harm."""
    if bottom > 0:
        return Figure(wanted, Fraction(top, bottom))
    if of.debt == 0:
        return Figure(wanted, None, End.BEST, "nothing is owed")
    return Figure(wanted, None, End.BEST if ends else End.WORST, why)


def _lasting(wanted: Measure, runway: Runway | None) -> Figure:
    if runway is None:
        raise ValueError(f"{wanted} without a runway")
    seconds = runway.present
    if wanted is Measure.RUNWAY_FULL:
        if runway.reason is not None:
            return Figure(wanted, None, End.UNTOLD, runway.reason)
        seconds = runway.full
    if seconds is None:
        return Figure(wanted, None, End.BEST, "interest alone does not reach the line within a century")
    return Figure(wanted, Fraction(seconds))
