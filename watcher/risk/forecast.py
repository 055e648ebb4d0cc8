"""One-step forecasts through a past: what each model would have said every time, for a backtest of the models themselves."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

import numpy as np

from watcher.risk.backtest import (
    Verdict,
    christoffersen,
    conditional_coverage,
    kupiec,
    transitions,
    z2,
    z2_critical,
)
from watcher.risk.exposure import Floats
from watcher.risk.tail import Tail, normal_tail, student_tail, tail
from watcher.risk.volatility import DAILY, FLOOR, SEEDED, ewma

VAR_LEVEL: Final = 0.99
ES_LEVEL: Final = 0.975
HEAVY: Final = 4.0  # degrees of freedom of the law under which critical values are simulated
DRAWS: Final = 4_000
UNDERSTATED: Final = 1.25  # losses a quarter larger than said: what a test should notice
POWER: Final = 0.5  # one that notices it less often than this says little


class Rule(StrEnum):
    """How a forecast is made from the returns before it."""

    FHS = "ewma-fhs"
    HISTORICAL = "historical"
    GBM = "gbm"


@dataclass(frozen=True, slots=True, eq=False)
class Forecasts:
    """One entry per forecast, in log return: what came, and the losses that were named before it (positive)."""

    came: Floats
    var: Floats  # at 99 %
    var_es: Floats  # at 97.5 %, the quantile that belongs to `es`
    es: Floats  # at 97.5 %


def forecasts(returns: Floats, window: int, rule: Rule, decay: float = DAILY) -> Forecasts:
    """A forecast of every return after the first `window`, from the `window` before it alone.

    `ValueError` where there is nothing to forecast.
    """
    if returns.size <= window or window <= SEEDED:
        raise ValueError(f"{returns.size} returns and a window of {window}: no forecast can be made")
    variance = np.maximum(ewma(returns[:, np.newaxis], decay, returns[:SEEDED].var())[:, 0], 1e-300)
    told = [_tails(returns, variance, window, now, rule) for now in range(window, returns.size)]
    var, var_es, es = (np.array(column) for column in zip(*told, strict=True))
    return Forecasts(returns[window:], var, var_es, es)


def _tails(returns: Floats, variance: Floats, window: int, now: int, rule: Rule) -> tuple[float, float, float]:
    past = returns[now - window : now]
    if rule is Rule.GBM:
        scale = float(past.std())
        return scale * normal_tail(VAR_LEVEL).var, scale * normal_tail(ES_LEVEL).var, scale * normal_tail(ES_LEVEL).es
    if rule is Rule.FHS:
        floor = FLOOR**2 * past.var()
        scale = float(np.sqrt(max(variance[now], floor)))
        losses = -past / np.sqrt(np.maximum(variance[now - window : now], floor))
    else:
        scale, losses = 1.0, -past
    far, near = tail(losses, VAR_LEVEL), tail(losses, ES_LEVEL)
    return scale * far.var, scale * near.var, scale * near.es


@dataclass(frozen=True, slots=True)
class Judgement:
    """One model on one series. `powerless` names the tests that would notice losses a quarter larger less than half of the time."""

    forecasts: int
    exceptions: int
    expected: float
    coverage: Verdict
    independence: Verdict
    conditional: Verdict
    z2: float
    z2_critical: float
    powerless: tuple[str, ...]

    @property
    def failed(self) -> tuple[str, ...]:
        """The tests that reject at 5 %, by name."""
        named = (("Kupiec", self.coverage), ("Christoffersen", self.independence), ("conditional", self.conditional))
        return tuple(name for name, verdict in named if verdict.rejects()) + (
            ("Acerbi–Szekely",) if self.z2 < self.z2_critical else ()
        )


def judge(told: Forecasts, seed: int) -> Judgement:
    """Kupiec, Christoffersen and both together on VaR 99 %; Z2 on ES 97.5 % with the critical value of this many forecasts."""
    struck = (told.came < -told.var).tolist()
    count = len(struck)
    random = np.random.default_rng(seed)
    heavy = student_tail(ES_LEVEL, HEAVY)
    critical = z2_critical(random.standard_t(HEAVY, (DRAWS, count)), heavy)
    return Judgement(
        forecasts=count,
        exceptions=sum(struck),
        expected=count * (1 - VAR_LEVEL),
        coverage=kupiec(count, sum(struck), 1 - VAR_LEVEL),
        independence=christoffersen(*transitions(struck)),
        conditional=conditional_coverage(struck, 1 - VAR_LEVEL),
        z2=z2(told.came, told.var_es, told.es, ES_LEVEL),
        z2_critical=critical,
        powerless=_powerless(count, critical, heavy, random),
    )


def _powerless(count: int, critical: float, heavy: Tail, random: np.random.Generator) -> tuple[str, ...]:
    """Simulated with losses a quarter larger than forecast, drawn from the same heavy law."""
    draws = UNDERSTATED * random.standard_t(HEAVY, (DRAWS // 4, count))
    far = student_tail(VAR_LEVEL, HEAVY).var
    found = np.mean([kupiec(count, int(hits), 1 - VAR_LEVEL).rejects() for hits in (draws < -far).sum(axis=1)])
    struck = np.where(draws < -heavy.var, draws, 0.0).sum(axis=1)
    scores = struck / (count * (1 - ES_LEVEL) * heavy.es) + 1
    seen = float(np.mean(scores < critical))
    return tuple(name for name, power in (("Kupiec", found), ("Acerbi–Szekely", seen)) if power < POWER)
