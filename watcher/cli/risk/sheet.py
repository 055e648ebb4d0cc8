"""An appraisal as people read it: where positions stand, how likely their liquidation is, what it would cost, and what is not in it."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Final

from rich.console import Console, ConsoleDimensions
from rich.table import Table
from rich.text import Text

from watcher.appraisal.appraise import Appraisal
from watcher.appraisal.margins import owner
from watcher.cli.provenance import instant
from watcher.cli.risk.judged import line
from watcher.cli.risk.record import NOT_INCLUDED
from watcher.cli.risk.standings import assets, distances, margins
from watcher.cli.risk.terminal import fans
from watcher.cli.risk.terminal import losses as histogram
from watcher.cli.risk.words import added, chance, estimate, formula, lost, money, ruled, short
from watcher.text import clean_line

FEW: Final = "too few"  # liquidations in all scenarios for a mean with an error
DAYS: Final = 86_400
WIDTH: Final = 150  # columns that the widest table needs


def show_risk(console: Console, found: Appraisal, blocks: Sequence[str], why: Sequence[str] = ()) -> None:
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
    for moved in why:
        console.print(Text(clean_line(moved)))
    for text, style in lines(found, blocks):
        console.print(Text(clean_line(text), style))


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


def span(seconds: int, found: Appraisal) -> str:
    told = f"{seconds // DAYS} d" if seconds % DAYS == 0 else f"{seconds // 3600} h"
    return f"{told} (reaction)" if seconds == found.asked.reaction else told
