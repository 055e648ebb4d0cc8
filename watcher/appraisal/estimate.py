"""Figures out of scenarios, none without how far chance alone may have moved it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

import numpy as np

from watcher.risk.exposure import Floats
from watcher.risk.tail import tail

VAR_LEVEL: Final = 0.99
ES_LEVEL: Final = 0.975
WIDE: Final = 1.96  # standard errors of a 95 % interval


@dataclass(frozen=True, slots=True)
class Estimate:
    """A mean with its standard error."""

    value: float
    error: float


@dataclass(frozen=True, slots=True)
class Loss:
    """Of equity, in money, positive: the mean, VaR at 99 % between the order statistics of its 95 % interval, ES at 97.5 %."""

    mean: Estimate
    var: float
    var_low: float
    var_high: float
    es: Estimate

    @property
    def var_error(self) -> float:
        """The interval's half width over 1.96: what a standard error of VaR would be."""
        return (self.var_high - self.var_low) / (2 * WIDE)


def mean(values: Floats) -> Estimate | None:
    """None of nothing; of a single value there is no error to tell, which is None too."""
    if values.size < 2:
        return None
    return Estimate(float(values.mean()), float(values.std(ddof=1) / np.sqrt(values.size)))


def loss(losses: Floats) -> Loss:
    """VaR's interval from the binomial law of ranks; ES's error from the spread of what lies beyond, VaR taken for known."""
    count = losses.size
    middle = mean(losses)
    if middle is None:
        raise ValueError("fewer than two scenarios: nothing can be estimated")
    far, near = tail(losses, VAR_LEVEL), tail(losses, ES_LEVEL)
    ordered = np.sort(losses)
    step = WIDE * np.sqrt(count * VAR_LEVEL * (1 - VAR_LEVEL))
    low, high = (int(np.clip(np.ceil(VAR_LEVEL * count + way) - 1, 0, count - 1)) for way in (-step, step))
    beyond = np.maximum(losses - near.var, 0) / (1 - ES_LEVEL)
    error = float(beyond.std(ddof=1) / np.sqrt(count))
    return Loss(middle, far.var, float(ordered[low]), float(ordered[high]), Estimate(near.es, error))
