"""Where prices may go: seeded paths of log returns, a step at a time, so that only one step of all scenarios is ever in memory.

Whole rows are drawn, so assets fall together as they did. Three models by name: filtered historical simulation, Student's t copula and
geometric Brownian motion.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

import numpy as np
from numpy.random import Generator

from watcher.risk.copula import root, student_rows
from watcher.risk.exposure import Floats
from watcher.risk.volatility import filtered

FREEDOM: Final = 4.0  # of the t copula: extremes of crypto assets, measured at 3.8


class Model(StrEnum):
    """How returns are drawn."""

    FHS = "fhs"  # standardised past rows in blocks, scaled by a volatility that goes on along the path
    STUDENT = "t"  # rows of a t copula with the past's correlation and today's volatility
    GBM = "gbm"  # normal rows likewise


@dataclass(frozen=True, slots=True, eq=False)
class Market:
    """What the past says of the next step: `rows` are standardised returns (times × factors, mean 0), `variance` of the next return.

    `step` is in seconds. `block` is the mean length of a drawn run of rows, `decay` the EWMA's λ, both in steps.
    """

    rows: Floats
    variance: Floats
    decay: float
    block: float
    step: int

    @property
    def correlation(self) -> Floats:
        return np.atleast_2d(np.corrcoef(self.rows.T))


def market(returns: Floats, step: int, decay: float, block: float) -> Market:
    """`filtered` returns with their mean taken out: prices are given no trend of their own."""
    rows, variance = filtered(returns, decay)
    return Market(rows - rows.mean(axis=0), variance, decay, block, step)


def steps(model: Model, past: Market, random: Generator, scenarios: int, count: int) -> Iterator[Floats]:
    """`count` arrays of log returns, scenarios × factors, one per step.

    Prices are given no trend: −σ²/2 in every return keeps an expected price where it is (exactly so for the normal).
    """
    if model is Model.FHS:
        return _historical(past, random, scenarios, count)
    return _parametric(past, random, scenarios, count, FREEDOM if model is Model.STUDENT else None)


def _historical(past: Market, random: Generator, scenarios: int, count: int) -> Iterator[Floats]:
    """Filtered historical simulation with the stationary bootstrap of Politis and Romano (1994).

    Rows are over a volatility that was only estimated, so that their own variance is a little above one (Jensen): it is in every return,
    as in the past, and is taken out of what the volatility goes on by, or it would grow without end along the path.
    """
    total = len(past.rows)
    own = (past.rows**2).mean(axis=0)
    place = random.integers(0, total, scenarios)
    variance = np.broadcast_to(past.variance, (scenarios, len(past.variance))).copy()
    for _ in range(count):
        returns = past.rows[place] * np.sqrt(variance)
        yield returns - own * variance / 2
        variance *= past.decay
        variance += (1 - past.decay) * returns**2 / own
        elsewhere = random.random(scenarios) < 1 / past.block
        place = np.where(elsewhere, random.integers(0, total, scenarios), (place + 1) % total)


def _parametric(past: Market, random: Generator, scenarios: int, count: int, freedom: float | None) -> Iterator[Floats]:
    """Independent rows of today's covariance. `ValueError` as for `copula.root`."""
    deviation, correlation = np.sqrt(past.variance), past.correlation
    drift = -past.variance / 2
    if freedom is None:
        mixing = root(correlation).T
        for _ in range(count):
            yield random.standard_normal((scenarios, len(deviation))) @ mixing * deviation + drift
        return
    for _ in range(count):
        yield student_rows(random, scenarios, correlation, freedom) * deviation + drift
