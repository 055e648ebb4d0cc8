"""Compound's interest rate models whose rate follows utilisation in one or two straight pieces."""

from __future__ import annotations

from dataclasses import dataclass

from watcher.formula.compound.pool import Pool
from watcher.units import RAY, WAD, Ray, checked, mul_div_down


@dataclass(frozen=True, slots=True)
class Curve:
    """`JumpRateModel`, its V2, and `WhitePaperInterestRateModel`, which has no kink. All wads, rates per tick."""

    base: int
    slope: int
    jump: int
    kink: int | None


@dataclass(frozen=True, slots=True)
class TwoKinks:
    """`TwoKinksInterestRateModel` of Venus: three straight pieces, the second with a base of its own. All wads, rates per tick."""

    base: int
    slope: int
    kink: int
    base2: int
    slope2: int
    kink2: int
    jump: int


def utilisation(pool: Pool) -> int:
    """borrows / (cash + borrows − reserves), a wad rounded down; 0 without borrows. `Overflow` where the contract reverts."""
    if pool.borrows == 0:
        return 0
    whole = checked(pool.cash + pool.borrows - pool.reserves)
    return mul_div_down(pool.borrows, WAD, whole) if whole else 0


def rate(curve: Curve, used: int) -> int:
    """`getBorrowRate` at a utilisation, a wad per tick; each product rounds down, the kink itself is below."""
    if curve.kink is None or used <= curve.kink:
        return mul_div_down(used, curve.slope, WAD) + curve.base
    normal = mul_div_down(curve.kink, curve.slope, WAD) + curve.base
    return mul_div_down(used - curve.kink, curve.jump, WAD) + normal


def twice_kinked(curve: TwoKinks, used: int) -> int:
    """`getBorrowRate` at a utilisation, of which more than 1 counts as 1; each product rounds down, a kink is above."""
    used = min(used, WAD)
    if used < curve.kink:
        return mul_div_down(used, curve.slope, WAD) + curve.base
    first = mul_div_down(curve.kink, curve.slope, WAD) + curve.base
    if used < curve.kink2:
        return first + mul_div_down(used - curve.kink, curve.slope2, WAD) + curve.base2
    second = mul_div_down(curve.kink2 - curve.kink, curve.slope2, WAD) + curve.base2
    return first + second + mul_div_down(used - curve.kink2, curve.jump, WAD)


def points(curve: Curve, year: int) -> tuple[tuple[Ray, Ray], ...]:
    """(utilisation, yearly rate) at nothing, the kink and everything borrowed. `year` in ticks."""
    at = sorted({0, WAD} | ({curve.kink} if curve.kink is not None and curve.kink < WAD else set()))
    return tuple((Ray(one * RAY // WAD), yearly(rate(curve, one), year)) for one in at)


def yearly(per_tick: int, year: int) -> Ray:
    """A rate per tick as a simple yearly ray."""
    return Ray(per_tick * year * (RAY // WAD))


def earned(curve_rate: int, used: int, reserve_factor: int) -> int:
    """What lenders earn, a wad per tick: `getSupplyRate`."""
    return mul_div_down(used, mul_div_down(curve_rate, checked(WAD - reserve_factor), WAD), WAD)
