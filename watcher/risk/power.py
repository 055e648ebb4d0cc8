"""What a backtest of so many forecasts can tell at all: the critical value of its length, and which tests would notice a wrong model."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

import numpy as np
from numpy.random import Generator
from scipy.special import stdtr, stdtrit

from watcher.risk.backtest import Critical, Verdict, christoffersen, conditional_coverage, critical, kupiec, z2_scores
from watcher.risk.exposure import Floats
from watcher.risk.tail import student_tail

VAR_LEVEL: Final = 0.99
ES_LEVEL: Final = 0.975
HEAVY: Final = 4.0  # degrees of freedom of the law under which critical values are simulated
DRAWS: Final = 10_000
TRIES: Final = 1_000  # samples of a wrong model
UNDERSTATED: Final = 1.25  # losses a quarter larger than said: what a test of the amount should notice
CLUSTERED: Final = 0.1  # the chance of an exception right after another, where 0.01 was said: what a test of independence should notice
POWER: Final = 0.5  # one that notices it less often than this says little


class Check(StrEnum):
    """The tests by their names."""

    KUPIEC = "Kupiec"
    CHRISTOFFERSEN = "Christoffersen"
    CONDITIONAL = "conditional"
    Z2 = "Acerbi–Szekely"


@dataclass(frozen=True, slots=True)
class Yardstick:
    """Of so many forecasts: the critical Z2, and how often each test would notice what it looks for."""

    forecasts: int
    critical: Critical
    power: Mapping[Check, float]

    @property
    def powerless(self) -> tuple[Check, ...]:
        """The tests that notice it less than half of the time."""
        return tuple(check for check, often in self.power.items() if often < POWER)


def yardstick(forecasts: int, seed: int) -> Yardstick:
    """Simulated under Student's t with four degrees of freedom; the wrong models are one whose losses are a quarter larger than said, and
    one whose exceptions are one in a hundred but follow each other one time in ten.

    Kupiec and Acerbi–Szekely are to notice the first, Christoffersen the second, both together either.
    """
    random = np.random.default_rng(seed)
    heavy = student_tail(ES_LEVEL, HEAVY)
    right = z2_scores(random, DRAWS, forecasts, heavy, 1 - ES_LEVEL, _quantile)
    least = critical(right)
    below = float(stdtr(HEAVY, -heavy.var / UNDERSTATED))
    wrong = UNDERSTATED * (z2_scores(random, TRIES, forecasts, heavy, below, _quantile) - 1) + 1
    often = float(stdtr(HEAVY, -student_tail(VAR_LEVEL, HEAVY).var / UNDERSTATED))
    larger = _noticed(random, forecasts, often, often)
    rate = 1 - VAR_LEVEL
    together = _noticed(random, forecasts, rate * (1 - CLUSTERED) / (1 - rate), CLUSTERED)
    power = {
        Check.KUPIEC: larger[Check.KUPIEC],
        Check.CHRISTOFFERSEN: together[Check.CHRISTOFFERSEN],
        Check.CONDITIONAL: max(larger[Check.CONDITIONAL], together[Check.CONDITIONAL]),
        Check.Z2: float(np.mean(wrong < least.value)),
    }
    return Yardstick(forecasts, least, power)


def _quantile(chances: Floats) -> Floats:
    return np.asarray(stdtrit(HEAVY, chances))


def _noticed(random: Generator, forecasts: int, after_calm: float, after_struck: float) -> dict[Check, float]:
    """How often each test rejects exceptions that come with these chances after none and after another."""
    told = [
        {Check.KUPIEC: covered, Check.CHRISTOFFERSEN: apart, Check.CONDITIONAL: conditional_coverage(covered, apart)}
        for covered, apart in _verdicts(random, forecasts, after_calm, after_struck)
    ]
    return {check: float(np.mean([one[check].rejects() for one in told])) for check in told[0]}


def _verdicts(
    random: Generator, forecasts: int, after_calm: float, after_struck: float
) -> Iterator[tuple[Verdict, Verdict]]:
    """Kupiec's and Christoffersen's of `TRIES` samples, that begin as they go on in the long run."""
    struck = random.random(TRIES) < after_calm / (1 + after_calm - after_struck)
    total = struck.astype(np.int64)
    counts = np.zeros((4, TRIES), dtype=np.int64)  # n00, n01, n10, n11
    every = np.arange(TRIES)
    for _ in range(forecasts - 1):
        then = random.random(TRIES) < np.where(struck, after_struck, after_calm)
        counts[2 * struck + then, every] += 1
        total += then
        struck = then
    for row, exceptions in zip(counts.T.tolist(), total.tolist(), strict=True):
        yield kupiec(forecasts, exceptions, 1 - VAR_LEVEL), christoffersen(*row)
