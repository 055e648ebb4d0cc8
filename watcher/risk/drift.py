"""When interest alone reaches the line, prices standing still."""

from __future__ import annotations

import numpy as np
from scipy.optimize import brentq

from watcher.risk.exposure import Floats

CENTURY = 100.0  # years: beyond it nothing is said


def years_to_line(weighted: Floats, earned: Floats, debt: Floats, paid: Floats) -> float | None:
    """The smallest t with Σ W e^(rt) = Σ D e^(yt), continuous rates per year; 0 at or below the line, None within a century.

    Weighted collateral and debts as values; without debt there is no line, and None. The difference of exponential sums can cross more
    than once, so it is looked at in steps that no crossing of these rates fits between, and the first one is bracketed.
    """

    if not debt.any():
        return None

    def room(years: float) -> float:
        return float(weighted @ np.exp(earned * years) - debt @ np.exp(paid * years))

    if room(0.0) <= 0:
        return 0.0
    fastest = float(max(np.abs(earned).max(initial=0.0), np.abs(paid).max(initial=0.0)))
    if fastest == 0:
        return None
    step = min(1.0, 0.05 / fastest)
    before = 0.0
    while before < CENTURY:
        after = before + step
        if room(after) <= 0:
            return float(brentq(room, before, after, xtol=1e-12))
        before = after
    return None
