"""Joint tails: Student's t copula, whose extremes come together as a normal's never do."""

from __future__ import annotations

import numpy as np
from numpy.random import Generator
from scipy.special import stdtr

from watcher.risk.exposure import Floats


def tail_dependence(correlation: float, freedom: float) -> float:
    """λ = 2 t_{ν+1}(−√((ν + 1)(1 − ρ)/(1 + ρ))) (McNeil, Frey, Embrechts, Quantitative Risk Management)."""
    return float(2 * stdtr(freedom + 1, -np.sqrt((freedom + 1) * (1 - correlation) / (1 + correlation))))


def root(correlation: Floats) -> Floats:
    """The lower triangle L with L Lᵀ = `correlation` (Cholesky), which gives independent rows this correlation.

    `ValueError` where the matrix is no correlation (not positive definite, or not of numbers): nothing is repaired in silence.
    """
    if not np.isfinite(correlation).all():
        raise ValueError("the correlation matrix has entries that are no numbers: an asset does not move")
    try:
        return np.asarray(np.linalg.cholesky(correlation))
    except np.linalg.LinAlgError:
        raise ValueError(
            "the correlation matrix is not positive definite: two assets move as one, or it is inconsistent"
        ) from None


def student_rows(random: Generator, count: int, correlation: Floats, freedom: float) -> Floats:
    """`count` rows of t variates of unit variance: one shared χ² per row, so extremes come together. `ValueError` as for `root`."""
    normal = random.standard_normal((count, len(correlation))) @ root(correlation).T
    shared = np.sqrt(freedom / random.chisquare(freedom, size=(count, 1)))
    return np.asarray(normal * shared * np.sqrt((freedom - 2) / freedom))
