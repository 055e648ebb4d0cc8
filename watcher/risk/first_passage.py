"""The chance that a geometric Brownian ratio touches a barrier: closed forms, and the correction for looking only now and then."""

from __future__ import annotations

import numpy as np
from scipy.special import log_ndtr, ndtr, ndtri, zeta

from watcher.risk.exposure import Floats

BGK = float(-zeta(0.5) / np.sqrt(2 * np.pi))  # 0.5825971579: Broadie, Glasserman, Kou 1997
FEWEST_LOOKS = 20  # with fewer, the correction is poor: 0.0288 against 0.0320 at 7


def ratio_volatility(first: float, second: float, correlation: float) -> float:
    """√(σ₁² + σ₂² − 2ρσ₁σ₂): of a price in units of another."""
    return float(np.sqrt(first**2 + second**2 - 2 * correlation * first * second))


def log_drift(growth: float, volatility: float) -> float:
    """ν = μ − σ²/2: the drift of the logarithm."""
    return growth - volatility**2 / 2


def touched(cushion: Floats | float, volatility: float, years: float, drift: float) -> Floats:
    """P(min ≤ barrier) within `years`: Φ((−b − νT)/(σ√T)) + e^(−2νb/σ²) · Φ((−b + νT)/(σ√T)).

    `cushion` is b = ln(now / barrier), `drift` is ν of the logarithm, all per year. 1 where the cushion is gone already; without
    volatility the drift alone decides. In log space, so that a small σ does not overflow. `ValueError` for a cushion that is no number:
    who owes nothing has no line to touch.
    """
    room = _room(cushion)
    if volatility == 0 or years == 0:
        return np.where(room + min(0.0, drift * years) <= 0, 1.0, 0.0)
    spread = volatility * np.sqrt(years)
    straight = ndtr((-room - drift * years) / spread)
    mirrored = np.exp(-2 * drift * room / volatility**2 + log_ndtr((-room + drift * years) / spread))
    return np.where(room <= 0, 1.0, np.minimum(1.0, straight + mirrored))


def below(cushion: Floats | float, volatility: float, years: float, drift: float) -> Floats:
    """P(at the end ≤ barrier): the first term of `touched`. Quoting it alone understates the risk by about half."""
    room = _room(cushion)
    if volatility == 0 or years == 0:
        return np.where(room + drift * years <= 0, 1.0, 0.0)
    return np.asarray(ndtr((-room - drift * years) / (volatility * np.sqrt(years))))


def touched_at(cushion: Floats | float, volatility: float, years: float, drift: float, looks: int) -> Floats:
    """`touched` when somebody looks `looks` times: the barrier is moved away by β σ √Δt.

    `ValueError` below 20 looks, where the correction is not worth its name.
    """
    if looks < FEWEST_LOOKS:
        raise ValueError(f"the correction for {looks} looks is too coarse: at least {FEWEST_LOOKS} are needed")
    room = _room(cushion)
    moved = room + BGK * volatility * np.sqrt(years / looks)
    return np.where(room <= 0, 1.0, touched(moved, volatility, years, drift))


def safe_health(volatility: float, years: float, chance: float) -> float:
    """The health at which a touch within `years` has `chance`, without drift: exp(σ√T · Φ⁻¹(1 − ε/2))."""
    return float(np.exp(volatility * np.sqrt(years) * ndtri(1 - chance / 2)))


def _room(cushion: Floats | float) -> Floats:
    room = np.asarray(cushion, dtype=np.float64)
    if not np.isfinite(room).all():
        raise ValueError("a cushion that is no number: without debt, or without collateral, there is no line to touch")
    return room
