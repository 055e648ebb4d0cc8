"""What Aave V3 makes of an account's sums: averages, health factor, free borrowing, and the line of liquidation (GenericLogic).

Values are in the oracle's base currency, thresholds and loan-to-values in basis points.
"""

from __future__ import annotations

from typing import Final, NamedTuple

from watcher.formula.aave.rounding import rounding
from watcher.formula.aave.version import Version
from watcher.units import BPS, WAD, Wad, mul_div_down, mul_div_half_up

_DIRECTED: Final = Version.V3_5  # found once: an enum looks its members up each time
_TWICE: Final = 2 * WAD
LIQUIDATION_LINE: Final = WAD  # HEALTH_FACTOR_LIQUIDATION_THRESHOLD: liquidatable strictly below


class Sums(NamedTuple):
    """Σ over an account: `collateral` and `debt` in base currency, `weighted` and `lendable` in base currency × basis points."""

    collateral: int
    debt: int
    weighted: int  # Σ value · liquidation threshold
    lendable: int  # Σ value · loan-to-value

    @property
    def threshold(self) -> int:
        """The average liquidation threshold, rounded down; 0 without collateral."""
        return self.weighted // self.collateral if self.collateral else 0

    @property
    def ltv(self) -> int:
        """The average loan-to-value, rounded down; 0 without collateral."""
        return self.lendable // self.collateral if self.collateral else 0


def deposit_value(amount: int, price: int, unit: int) -> int:
    """⌊amount · price / unit⌋ in base currency; `unit` is 10 ** decimals."""
    return mul_div_down(amount, price, unit)


def debt_value(version: Version, amount: int, price: int, unit: int) -> int:
    """amount · price / unit in base currency: down, up from 3.5."""
    return rounding(version).debt_value(amount, price, unit)


def health_factor(version: Version, sums: Sums) -> Wad | None:
    """Threshold-weighted collateral over debt, as a wad; None when nothing is owed.

        from 3.5:  wadDiv(Σ value · threshold, debt) / 10_000
        before:    wadDiv(percentMul(collateral, ⌊average threshold⌋), debt)

    wadDiv and percentMul round half up, the last division down. Before 3.5 the average threshold is cut to a whole basis point first,
    so that health is not monotone in a price.
    """
    if sums.debt == 0:
        return None
    if version >= _DIRECTED:
        return Wad(mul_div_half_up(sums.weighted, WAD, sums.debt) // BPS)
    return Wad(mul_div_half_up(mul_div_half_up(sums.collateral, sums.threshold, BPS), WAD, sums.debt))


def line(version: Version, sums: Sums) -> tuple[int, int]:
    """The pair (weighted, owed) with: health below one exactly when weighted < owed, to the last unit.

    From 3.5 it is Σ value · threshold against 10_000 · debt, before that the protected value against the debt. Half-up division lifts
    a debt of 2e18 base units or more over the line a little early; `owed` is lowered by exactly that.
    """
    lift = sums.debt // _TWICE
    if version >= _DIRECTED:
        return sums.weighted, sums.debt * BPS - lift
    return mul_div_half_up(sums.collateral, sums.threshold, BPS), sums.debt - lift


def available(version: Version, sums: Sums) -> int:
    """Further debt that the average loan-to-value allows, in base currency: the product half up, down from 3.5; never below zero."""
    multiply = mul_div_down if version >= _DIRECTED else mul_div_half_up
    spare = multiply(sums.collateral, sums.ltv, BPS) - sums.debt
    return spare if spare > 0 else 0
