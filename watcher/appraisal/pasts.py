"""The stored pasts that assets may follow, on one hourly grid: what is there, how much of it, and what of it is not used."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np

from watcher.appraisal.asset import Chained, Lead
from watcher.prices.past import HOUR, past
from watcher.risk.exposure import Floats
from watcher.risk.series import Series, on_grid
from watcher.store.open import Store

HELD: Final = 26 * HOUR  # how long an answer stands: the slowest usual heartbeat is a day
LEAST: Final = 500  # hourly returns: below, volatility and tails are anybody's guess
HINT: Final = 100  # hourly returns from which at least a beta can be told


@dataclass(frozen=True, slots=True)
class Grid:
    """Hours from `start` to `end`, Unix seconds, both included."""

    start: int
    end: int


@dataclass(frozen=True, slots=True, eq=False)
class Column:
    """The log prices of a past on the grid, nan where it has none.

    `last` is the time of its last tick, `rejected` says how many were not used.
    """

    pairs: Chained
    logs: Floats
    last: int
    sources: tuple[str, ...]
    rejected: int

    @property
    def returns(self) -> int:
        """How many hourly returns it has."""
        return int(np.isfinite(np.diff(self.logs)).sum())

    @property
    def name(self) -> str:
        return " · ".join(self.pairs)


def columns(store: Store, leads: Sequence[Lead], more: Sequence[Chained], grid: Grid) -> dict[Chained, Column]:
    """Every past that any of the leads, or `more`, may follow and that has ticks on the grid."""
    wanted = dict.fromkeys(chained for lead in leads for chained in lead.pasts) | dict.fromkeys(more)
    known: dict[str, tuple[Series, tuple[str, ...]]] = {}
    found = {}
    for chained in wanted:
        parts = [known.setdefault(pair, _read(store, pair, grid)) for pair in chained]
        if all(series.ticks for series, _ in parts):
            found[chained] = _column(chained, parts, grid)
    return found


def _read(store: Store, pair: str, grid: Grid) -> tuple[Series, tuple[str, ...]]:
    seen = past(store, pair, grid.start - HELD, grid.end)
    return seen.series, tuple(seen.sources)


def _column(chained: Chained, parts: Sequence[tuple[Series, tuple[str, ...]]], grid: Grid) -> Column:
    logs = np.sum([on_grid(series, grid.start, grid.end, HOUR, HELD) for series, _ in parts], axis=0)
    return Column(
        chained,
        np.asarray(logs),
        min(series.ticks[-1].time for series, _ in parts),
        tuple(dict.fromkeys(source for _, sources in parts for source in sources)),
        sum(len(series.rejected) for series, _ in parts),
    )


def usable(lead: Lead, found: Mapping[Chained, Column]) -> Iterator[Column]:
    """The pasts of a lead that are there, in its order."""
    return (found[chained] for chained in lead.pasts if chained in found)
