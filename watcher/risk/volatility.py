"""Volatility that forgets: exponentially weighted variance, and returns made comparable by it."""

from __future__ import annotations

import numpy as np

from watcher.risk.exposure import Floats

DAILY = 0.94  # RiskMetrics 1996: half of the weight lies within 11.2 days
SEEDED = 60  # observations whose variance starts the recursion
FLOOR = 0.5  # of the long-run volatility: calm does not last


def half_life(decay: float) -> float:
    """Observations after which half of the weight is gone."""
    return float(np.log(0.5) / np.log(decay))


def memory(decay: float, left: float) -> float:
    """Observations until only `left` of the weight is older: ln left / ln λ."""
    return float(np.log(left) / np.log(decay))


def decay_of(half: float) -> float:
    """λ with this half-life, in observations."""
    return float(0.5 ** (1 / half))


def recursion(returns: Floats, constant: float, reaction: float, persistence: float, start: float | Floats) -> Floats:
    """GARCH(1,1): v₀ = start, v_t = ω + α r²_{t−1} + β v_{t−1}: one more row than `returns`; row t is known before return t.

    Columns are assets. The last row is the variance of the return that comes next.
    """
    driven = constant + reaction * returns**2
    found = np.empty((len(returns) + 1, *returns.shape[1:]))
    found[0] = start
    for now, shock in enumerate(driven):
        found[now + 1] = shock + persistence * found[now]
    return found


def ewma(returns: Floats, decay: float, start: float | Floats) -> Floats:
    """`recursion` without a constant and with α + β = 1: v_t = λ v_{t−1} + (1 − λ) r²_{t−1}."""
    return recursion(returns, 0.0, 1 - decay, decay, start)


def filtered(returns: Floats, decay: float = DAILY) -> tuple[Floats, Floats]:
    """Standardised returns r / √v and the variance of the next return, floored at half of the long-run volatility.

    The recursion starts from the variance of the first 60 returns, which are left out of the result. `ValueError` for too few returns,
    for one that is no number, and for a column that stands still, in the first 60 or in all others: no volatility is made up.
    """
    if len(returns) <= SEEDED:
        raise ValueError(f"{len(returns)} returns: more than {SEEDED} are needed to start the variance")
    if not np.isfinite(returns).all():
        raise ValueError("some returns are no numbers: rows with a gap are left out, not filled")
    start = returns[:SEEDED].var(axis=0)
    still = np.flatnonzero((start == 0) | (np.ptp(returns[SEEDED:], axis=0) == 0))
    if still.size:
        columns = ", ".join(str(column + 1) for column in still)
        raise ValueError(f"a series that does not move has no volatility to filter by: column {columns}")
    variance = ewma(returns[SEEDED:], decay, start)
    floored = np.maximum(variance, FLOOR**2 * returns.var(axis=0))
    return returns[SEEDED:] / np.sqrt(floored[:-1]), floored[-1]
