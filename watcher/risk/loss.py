"""What a liquidation costs its borrower: the rule of thumb of closed formulas. Where an adapter can say it, its integers decide."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Closed:
    """One liquidation of one collateral against one debt, in money. `health` is None when nothing is left to owe."""

    repaid: float
    seized: float
    deficit: float
    lost: float  # by the borrower: what was seized above what was repaid
    health: float | None


def closed(collateral: float, debt: float, threshold: float, bonus: float, close_factor: float) -> Closed:
    """Repays `close_factor` of the debt for 1 + bonus in collateral, no more than there is; the rest of an emptied account is a deficit."""
    repaid = min(debt * close_factor, collateral / (1 + bonus))
    seized = repaid * (1 + bonus)
    left, owed = collateral - seized, debt - repaid
    emptied = left <= 1e-12 * collateral
    health = None if owed <= 0 or emptied else left * threshold / owed
    return Closed(repaid, seized, owed if emptied and owed > 0 else 0.0, seized - repaid, health)


def restoring(weighted: float, debt: float, threshold: float, bonus: float, target: float) -> float | None:
    """The repayment after which health is `target`: (H·D − W) / (H − LT(1 + b)); Aave V4 liquidates by this formula.

    0 where it is there already, or nothing is owed. None where no repayment raises health to it: the bonus takes more protection away than
    the repayment frees, or all of the debt is not enough.
    """
    missing, gain = target * debt - weighted, target - threshold * (1 + bonus)
    if missing <= 0:
        return 0.0
    return missing / gain if missing <= gain * debt else None


def improves(health: float, threshold: float, bonus: float) -> bool:
    """A liquidation raises health exactly when health > threshold · (1 + bonus)."""
    return health > threshold * (1 + bonus)
