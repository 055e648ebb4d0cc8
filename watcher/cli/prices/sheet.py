"""Prices as tables: what a sync came to, which sources are stored, and what of a pair is not used."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, Final

from watcher.cli.options import Format, Options
from watcher.cli.output import Column, show
from watcher.prices.past import Past, past, series
from watcher.prices.sync import Synced
from watcher.risk.series import Fault, Rejected
from watcher.store.open import Store
from watcher.store.prices import extents
from watcher.text import clean_line

SYNCED: Final = (
    Column("pair", "pair", wide=True),
    Column("source", "source", wide=True),
    Column("read", "rows read", right=True),
    Column("new", "new", right=True),
    Column("error", "error", wide=True),
)
SOURCES: Final = (
    Column("pair", "pair", wide=True),
    Column("called", "called"),
    Column("source", "source", wide=True),
    Column("rows", "rows", right=True),
    Column("first", "first"),
    Column("last", "last"),
    Column("rejected", "rejected", right=True),
    Column("gaps", "gaps", right=True),
)
FAULTS: Final = (
    Column("pair", "pair", wide=True),
    Column("source", "source", wide=True),
    Column("fault", "not used because"),
    Column("time", "from"),
    Column("until", "to"),
    Column("text", "what", wide=True),
)


def synced_row(one: Synced) -> Mapping[str, Any]:
    error = None if one.error is None else clean_line(str(one.error))
    return {"pair": one.source.pair, "source": one.source.name, "read": one.read, "new": one.new, "error": error}


def show_sources(store: Store, options: Options) -> None:
    """Every source with what is stored of it, and how much of that is not used."""
    rows = []
    for one in extents(store):
        found = series(store, one.source)
        rows.append(
            {
                "pair": one.source.pair,
                "called": one.source.called,
                "source": one.source.name,
                "rows": one.rows,
                "first": instant(one.first),
                "last": instant(one.last),
                **counted(found.rejected),
            }
        )
    show(rows, SOURCES, options.format)


def counted(rejected: Sequence[Rejected]) -> Mapping[str, int]:
    gaps = sum(one.fault is Fault.GAP for one in rejected)
    return {"rejected": len(rejected) - gaps, "gaps": gaps}


def show_pairs(store: Store, pairs: Sequence[str], since: int, options: Options) -> None:
    """Of each pair what is not used, and on stderr how much is."""
    rows = []
    for pair in pairs:
        found = past(store, pair, since)
        options.note(f"{pair}: {used(found)}")
        disputed = [one for one in found.series.rejected if one.fault is Fault.DISPUTED]
        parts = [*((name, one) for name, part in found.sources.items() for one in part.rejected)]
        parts += [(next(iter(found.sources)), one) for one in disputed]
        rows += [fault_row(pair, name, one, options.format) for name, one in parts]
    show(rows, FAULTS, options.format)


def used(found: Past) -> str:
    """How much of what is stored a model would get."""
    ticks = found.series.ticks
    if not ticks:
        return "no prices"
    names = ", ".join(found.sources)
    return f"{len(ticks)} prices from {instant(ticks[0].time)} to {instant(ticks[-1].time)}, of {names}"


def fault_row(pair: str, source: str, one: Rejected, form: Format) -> Mapping[str, Any]:
    price = None if one.price is None else Decimal(repr(one.price))
    row = {"pair": pair, "source": source, "fault": one.fault, "time": instant(one.time), "until": instant(one.until)}
    return row | {"text": one.text} | ({} if form is Format.TABLE else {"price": price})


def instant(time: int) -> str:
    return f"{datetime.fromtimestamp(time, UTC):%Y-%m-%d %H:%M:%S}"
