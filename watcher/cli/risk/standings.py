"""Where positions stand, as tables: their margins, their distances to the line, and what moves them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np
from rich.table import Table
from rich.text import Text

from watcher.appraisal.margins import Standing, owner
from watcher.cli.risk.words import money, plain, ruled, share, short
from watcher.figures import age
from watcher.text import clean_line


def margins(standings: Sequence[Standing]) -> Table:
    made = ruled(
        "margin",
        "in",
        "equity",
        "main-\ntenance",
        "initial",
        "E/MM",
        "MM/E",
        "IM/E",
        "D/B",
        "lever-\nage",
        "LTV",
        "toxic\nfrom",
    )
    for one in standings:
        of = one.margin
        inside = one.toxic is not None and of.ltv is not None and of.ltv > one.toxic
        made.add_row(
            name(one),
            clean_line(one.held.money),
            money(of.equity),
            money(of.maintenance),
            money(of.initial),
            plain(of.equity_over_mm),
            share(of.mm_over_equity),
            share(of.utilisation),
            share(of.borrowed),
            plain(of.leverage),
            share(of.ltv),
            Text(share(one.toxic), "bold red" if inside else ""),
        )
    if len(standings) > 1:
        whole = owner(standings)
        sums = (whole.equity, whole.maintenance, whole.initial)
        star = "*" if whole.missing else ""
        made.add_section()
        made.add_row(
            Text("all together", "bold"), "USD", *(money(one) + star for one in sums), *("",) * 4, plain(whole.leverage)
        )
    return made


def distances(standings: Sequence[Standing]) -> Table:
    made = ruled(
        "distance to the line",
        "all\ncollateral",
        "basket",
        "in a\ncrisis",
        "sigmas\n1 d",
        "interest\nalone",
        "fully\nused",
        "bonus",
        "break-even\nslippage",
    )
    for one in standings:
        full = "unknown" if one.runway.reason else clock(one.runway.full, one)
        made.add_row(
            name(one),
            share(None if one.fall is None else 0 - one.fall),
            share(one.basket),
            share(one.crisis),
            "–" if one.distance is None else f"{one.distance.sigmas:.2f}",
            clock(one.runway.present, one),
            full,
            "–" if one.at_line is None else share(one.at_line.bonus),
            share(one.slippage),
        )
    return made


def assets(standings: Sequence[Standing]) -> Table:
    """What each price, threshold and rate does to each position."""
    made = ruled(
        "what moves it",
        "held",
        "owed",
        "line at",
        "beta",
        "likeliest\n1 d",
        "equity\nprice +1 %",
        "health\nprice +1 %",
        "health\nthr. +1 pt",
        "health, 1 y\nrate +1 pt",
    )
    for one in standings:
        made.add_row(Text(name(one), "dim"))
        for place in range(len(one.exposure.assets)):
            made.add_row(*moved(one, place))
    return made


def moved(one: Standing, place: int) -> Iterator[str]:
    factor, felt = one.breaking[place], one.sensitivities
    yield f"  {clean_line(one.exposure.assets[place])}"
    yield money(float(one.exposure.collateral[place]))
    yield money(float(one.exposure.debt[place]))
    yield "–" if factor is None else f"{factor - 1:+.2%}"
    yield "–" if one.betas is None else f"{one.betas[place]:.2f}"
    yield "–" if one.distance is None else f"{np.expm1(one.distance.breach[place]):+.2%}"
    if felt is None:
        yield from ("–",) * 4
        return
    yield money(float(felt.equity[place]) / 100)
    yield f"{felt.health[place] / 100:+.5f}"
    yield f"{felt.health_threshold[place] / 100:+.5f}"
    yield f"{(felt.health_earned[place] + felt.health_paid[place]) / 100:+.5f}"


def name(one: Standing) -> str:
    return short(one.held.name)


def clock(seconds: int | None, one: Standing) -> str:
    if not one.held.owes:
        return "–"
    return "never" if seconds is None else age(seconds)
