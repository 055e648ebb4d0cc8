"""Margin in the words of derivatives venues, exact for lending: equity above the maintenance requirement is health above one."""

from __future__ import annotations

from dataclasses import dataclass

from watcher.risk.exposure import Exposure


@dataclass(frozen=True, slots=True)
class Margin:
    """Money is in the exposure's unit, everything else a plain ratio. A ratio is None where its denominator is not above zero.

    The same two words mean reciprocal things on different venues, so the direction is in the name: `equity_over_mm` is 1 at the line
    and falls towards it, `mm_over_equity` is 1 at the line and rises towards it.
    """

    equity: float  # C − D
    maintenance: float  # MM = C − W: equity below it is liquidatable
    initial: float  # IM = C − B: equity below it cannot borrow
    excess: float  # E − MM, which is the signed margin W − D
    health: float | None  # W / D
    equity_over_mm: float | None
    mm_over_equity: float | None
    utilisation: float | None  # IM / E: at 1 nothing more can be borrowed
    borrowed: float | None  # D / B: at 1 at the same point
    leverage: float | None  # C / E
    ltv: float | None  # D / C
    threshold: float | None  # W / C, the average one


def margin(exposure: Exposure) -> Margin:
    """All of them for one margin pool: E = C − D, MM = C − W, IM = C − B (risk literature's names; identity E − MM = W − D)."""
    held = float(exposure.collateral.sum())
    limit = float(exposure.ltv @ exposure.collateral)
    owed, weighted = exposure.owed, exposure.weighted
    equity, maintenance, initial = held - owed, held - weighted, held - limit
    return Margin(
        equity=equity,
        maintenance=maintenance,
        initial=initial,
        excess=weighted - owed,
        health=_ratio(weighted, owed),
        equity_over_mm=_ratio(equity, maintenance),
        mm_over_equity=_ratio(maintenance, equity),
        utilisation=_ratio(initial, equity),
        borrowed=_ratio(owed, limit),
        leverage=_ratio(held, equity),
        ltv=_ratio(owed, held),
        threshold=_ratio(weighted, held),
    )


def toxic_ltv(bonus: float) -> float:
    """The loan-to-value above which a liquidation makes things worse: 1 / (1 + bonus) (Warmuz, Chaudhary, Pinna 2022)."""
    return 1 / (1 + bonus)


def breakeven_slippage(bonus: float) -> float:
    """The slippage at which a liquidator earns nothing: b / (1 + b)."""
    return bonus / (1 + bonus)


def longest_loop(ltv: float) -> float:
    """The leverage that borrowing again and again tends to: 1 / (1 − ltv)."""
    return 1 / (1 - ltv)


def _ratio(top: float, bottom: float) -> float | None:
    return top / bottom if bottom > 0 else None
