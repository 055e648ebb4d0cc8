"""A price's past cut into equal steps: the returns that a model is made of or judged by, and where the past has holes."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from watcher.risk.exposure import Flags, Floats
from watcher.risk.series import Series, on_grid


@dataclass(frozen=True, slots=True, eq=False)
class Sample:
    """Log returns of the steps that have a price at both ends, in the order of time.

    `follows` says which step came right after the one before it here; the first, and one after a hole, did not. `holes` steps between
    `start` and `end` (Unix seconds of the first and last cut) have no return.
    """

    returns: Floats
    follows: Flags
    start: int
    end: int
    step: int  # seconds
    holes: int


def sample(series: Series, step: int, offset: int, longest: int) -> Sample:
    """The last tick at or before every full `step` since 1970 plus `offset` seconds; none older than `longest` seconds counts.

    `ValueError` for a series without ticks.
    """
    if not series.ticks:
        raise ValueError("no prices")
    first, last = series.ticks[0].time, series.ticks[-1].time
    start = offset + -(-(first - offset) // step) * step
    end = offset + (last - offset) // step * step
    return of_grid(on_grid(series, start, end, step, longest), start, step)


def of_grid(logs: Floats, start: int, step: int) -> Sample:
    """Of log prices at `start` and every `step` seconds after it, nan where there is none."""
    moved = np.diff(logs)
    there = np.isfinite(moved)
    follows = np.concatenate([[False], there[:-1]])[: there.size]
    end = start + max(logs.size - 1, 0) * step
    return Sample(moved[there], follows[there], start, end, step, int((~there).sum()))


def typical(series: Series) -> float:
    """Seconds between two ticks in the middle; inf where there are not two."""
    times = np.array([tick.time for tick in series.ticks], dtype=np.int64)
    return float(np.median(np.diff(times))) if times.size > 1 else float("inf")
