"""The default interest rate strategies of Aave V3: two straight lines over utilisation, kinked at the optimal one.

A strategy contract of another make is not guessed: then there is no `Strategy` and rates stay as they are stored.
"""

from __future__ import annotations

from dataclasses import dataclass

from watcher.formula.aave.version import Version
from watcher.units import BPS, RAY, Ray, checked, mul_div_half_up


@dataclass(frozen=True, slots=True)
class Strategy:
    """Yearly rates and a share, all rays."""

    optimal: Ray  # utilisation at the kink
    base: Ray
    slope1: Ray
    slope2: Ray

    @property
    def points(self) -> tuple[tuple[Ray, Ray], ...]:
        """(utilisation, borrow rate) at 0, at the kink and at 1."""
        kink = Ray(self.base + self.slope1)
        return (Ray(0), self.base), (self.optimal, kink), (Ray(RAY), Ray(kink + self.slope2))


@dataclass(frozen=True, slots=True)
class Pooled:
    """What the rates follow from, in raw token units; `stable_rate` is the average of the stable debt, a ray."""

    free: int  # liquidity left in the pool
    variable: int
    stable: int
    stable_rate: Ray
    unbacked: int  # minted without backing, plus deficit
    factor: int  # reserve factor in basis points


def utilisation(debt: int, free: int) -> Ray:
    """debt / (free + debt), half up; 0 without debt."""
    return Ray(mul_div_half_up(debt, RAY, free + debt)) if debt else Ray(0)


def rates(version: Version, strategy: Strategy, pooled: Pooled) -> tuple[Ray, Ray]:
    """The liquidity rate and the variable borrow rate after a change, as rays; every product and quotient half up.

    Source: calculateInterestRates of DefaultReserveInterestRateStrategy (3.0) and DefaultReserveInterestRateStrategyV2 (3.1 on).
    """
    debt = pooled.stable + pooled.variable
    if debt == 0:
        return Ray(0), strategy.base
    total = checked(checked(pooled.free) + debt)
    used = mul_div_half_up(debt, RAY, total)
    if used > strategy.optimal:
        excess = mul_div_half_up(used - strategy.optimal, RAY, RAY - strategy.optimal)
        variable = strategy.base + strategy.slope1 + mul_div_half_up(strategy.slope2, excess, RAY)
    else:
        variable = strategy.base + mul_div_half_up(mul_div_half_up(strategy.slope1, used, RAY), RAY, strategy.optimal)
    overall = variable if version >= Version.V3_2 else _overall(pooled, variable)
    earned = mul_div_half_up(overall, mul_div_half_up(debt, RAY, total + pooled.unbacked), RAY)
    return Ray(mul_div_half_up(earned, BPS - pooled.factor, BPS)), Ray(variable)


def _overall(pooled: Pooled, variable: int) -> int:
    """Up to 3.1 the rate over variable and stable debt together (_getOverallBorrowRate), amounts widened by nine digits.

    Its two roundings move the rate even where there is no stable debt at all.
    """
    digits = 10**9
    weighted = mul_div_half_up(pooled.variable * digits, variable, RAY) + mul_div_half_up(
        pooled.stable * digits, pooled.stable_rate, RAY
    )
    return mul_div_half_up(weighted, RAY, (pooled.variable + pooled.stable) * digits)
