"""How the past of an address is shown: a chart and a table for people, exact rows for programs."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Any, Final

from watcher import figures
from watcher.adapters import adapter
from watcher.cli.history.at import Moment, at_block, block_at
from watcher.cli.history.course import Place, Point, courses, thinned, valued
from watcher.cli.history.spark import LEGEND, Bar, chart, columns
from watcher.cli.options import Format, Options
from watcher.cli.output import Column, show
from watcher.cycle import Row
from watcher.errors import StoreError, WatcherError
from watcher.health.bands import Bands
from watcher.model import Status
from watcher.store import recall
from watcher.store.members import Stood, stood
from watcher.store.open import Store
from watcher.store.recall import Recalled
from watcher.units import WAD
from watcher.watching.policy import Policy

FINER: Final = 6  # columns that a chart may have for one row of the table
ASIDE: Final = 30  # characters beside a chart, for the names of the bands
COURSE: Final = (
    Column("time", "time (UTC)"),
    Column("until", "until"),
    Column("chain", "chain", right=True),
    Column("market", "market"),
    Column("block", "block", right=True),
    Column("status", "status"),
    Column("health", "health", right=True),
    Column("collateral", "collateral", right=True),
    Column("debt", "debt", right=True),
    Column("unit", "unit"),
    Column("decimals", "decimals", right=True),
    Column("readings", "readings", right=True),
    Column("note", "note", wide=True),
)
AT: Final = (
    Column("chain", "chain", right=True),
    Column("market", "market"),
    Column("asked", "asked", right=True),
    *(column for column in COURSE if column.key not in {"until", "chain", "market", "readings", "note"}),
    Column("terms_since", "terms since", right=True),
    Column("quote_since", "quote since", right=True),
    Column("holding_since", "holding since", right=True),
    Column("note", "note", wide=True),
)


def show_courses(
    store: Store,
    found: Sequence[Place],
    since: int,
    every: int,
    policies: Mapping[int, Policy],
    options: Options,
    now: int,
) -> None:
    """Every position from the time `since` on. `policies` by chain give the lines of the charts."""
    account = found[0].key.key
    rows = []
    finer = every // FINER if every % FINER == 0 else every

    def choose(place: Place) -> Bands:
        return bands_of(store, place, policies[place.market.chain], options)

    for place, points in zip(found, courses(store, found, account, since, finer, choose), strict=True):
        if options.format is Format.TABLE:
            sys.stdout.write(pictured(store, place, points, since, policies[place.market.chain], options, now))
        rows += [_row(place, point, options.format is Format.TABLE) for point in thinned(points, every)]
    table = tuple(column for column in COURSE if column.key not in {"decimals", "until"})
    show(rows, table if options.format is Format.TABLE else COURSE, options.format)


def pictured(
    store: Store, place: Place, points: Sequence[Point], since: int, policy: Policy, options: Options, now: int
) -> str:
    """A heading with the age of what is known, and the chart."""
    title = f"{place.market.name} on chain {place.market.chain}"
    if not points:
        return f"{title}: nothing was read since {_time(since)}\n\n"
    first = max(since, points[0].time)
    last = max(point.until or point.time for point in points)
    width = max(shutil.get_terminal_size((100, 24)).columns - ASIDE, 20)
    bars = columns([_bar(point) for point in points], width, first, last)
    lines = chart(bars, {"line": WAD, **asdict(bands_of(store, place, policy, options))})
    read_last = max((point.time for point in points if point.until is None), default=None)
    age = "" if read_last is None else f", last read {figures.age(now - read_last)} ago"
    ends = f"{_time(first)}{_time(last):>{max(width - 20, 0)}}"
    return "\n".join([f"{title}{age}", *lines, ends, LEGEND, "", ""])


def bands_of(store: Store, place: Place, policy: Policy, options: Options) -> Bands:
    """The bands of the position as it was read last; the volatile ones, with a note, where that cannot be told."""
    try:
        of = adapter(place.market.protocol)
        found = recall.facts_at(store, of, place.market, place.key)
        latest = stood(store, of, place.market, place.key) if found is None else found
        if isinstance(latest, Stood | Recalled):
            block = latest.block if isinstance(latest, Stood) else latest.kept.block
            row = Row(place.market, *valued(place, latest, block), False, ())
            judgement = policy.judge(row)
            if isinstance(judgement, WatcherError):
                raise judgement
            if judgement is not None:
                return judgement.bands
    except WatcherError as error:
        options.note(f"{place.market.name}: the lines are those of volatile positions: {error}")
    return policy.volatile


def show_at(
    store: Store,
    found: Sequence[Place],
    asked: tuple[int | None, int | None],
    policies: Mapping[int, Policy],
    options: Options,
) -> bool:
    """Every position as it was at a block or time, out of the stored words; whether all were known. `StoreError`, after all is
    shown, where the words give another health than was read."""
    rows, wrong = [], []

    def choose(place: Place) -> Bands:
        return bands_of(store, place, policies[place.market.chain], options)

    for place in found:
        number, time = asked
        if time is not None:
            number = block_at(store, place.market.chain, time)
        try:
            seen = _before_or_after(time) if number is None else at_block(store, place, number, choose)
        except StoreError as error:
            wrong.append(error)
            seen = str(error)
        rows.append(_at(place, asked, seen, options.format is Format.TABLE))
    show(rows, AT, options.format)
    if wrong:
        raise wrong[0]
    return all(row["status"] != Status.UNKNOWN for row in rows)


def _before_or_after(time: int | None) -> str:
    return f"no stored block says how it was at {_time(time or 0)}"


def _bar(point: Point) -> tuple[int, int, Bar]:
    if point.until is not None:
        return point.time, point.until, Bar(gap=True)
    if point.kept is None or point.status is Status.UNKNOWN:
        return point.time, point.time, Bar(unknown=True)
    return point.time, point.time, Bar(point.kept.health, free=point.kept.health is None)


def _row(place: Place, point: Point, short: bool) -> dict[str, Any]:
    kept = point.kept
    amounts = (None, None, None) if kept is None else (kept.health, kept.collateral, kept.debt)
    return {
        "time": _time(point.time),
        "until": None if point.until is None else _time(point.until),
        "chain": place.market.chain,
        "market": place.market.name,
        "block": point.block,
        "status": point.status,
        **_amounts(place, amounts, short and kept is not None and kept.status is not Status.UNKNOWN, short),
        "readings": None if point.until is not None else point.count,
        "note": point.note or None,
    }


def _at(place: Place, asked: tuple[int | None, int | None], seen: Moment | str, short: bool) -> dict[str, Any]:
    number, time = asked
    row = {
        "chain": place.market.chain,
        "market": place.market.name,
        "asked": number if time is None else _time(time),
    }
    if isinstance(seen, str):
        unknown = _amounts(place, (None, None, None), False, short)
        since = dict.fromkeys(("terms_since", "quote_since", "holding_since"))
        return {**row, "time": None, "block": None, "status": Status.UNKNOWN, **unknown, **since, "note": seen}
    kept = seen.kept
    worth = seen.reading.valuation
    amounts = (None, None, None) if worth is None else (worth.health, worth.collateral, worth.debt)
    return {
        **row,
        "time": _time(kept.block.timestamp),
        "block": kept.block.number,
        "status": kept.status,
        **_amounts(place, amounts, short, short),
        "terms_since": seen.terms,
        "quote_since": seen.quote,
        "holding_since": seen.holding,
        "note": "; ".join(f"{doubt.kind}: {doubt.text}" for doubt in kept.doubts) or None,
    }


def _amounts(
    place: Place, amounts: tuple[int | None, int | None, int | None], known: bool, short: bool
) -> dict[str, Any]:
    """Health in wads and values in the unit's integers; for people as they read them, protection rounded down and debt up."""
    health, collateral, debt = amounts
    row: dict[str, Any] = {"health": health, "collateral": collateral, "debt": debt}
    if short:
        row["health"] = figures.health(health) if known else None
        places = place.decimals
        row["collateral"] = None if collateral is None or places is None else figures.short(collateral, places)
        row["debt"] = None if debt is None or places is None else figures.short(debt, places, up=True)
    return {**row, "unit": place.unit, "decimals": place.decimals}


def _time(seconds: int) -> str:
    return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%dT%H:%M:%SZ}"
