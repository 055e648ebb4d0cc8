"""A price's past made fit for a model: bad ticks, gaps and disagreeing sources are taken out and listed, nothing is filled in."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import pairwise
from math import log
from typing import Final

import numpy as np

from watcher.risk.exposure import Floats

WICK: Final = 0.5  # log distance that only a bad tick comes back from at once
APART: Final = 0.02  # log distance of two sources that cannot both be right


@dataclass(frozen=True, slots=True)
class Tick:
    """A price at a time, Unix seconds. In money per whole token; positive, or it is rejected."""

    time: int
    price: float


class Fault(StrEnum):
    """Why something is not used."""

    NOT_POSITIVE = "not a positive number"
    BAD_TICK = "bad tick"
    REPEATED = "another price of the same second"
    GAP = "gap"
    DISPUTED = "sources disagree"


@dataclass(frozen=True, slots=True)
class Rejected:
    """What was left out: one tick, or a stretch from `time` to `until` that has none."""

    fault: Fault
    time: int
    until: int
    price: float | None
    text: str


@dataclass(frozen=True, slots=True)
class Series:
    """Ticks in order of time, one a second at most, and what was left out on the way."""

    ticks: tuple[Tick, ...]
    rejected: tuple[Rejected, ...]


def clean(ticks: Sequence[Tick], longest: int) -> Series:
    """Without what is not a price and without bad ticks; stretches over `longest` seconds without a tick are listed as gaps.

    A bad tick is farther than a factor of e^0.5 from both its neighbours while those agree: a low of 0.0001 between two prices of 2.
    A real crash stays, because prices do not come back at once.
    """
    rejected: list[Rejected] = []
    kept: list[Tick] = []
    for tick in sorted(ticks, key=lambda one: one.time):
        if not (np.isfinite(tick.price) and tick.price > 0):
            rejected.append(_rejected(Fault.NOT_POSITIVE, tick, f"{tick.price:g}"))
        elif kept and kept[-1].time == tick.time:
            if kept[-1].price != tick.price:
                rejected.append(_rejected(Fault.REPEATED, tick, f"{tick.price:g} beside {kept[-1].price:g}"))
        else:
            kept.append(tick)
    good = _without_wicks(kept, rejected)
    for before, after in pairwise(good):
        if after.time - before.time > longest:
            hours = (after.time - before.time) / 3600
            rejected.append(Rejected(Fault.GAP, before.time, after.time, None, f"nothing for {hours:.1f} h"))
    return Series(tuple(good), tuple(sorted(rejected, key=lambda one: one.time)))


def _without_wicks(ticks: list[Tick], rejected: list[Rejected]) -> list[Tick]:
    good = list(ticks)
    for before, tick, after in zip(ticks, ticks[1:], ticks[2:], strict=False):
        down, up = log(tick.price / before.price), log(after.price / tick.price)
        if abs(down + up) < WICK / 2 and min(abs(down), abs(up)) > WICK:
            text = f"{tick.price:g} between {before.price:g} and {after.price:g}"
            rejected.append(_rejected(Fault.BAD_TICK, tick, text))
            good.remove(tick)
    return good


def agreed(sources: Mapping[str, Series], step: int) -> Series:
    """One series of several, the most trusted first: where it does not reach, before its first tick and after its last, the next stands in.

    Ticks that another source, within a `step`, is over 2 % away from are left out. Which of two is right is not guessed: neither is used.
    """
    times = {name: [tick.time for tick in one.ticks] for name, one in sources.items()}
    rejected = [one for series in sources.values() for one in series.rejected]
    kept: list[Tick] = []
    began = ended = None
    for name, series in sources.items():
        for tick in series.ticks:
            if began is not None and ended is not None and began <= tick.time <= ended:
                continue
            against = _against(tick, name, sources, times, step)
            if against is None:
                kept.append(tick)
            else:
                other, price = against
                rejected.append(_rejected(Fault.DISPUTED, tick, f"{name} says {tick.price:g}, {other} {price:g}"))
        if series.ticks:
            first, last = series.ticks[0].time, series.ticks[-1].time
            began, ended = min(first, began or first), max(last, ended or last)
    return Series(tuple(sorted(kept, key=lambda one: one.time)), tuple(sorted(rejected, key=lambda one: one.time)))


def _against(
    tick: Tick, name: str, sources: Mapping[str, Series], times: Mapping[str, Sequence[int]], step: int
) -> tuple[str, float] | None:
    """The first other source that says something else at that time, and what."""
    for other, series in sources.items():
        beside = None if other == name else _at(series, times[other], tick.time, step)
        if beside is not None and abs(log(beside.price / tick.price)) > APART:
            return other, beside.price
    return None


def _at(series: Series, times: Sequence[int], time: int, step: int) -> Tick | None:
    """The last tick at or before `time`, not older than `step`; `times` are those of the ticks."""
    place = bisect_right(times, time) - 1
    return series.ticks[place] if place >= 0 and time - times[place] <= step else None


def on_grid(series: Series, start: int, end: int, step: int, longest: int) -> Floats:
    """Log prices at start, start + step, … up to `end`: the last tick at or before each, nan where that is older than `longest`."""
    times = np.array([tick.time for tick in series.ticks], dtype=np.int64)
    logs = np.log(np.array([tick.price for tick in series.ticks], dtype=np.float64))
    grid = np.arange(start, end + 1, step)
    if times.size == 0:
        return np.full(grid.size, np.nan)
    place = np.searchsorted(times, grid, side="right") - 1
    usable = (place >= 0) & (grid - times[np.maximum(place, 0)] <= longest)
    return np.where(usable, logs[np.maximum(place, 0)], np.nan)


def rows(columns: Sequence[Floats]) -> Floats:
    """Log returns, times × assets: whole rows only. A row in which any asset has no price at either end is left out."""
    returns = np.diff(np.column_stack(columns), axis=0)
    return np.asarray(returns[np.isfinite(returns).all(axis=1)])


def _rejected(fault: Fault, tick: Tick, text: str) -> Rejected:
    return Rejected(fault, tick.time, tick.time, tick.price, text)
