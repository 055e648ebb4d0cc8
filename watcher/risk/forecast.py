"""One-step forecasts through a past: what each model would have said every time, for a backtest of the models themselves."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

import numpy as np

from watcher.risk.backtest import Verdict, christoffersen, conditional_coverage, kupiec, transitions, z2
from watcher.risk.exposure import Flags, Floats
from watcher.risk.power import ES_LEVEL, VAR_LEVEL, Check, Yardstick
from watcher.risk.sample import Sample
from watcher.risk.tail import normal_tail, tail
from watcher.risk.volatility import FLOOR, SEEDED, ewma


class Rule(StrEnum):
    """How a forecast is made from the returns before it."""

    FHS = "ewma-fhs"
    HISTORICAL = "historical"
    GBM = "gbm"


@dataclass(frozen=True, slots=True, eq=False)
class Forecasts:
    """One entry per forecast, in log return: what came, and the losses that were named before it (positive).

    `follows` says which forecast was of the step right after the one before it.
    """

    came: Floats
    follows: Flags
    var: Floats  # at 99 %
    var_es: Floats  # at 97.5 %, the quantile that belongs to `es`
    es: Floats  # at 97.5 %


def forecasts(past: Sample, window: int, rule: Rule, decay: float) -> Forecasts:
    """A forecast of every return after the first `window`, from the `window` before it alone, whatever holes lie between.

    `ValueError` where there is nothing to forecast, and where a whole window names no loss at all: nothing can be held against that.
    """
    returns = past.returns
    if returns.size <= window or window <= SEEDED:
        raise ValueError(f"{returns.size} returns and a window of {window}: no forecast can be made")
    variance = np.maximum(ewma(returns[:, np.newaxis], decay, returns[:SEEDED].var())[:, 0], 1e-300)
    told = [_tails(returns, variance, window, now, rule) for now in range(window, returns.size)]
    var, var_es, es = (np.array(column) for column in zip(*told, strict=True))
    if (es <= 0).any():
        still = int((es <= 0).sum())
        raise ValueError(
            f"{still} of {es.size} forecasts name no loss, because the price never fell in the window before them"
        )
    return Forecasts(returns[window:], past.follows[window:], var, var_es, es)


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
    """One model on one series, with what so many forecasts can tell."""

    exceptions: int
    coverage: Verdict
    independence: Verdict
    conditional: Verdict
    z2: float
    against: Yardstick

    @property
    def forecasts(self) -> int:
        return self.against.forecasts

    @property
    def expected(self) -> float:
        """Exceptions."""
        return self.forecasts * (1 - VAR_LEVEL)

    @property
    def failed(self) -> tuple[Check, ...]:
        """The tests that reject at 5 %."""
        told = {
            Check.KUPIEC: self.coverage.rejects(),
            Check.CHRISTOFFERSEN: self.independence.rejects(),
            Check.CONDITIONAL: self.conditional.rejects(),
            Check.Z2: self.z2 < self.against.critical.value,
        }
        return tuple(check for check, rejects in told.items() if rejects)


def judge(told: Forecasts, against: Yardstick) -> Judgement:
    """Kupiec, Christoffersen and both together on VaR 99 %; Z2 on ES 97.5 % with the critical value of this many forecasts."""
    struck = (told.came < -told.var).tolist()
    covered = kupiec(len(struck), sum(struck), 1 - VAR_LEVEL)
    independent = christoffersen(*transitions(struck, told.follows.tolist()))
    return Judgement(
        exceptions=sum(struck),
        coverage=covered,
        independence=independent,
        conditional=conditional_coverage(covered, independent),
        z2=z2(told.came, told.var_es, told.es, ES_LEVEL),
        against=against,
    )
