"""How far prices are from the line: one asset, all collateral, a basket by betas, and in standard deviations."""

from __future__ import annotations

from dataclasses import dataclass
from math import inf

import numpy as np

from watcher.risk.exposure import Exposure, Floats

NEWTON_STEPS = 50


def breaking_factor(exposure: Exposure, asset: int) -> float | None:
    """The factor on one price at which the margin is 0, all else fixed: (D − W of the others) / net of this one.

    Below one a fall, above one a rise. None where no positive price does it, or where the price moves both sides alike.
    """
    whole, own = float(exposure.net.sum()), float(exposure.net[asset])
    factor = (own - whole) / own if own else inf
    return factor if 0 < factor < inf else None


def collateral_fall(exposure: Exposure) -> float | None:
    """s* = 1 − D / W: the fall of all collateral, debt fixed, that reaches the line, below zero a rise.

    None where nothing protects or is owed.
    """
    if exposure.owed == 0 or exposure.weighted == 0:
        return None
    return 1 - exposure.owed / exposure.weighted


def basket_shock(exposure: Exposure, betas: Floats) -> float | None:
    """s* = −M / Σ β·net, prices moving by β·s together: below zero a fall, above a rise.

    None where the basket does not move the margin, or reaches the line only beyond a price of zero.
    """
    slope = float(betas @ exposure.net)
    if slope == 0:
        return None
    shock = -float(exposure.net.sum()) / slope
    return shock if np.all(1 + betas * shock > 0) else None


@dataclass(frozen=True, slots=True, eq=False)
class Distance:
    """`sigmas` is δ = M / √(gᵀΣg), below zero under the line already; `breach` the most likely log returns to the line, one per asset."""

    sigmas: float
    breach: Floats


def distance(exposure: Exposure, covariance: Floats) -> Distance | None:
    """First-order reliability with g = net, refined by Newton on Σ net · eˣ = 0 along the most likely direction.

    `covariance` is of log returns over the horizon. None where nothing moves the margin, and where every asset moves it the same way
    (no debt, only debt): no prices reach the line then.
    """
    net = exposure.net
    if net.min(initial=0) >= 0 or net.max(initial=0) <= 0:
        return None
    spread = covariance @ net
    variance = float(net @ spread)
    if variance <= 0:
        return None
    total = float(net.sum())
    breach = _refined(net, spread, -total / variance)
    return None if breach is None else Distance(total / variance**0.5, breach)


def _refined(net: Floats, way: Floats, start: float) -> Floats | None:
    """The point along `way` at which Σ net · eˣ is 0, from the linear one; None where Newton does not settle."""
    step = start
    for _ in range(NEWTON_STEPS):
        grown = net * np.exp(step * way)
        slope = float(grown @ way)
        if slope == 0 or not np.isfinite(slope):
            break
        change = float(grown.sum()) / slope
        step -= change
        if abs(change) <= 1e-14 * max(1.0, abs(step)):
            return step * way
    return None


@dataclass(frozen=True, slots=True, eq=False)
class Sensitivities:
    """Per asset: of equity, margin and health to its price (relative, ln p), of health to its threshold, and to a year at another rate."""

    equity: Floats  # C − D
    margin: Floats  # net
    health: Floats  # (LT · C − HF · D) / D, per ln p
    health_threshold: Floats  # C / D
    health_earned: Floats  # LT · C / D, per unit of the yearly rate that collateral earns, over a year
    health_paid: Floats  # −HF · debt / D, per unit of the yearly rate that debt pays, over a year


def sensitivities(exposure: Exposure) -> Sensitivities | None:
    """None where nothing is owed: health has no slope then."""
    owed = exposure.owed
    if owed == 0:
        return None
    health = exposure.weighted / owed
    return Sensitivities(
        equity=exposure.collateral - exposure.debt,
        margin=exposure.net,
        health=(exposure.threshold * exposure.collateral - health * exposure.debt) / owed,
        health_threshold=exposure.collateral / owed,
        health_earned=exposure.threshold * exposure.collateral / owed,
        health_paid=-health * exposure.debt / owed,
    )
