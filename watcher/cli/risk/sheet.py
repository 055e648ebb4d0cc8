"""An appraisal as people read it: where positions stand, how likely their liquidation is, what it would cost, and what is not in it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

import numpy as np
from rich import box
from rich.console import Console, ConsoleDimensions
from rich.table import Table
from rich.text import Text

from watcher.appraisal.appraise import Appraisal
from watcher.appraisal.estimate import Estimate, Loss
from watcher.appraisal.margins import Standing, owner
from watcher.cli.provenance import instant
from watcher.cli.risk.judged import line
from watcher.cli.risk.record import NOT_INCLUDED, RARE
from watcher.cli.risk.terminal import fans
from watcher.cli.risk.terminal import losses as histogram
from watcher.figures import age
from watcher.risk.outcome import Chance
from watcher.text import clean_line

FEW: Final = "too few"  # liquidations in all scenarios for a mean with an error
SMALLEST: Final = 0.0001  # of a chance, as it is printed
DAYS: Final = 86_400
WIDTH: Final = 150  # columns that the widest table needs


def show_risk(console: Console, found: Appraisal, blocks: Sequence[str]) -> None:
    """Everything, the owner's own figures last. Nothing is cut: a terminal that is too narrow wraps by itself."""
    console.size = ConsoleDimensions(max(console.width, WIDTH), console.height)
    console.print(Text("Risk", "bold cyan"))
    if found.standings:
        console.print(margins(found.standings))
        console.print(distances(found.standings))
        console.print(assets(found.standings))
    if found.horizons:
        console.print(chances(found))
        console.print(losses(found))
        for line in (*histogram(found), *fans(found)):
            console.print(Text(line))
    if found.structures:
        console.print(structures(found))
    for text, style in lines(found, blocks):
        console.print(Text(clean_line(text), style))


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


def chances(found: Appraisal) -> Table:
    """How likely, out of which parts, and within which band of the oracle."""
    made = ruled(
        "liquidated\nwithin",
        "",
        "chance",
        "closed\nform",
        "oracle\nbehind",
        "oracle\nahead",
        "price",
        "interest",
        "lost peg",
        left=2,
    )
    scenarios = found.asked.scenarios
    for each in found.horizons:
        for place, one in enumerate(each.positions):
            made.add_row(
                "" if place else span(each.seconds, found),
                short(one.name),
                Text(chance(one.liquidated, scenarios), "bold"),
                formula(one.closed),
                chance(one.later, scenarios),
                chance(one.sooner, scenarios),
                *(added(one.parts.get(part), scenarios, first=part == "price") for part in ("price", "carry", "depeg")),
            )
        if len(each.positions) > 1:
            made.add_row("", "any of them", Text(chance(each.joint.any, scenarios), "bold"))
            made.add_row("", "all of them", chance(each.joint.all, scenarios))
        made.add_section()
    return made


def losses(found: Appraisal) -> Table:
    """Of equity, at traded prices, liquidations and their cost included."""
    made = ruled(
        "loss of equity\nwithin",
        "",
        "in",
        "mean",
        "VaR 99 %",
        "ES 97.5 %",
        "cost of\nliquidation",
        "where there\nis one",
        left=3,
    )
    for each in found.horizons:
        for place, one in enumerate(each.positions):
            made.add_row(
                "" if place else span(each.seconds, found),
                short(one.name),
                clean_line(found.held[place].money),
                *lost(one.loss),
                estimate(one.cost),
                FEW if one.given is None else estimate(one.given),
            )
        if each.together is not None:
            made.add_row(
                "", Text("all together", "bold"), "USD", *lost(each.together.loss), estimate(each.together.cost), ""
            )
        made.add_section()
    return made


def structures(found: Appraisal) -> Table:
    """The same held in other ways, by one rule of thumb."""
    made = ruled(
        "held as (7 d)", "pools", "lowest health", "liquidated", "cost where there is one", "VaR 99 %", "ES 97.5 %"
    )
    for one in found.structures:
        known = [health for health in one.health if health is not None]
        _, var, es = lost(one.loss)
        made.add_row(
            one.name,
            str(one.pools),
            f"{min(known):.4f}" if known else "–",
            chance(one.liquidated, found.asked.scenarios),
            FEW if one.given is None else estimate(one.given),
            var,
            es,
        )
    return made


def lines(found: Appraisal, blocks: Sequence[str]) -> Iterator[tuple[str, str]]:
    """What is missing first."""
    yield from ((f"* not in it: {line}", "") for line in owner(found.standings).missing)
    yield from ((f"NOT SHOWN: {line}", "bold magenta") for line in found.lost)
    yield from ((f"doubt: {line}", "yellow") for line in found.notes)
    for each in found.horizons:
        if each.together is not None and each.seconds == DAYS:
            whole = each.together
            parts = (*whole.by_asset, ("slippage", whole.slippage), ("lenders bear", whole.forgiven))
            told = ", ".join(f"{symbol} {money(part)}" for symbol, part in parts if abs(part) >= 0.005)
            yield f"ES 97.5 % of 1 d by asset: {told}", ""
            told = ", ".join(f"{name} {money(part)}" for name, part in each.together.by_position)
            yield f"ES 97.5 % of 1 d by position: {told}", ""
            first = [
                f"{one.name} {part:.2%}" for one, part in zip(each.positions, each.joint.first, strict=True) if part
            ]
            yield f"liquidated first within 1 d: {', '.join(first) or 'none in any scenario'}", ""
    yield from ((f"{NOT_INCLUDED}: {line}", "dim") for line in found.excluded)
    yield from ((line, "dim") for line in grounds(found, blocks))


def grounds(found: Appraisal, blocks: Sequence[str]) -> Iterator[str]:
    """What is needed to get the same digits again."""
    asked, basis = found.asked, found.basis
    yield (
        f"model {asked.model}, {asked.scenarios:,} scenarios of hourly steps, seed {asked.seed}; {basis.rows:,} hours of prices"
        f" from {instant(basis.grid.start)} to {instant(basis.grid.end)}; oracle deviation {asked.deviation:.2%}"
    )
    for one in basis.factors:
        used = f"{', '.join(one.sources)}; {one.rejected} ticks not used"
        yield f"factor {one.name}: volatility {one.volatility:.1%} a year, beta {one.beta:.2f} ({used})"
        if one.name in found.judged:
            yield f"  {line(found.judged[one.name])}"
    yield from blocks


def ruled(*titles: str, left: int = 1) -> Table:
    """The first `left` columns hold words."""
    made = Table(box=box.SIMPLE_HEAD, show_edge=False, pad_edge=False, collapse_padding=True)
    for place, title in enumerate(titles):
        made.add_column(title, justify="left" if place < left else "right", no_wrap=True)
    return made


def name(one: Standing) -> str:
    return short(one.held.name)


def short(market: str) -> str:
    """Without the chain, which its section of the wallet says."""
    return clean_line(market.partition("/")[2])


def added(part: Estimate | None, scenarios: int, *, first: bool) -> str:
    """What a part adds to those before it."""
    if part is None:
        return NOT_INCLUDED
    if first:
        return chance(Chance(part.value, part.error), scenarios)
    return "±0" if part.value == 0 else f"{part.value:+.2%} ± {part.error:.2%}"


def money(value: float) -> str:
    return f"{value:,.2f}" if abs(value) < 1_000 else f"{value:,.0f}"


def plain(value: float | None, unit: str = "") -> str:
    return "–" if value is None else f"{value:.4f}{unit}"


def share(value: float | None) -> str:
    return "–" if value is None else f"{value:.2%}"


def clock(seconds: int | None, one: Standing) -> str:
    if not one.held.owes:
        return "–"
    return "never" if seconds is None else age(seconds)


def span(seconds: int, found: Appraisal) -> str:
    told = f"{seconds // DAYS} d" if seconds % DAYS == 0 else f"{seconds // 3600} h"
    return f"{told} (reaction)" if seconds == found.asked.reaction else told


def chance(one: Chance, scenarios: int) -> str:
    """With its standard error. None seen is not never."""
    if one.value == 0:
        return f"< {RARE / scenarios:.3%}"
    if one.value == 1:
        return f"> {1 - RARE / scenarios:.3%}"
    return f"{one.value:.2%} ± {one.error:.2%}"


def formula(value: float | None) -> str:
    """Without an error: it is no simulation. What rounds to nothing is not nothing."""
    if value is None:
        return "–"
    return f"< {SMALLEST:.2%}" if value < SMALLEST else f"{value:.2%}"


def estimate(one: Estimate) -> str:
    return f"{money(one.value)} ± {money(one.error)}"


def lost(one: Loss) -> tuple[str, str, str]:
    return estimate(one.mean), f"{money(one.var)} ± {money(one.var_error)}", estimate(one.es)
