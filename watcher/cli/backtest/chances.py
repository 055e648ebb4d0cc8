"""Stored chances held against what the store says happened: by horizon, as records, and for people."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import groupby
from typing import Any, Final, TextIO

from watcher.cli.backtest.record import Record, Refused
from watcher.cli.backtest.watched import courses, markets_of
from watcher.cli.output import Column, show_table
from watcher.cli.progress import progress
from watcher.cli.provenance import figure, instant, versions
from watcher.risk.backtest import FEWEST, Bucket, Calibration, calibration
from watcher.risk.realised import Realised, realised
from watcher.store.appraisals import foretold
from watcher.store.open import Store

COLUMNS: Final = (
    Column("said", "chance told"),
    Column("count", "told", right=True),
    Column("expected", "expected", right=True),
    Column("happened", "happened", right=True),
    Column("band", "may be", right=True),
    Column("verdict", ""),
)
CSV: Final = tuple(
    Column(key, key)
    for key in ("horizon", "low", "high", "count", "expected", "happened", "fewest", "most", "kept", "brier", "moved")
)
RUN: Final = "watcher run stores those of its wallets, one an hour"
NONE: Final = Refused("the chance of liquidation", f"0 of {FEWEST} are stored", RUN)
UNITS: Final = ((86_400, "d"), (3_600, "h"), (60, "min"))  # seconds


@dataclass(frozen=True, slots=True)
class Calibrated:
    """One horizon. `first` and `last` are when the first and the last chance of it was told, counted or not."""

    realised: Realised
    calibration: Calibration
    first: int
    last: int


def calibrations(store: Store, since: int, until: int | None, visible: bool) -> tuple[list[Calibrated], list[Refused]]:
    """Of every horizon that chances are stored of, told from `since` to `until`; and those with fewer than `FEWEST` that count."""
    told = [one for one in foretold(store) if one.time >= since and (until is None or one.time <= until)]
    markets = markets_of(store)
    keys = sorted({one.key for one in told}, key=lambda key: (key.market, key.key))
    known = {}
    with progress("positions", len(keys), visible) as done:
        for market, some in groupby(keys, lambda key: key.market):
            for key, course in courses(store, markets[market], list(some)):
                known[key] = course
                done(market)
    found, refused = [], []
    for one in realised(told, known):
        if one.predicted.size < FEWEST:
            refused.append(_few(one))
        else:
            times = [each.time for each in told if each.horizon == one.horizon]
            judged = calibration(one.predicted, one.happened)
            found.append(Calibrated(one, judged, min(times), max(times)))
    return found, refused


def _few(one: Realised) -> Refused:
    left = f"; {_left(one)}" if one.left else ""
    reason = f"{one.predicted.size} of {FEWEST} chances that are over{left}"
    return Refused(f"the chance within {long(one.horizon)}", reason, RUN)


def document(of: Calibrated) -> Record:
    return {
        "kind": "calibration",
        "horizon": of.realised.horizon,
        "first": instant(of.first),
        "last": instant(of.last),
        "count": of.calibration.count,
        "happened": int(of.realised.happened.sum()),
        "brier": figure(of.calibration.brier),
        "moved": of.realised.moved,
        "left": {why.value: count for why, count in of.realised.left.items()},
        "kept": of.calibration.kept,
        "buckets": [_bucket(one) for one in of.calibration.buckets],
        **versions(),
    }


def flat(of: Calibrated) -> Iterator[Record]:
    """A row for each bucket."""
    shared = {"brier": figure(of.calibration.brier), "moved": of.realised.moved}
    for one in of.calibration.buckets:
        yield {"horizon": of.realised.horizon, **_bucket(one), **shared}


def _bucket(of: Bucket) -> Record:
    return {
        "low": figure(of.low),
        "high": figure(of.high),
        "count": of.count,
        "expected": figure(of.expected),
        "happened": of.happened,
        "fewest": of.fewest,
        "most": of.most,
        "kept": of.kept,
    }


def pictured(of: Calibrated, out: TextIO | None = None) -> None:
    stream = out or sys.stdout
    one, judged = of.realised, of.calibration
    stream.write(
        f"chances to reach the line within {long(one.horizon)}, told from {instant(of.first)} to {instant(of.last)}: "
        f"{judged.count} count, {int(one.happened.sum())} came true; Brier score {judged.brier:.4f}\n"
    )
    if one.left:
        stream.write(f"not counted: {_left(one)}\n")
    if one.moved:
        stream.write(f"in {one.moved} of those that count the owner or a liquidator changed the amounts on the way\n")
    show_table([_row(bucket) for bucket in judged.buckets], COLUMNS, stream)
    stream.write("\n")


def _row(of: Bucket) -> dict[str, Any]:
    return {
        "said": f"{100 * of.low:g}–{100 * of.high:g} %",
        "count": of.count,
        "expected": f"{of.expected:.1f}",
        "happened": of.happened,
        "band": f"{of.fewest}–{of.most}",
        "verdict": "" if of.kept else "FAILS",
    }


def _left(one: Realised) -> str:
    return ", ".join(f"{count} × {why}" for why, count in sorted(one.left.items()))


def long(horizon: int) -> str:
    """1 h, 7 d, 90 min."""
    return next((f"{horizon // size} {unit}" for size, unit in UNITS if horizon % size == 0), f"{horizon} s")
