"""How good one-hour forecasts of each factor were, over the very past that the paths are drawn from."""

from __future__ import annotations

from typing import Final

from watcher.appraisal.basis import DECAY, Basis
from watcher.prices.past import HOUR
from watcher.risk.forecast import Judgement, Rule, forecasts, judge
from watcher.risk.power import Yardstick, yardstick
from watcher.risk.sample import of_grid
from watcher.risk.scenario import Model

WINDOW: Final = 1_000  # returns before each forecast
FEWEST: Final = 30  # forecasts that anything can be said of
RULES: Final = {Model.FHS: Rule.FHS, Model.GBM: Rule.GBM}


def judged(basis: Basis, model: Model, seed: int) -> dict[str, Judgement | str]:
    """By the factor's name; or why it was not judged."""
    rule = RULES.get(model)
    found: dict[str, Judgement | str] = {}
    known: dict[int, Yardstick] = {}
    for factor, column in zip(basis.factors, basis.columns, strict=True):
        past = of_grid(column.logs, basis.grid.start, HOUR)
        count = past.returns.size - WINDOW
        if rule is None:
            found[factor.name] = f"model {model} has no backtest: it is not judged"
        elif count < FEWEST:
            found[factor.name] = (
                f"{past.returns.size} hours of past: too few to be judged, {WINDOW + FEWEST} are needed"
            )
        else:
            if count not in known:
                known[count] = yardstick(count, seed)
            found[factor.name] = judge(forecasts(past, WINDOW, rule, DECAY), known[count])
    return found
