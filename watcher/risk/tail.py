"""Value at Risk and Expected Shortfall: of losses, which are positive; of a normal and of Student's t; and who they come from."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.special import gammaln, ndtri, stdtrit

from watcher.risk.exposure import Floats


@dataclass(frozen=True, slots=True)
class Tail:
    """Losses at `level` (0.99: one in a hundred is worse), in the losses' unit."""

    level: float
    var: float
    es: float


def tail(losses: Floats, level: float) -> Tail:
    """VaR as the inverse distribution function, no interpolation; ES by Rockafellar and Uryasev, which is right with atoms too.

    VaR = min{z : P(L ≤ z) ≥ level}        ES = VaR + mean(max(L − VaR, 0)) / (1 − level)
    """
    if losses.size == 0:
        raise ValueError("no losses: there is no quantile of nothing")
    count = losses.size
    rank = min(count, max(1, int(np.ceil(round(level * count, 9))))) - 1
    var = float(np.partition(losses, rank)[rank])
    excess = float(np.maximum(losses - var, 0).mean())
    return Tail(level, var, var + excess / (1 - level))


def normal_tail(level: float) -> Tail:
    """Of a standard normal: z and φ(z) / (1 − level)."""
    z = float(ndtri(level))
    return Tail(level, z, float(np.exp(-(z**2) / 2) / np.sqrt(2 * np.pi)) / (1 - level))


def student_tail(level: float, freedom: float, *, unit_variance: bool = False) -> Tail:
    """Of Student's t: q and pdf(q) · (ν + q²) / ((ν − 1)(1 − level)); rescaled by √((ν − 2)/ν) when σ is a standard deviation."""
    q = float(stdtrit(freedom, level))
    log_pdf = (
        gammaln((freedom + 1) / 2)
        - gammaln(freedom / 2)
        - np.log(freedom * np.pi) / 2
        - (freedom + 1) / 2 * np.log1p(q**2 / freedom)
    )
    es = float(np.exp(log_pdf)) * (freedom + q**2) / ((freedom - 1) * (1 - level))
    scale = float(np.sqrt((freedom - 2) / freedom)) if unit_variance else 1.0
    return Tail(level, q * scale, es * scale)


def cornish_fisher(level: float, skew: float, excess_kurtosis: float) -> float:
    """The quantile at `level` corrected for skew and kurtosis; a cross-check for display, wrong outside its monotone domain."""
    z = float(ndtri(level))
    return z + (z**2 - 1) * skew / 6 + (z**3 - 3 * z) * excess_kurtosis / 24 - (2 * z**3 - 5 * z) * skew**2 / 36


def components(weights: Floats, covariance: Floats, multiple: float) -> Floats:
    """Each asset's part of `multiple` · σ: z · w (Σw) / σ. They add up to the whole exactly. `ValueError` where nothing varies."""
    spread = covariance @ weights
    variance = float(weights @ spread)
    if not variance > 0:
        raise ValueError(f"a variance of {variance:g}: there is no risk to attribute, or the matrix is no covariance")
    return np.asarray(multiple * weights * spread / np.sqrt(variance))


def shortfall_parts(parts: Floats, losses: Floats, level: float) -> Floats:
    """Who the Expected Shortfall comes from: parts has one row per scenario and one column per source, and rows add up to `losses`.

    The same weights that make ES of the losses (all beyond VaR, and as much of the atom at VaR as fills 1 − level) are put on every
    column, so the columns add up to ES exactly.
    """
    var = tail(losses, level).var
    beyond, at = losses > var, losses == var
    share = (1 - level) * losses.size
    weight = np.where(beyond, 1.0, np.where(at, (share - beyond.sum()) / at.sum(), 0.0))
    return np.asarray(weight @ parts / share)
