"""A sum of lognormals as one lognormal: a fast second opinion where a path simulation would need millions of draws."""

from __future__ import annotations

import numpy as np

from watcher.risk.exposure import Floats
from watcher.risk.first_passage import below, touched


def matched(weighted: Floats, covariance: Floats, years: float) -> tuple[float, float]:
    """(log mean, volatility per √year) of the lognormal with the first two moments of Σ wᵢ e^(xᵢ), x driftless in price.

    `weighted` is threshold · collateral per asset, all above zero, or `ValueError`; `covariance` of log returns per year.
    """
    if weighted.size == 0 or weighted.min() <= 0:
        raise ValueError("a sum of lognormals needs collateral: all of it above zero")
    total = float(weighted.sum())
    second = float(weighted @ np.exp(covariance * years) @ weighted)
    variance = float(np.log(second / total**2))
    return float(np.log(total)) - variance / 2, float(np.sqrt(variance / years))


def matched_chances(weighted: Floats, debt: float, covariance: Floats, years: float) -> tuple[float, float]:
    """(P(below the line at the end), P(ever below it)) of a fixed debt by the matched lognormal. `ValueError` where nothing is owed."""
    if debt <= 0:
        raise ValueError("nothing is owed: there is no line to reach")
    _, volatility = matched(weighted, covariance, years)
    room = float(np.log(weighted.sum() / debt))
    drift = -(volatility**2) / 2
    return float(below(room, volatility, years, drift)), float(touched(room, volatility, years, drift))
