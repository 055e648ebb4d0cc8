"""What simulated figures stand on, as a record: with it, and the stored prices, anybody gets the same digits again."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from watcher.appraisal.basis import BLOCK, HALF_LIFE, Basis, Factor
from watcher.cli.provenance import figure, versions
from watcher.cli.risk.judged import record
from watcher.prices.past import HOUR
from watcher.risk.forecast import Judgement
from watcher.risk.scenario import Model

RARE: Final = 3  # hits of none in S scenarios: a chance of 3/S would have shown one, 95 times of 100

Judged = Mapping[str, Judgement | str]


def of_ground(basis: Basis, model: Model, scenarios: int, seed: int, judged: Judged) -> dict[str, Any]:
    """Times are Unix seconds; of each factor also what the backtest says, where it was asked for."""
    return {
        "model": model,
        "scenarios": scenarios,
        "seed": seed,
        "none_seen_is_below": figure(RARE / scenarios),
        "step_seconds": HOUR,
        "ewma_half_life_hours": figure(HALF_LIFE),
        "block_hours": figure(BLOCK),
        "window_start": basis.grid.start,
        "window_end": basis.grid.end,
        "rows": basis.rows,
        "factors": [_of_factor(one, judged.get(one.name)) for one in basis.factors],
        "versions": versions(),
    }


def _of_factor(one: Factor, judged: Judgement | str | None) -> dict[str, Any]:
    return {
        "pair": one.name,
        "sources": list(one.sources),
        "rejected": one.rejected,
        "last": one.last,
        "volatility": figure(one.volatility),
        "beta": figure(one.beta),
        "backtest": None if judged is None else record(judged),
    }
