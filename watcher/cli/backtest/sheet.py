"""A backtest for people: what was judged and what of it was not used, then a row for each rule; a failed test says so at its number."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from typing import Any, Final, TextIO

from watcher.cli.backtest.record import DEFAULT, Backtest, rejected
from watcher.cli.output import Column, show_table
from watcher.cli.provenance import instant, versions
from watcher.risk.forecast import Judgement
from watcher.risk.power import Check
from watcher.risk.volatility import half_life
from watcher.text import clean_line

COLUMNS: Final = (
    Column("rule", "rule"),
    Column("forecasts", "forecasts", right=True),
    Column("exceptions", "exceptions", right=True),
    Column("expected", "expected", right=True),
    Column("kupiec", "Kupiec p", right=True),
    Column("christoffersen", "Christoffersen p", right=True),
    Column("conditional", "conditional p", right=True),
    Column("z2", "Acerbi–Szekely Z2", right=True),
)
STRETCH: Final = ("pair", "first", "last", "step", "prices", "returns", "holes", "window", "decay", "seed", "sources")
VERDICTS: Final = ("forecasts", "exceptions", "expected", "kupiec", "christoffersen", "conditional", "z2")
CSV: Final = tuple(
    Column(key, key)
    for key in (*STRETCH, "rejected", "rule", *VERDICTS, "z2_critical", "z2_critical_error", "failed", "powerless")
)


def pictured(of: Backtest, out: TextIO | None = None) -> None:
    stream = out or sys.stdout
    for line in heading(of):
        stream.write(clean_line(line) + "\n")
    show_table(
        [_row(rule.value + " (default)" * (rule is DEFAULT), one) for rule, one in of.judged.items()], COLUMNS, stream
    )
    critical = of.against.critical
    stream.write(
        f"Z2 fails below {critical.value:.3f} ± {critical.error:.3f}, simulated for {of.against.forecasts} forecasts; p fails below 0.05\n"
    )
    powers = ", ".join(f"{check} {100 * often:.0f} %" for check, often in of.against.power.items())
    stream.write(f"power: {powers}; under 50 % a test that does not fail says little\n")
    stream.write("\n")


def heading(of: Backtest) -> Iterator[str]:
    cut = of.sample
    yield f"{of.pair} · {', '.join(of.sources)}"
    yield (
        f"{len(of.series.ticks)} prices, {cut.returns.size} returns of {cut.step // 3600} h from {instant(cut.start)} to "
        f"{instant(cut.end)}; window {of.window}, half-life {half_life(of.decay):.1f} steps, seed {of.seed}"
    )
    left = [f"{count} × {fault}" for fault, count in rejected(of.series).items()]
    if left or cut.holes:
        told = f"not used: {', '.join(left) or 'no price'}" + (
            f"; {cut.holes} steps without a return" if cut.holes else ""
        )
        yield f"{told}; listed by: {of.listing}"
    made = versions()
    yield ", ".join(f"{'watcher' if name == 'program' else name} {made[name]}" for name in made)


def _row(rule: str, of: Judgement) -> dict[str, Any]:
    named = (
        ("kupiec", Check.KUPIEC, of.coverage.p_value),
        ("christoffersen", Check.CHRISTOFFERSEN, of.independence.p_value),
        ("conditional", Check.CONDITIONAL, of.conditional.p_value),
        ("z2", Check.Z2, of.z2),
    )
    told = {key: _told(of, check, value) for key, check, value in named}
    return {
        "rule": rule,
        "forecasts": of.forecasts,
        "exceptions": of.exceptions,
        "expected": f"{of.expected:.1f}",
        **told,
    }


def _told(of: Judgement, check: Check, value: float) -> str:
    """The number, and what is to be said of it."""
    text = f"{value:.2f}" if check is Check.Z2 else f"{value:.3f}" if value >= 0.001 else "<0.001"
    if check in of.failed:
        return f"{text} FAILS"
    return f"{text} no power" if check in of.against.powerless else text
