"""Figures of risk as people read them: money and shares in few digits, what is simulated with its error."""

from __future__ import annotations

from typing import Final

from rich import box
from rich.table import Table

from watcher.appraisal.estimate import Estimate, Loss
from watcher.cli.risk.ground import RARE
from watcher.cli.risk.record import NOT_INCLUDED
from watcher.risk.outcome import Chance
from watcher.text import clean_line

SMALLEST: Final = 0.0001


def ruled(*titles: str, left: int = 1) -> Table:
    """The first `left` columns hold words."""
    made = Table(box=box.SIMPLE_HEAD, show_edge=False, pad_edge=False, collapse_padding=True)
    for place, title in enumerate(titles):
        made.add_column(title, justify="left" if place < left else "right", no_wrap=True)
    return made


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
