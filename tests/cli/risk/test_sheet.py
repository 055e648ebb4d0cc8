"""The report as people read it: no chance is 0 because none was seen, nothing is shown that is not known."""

from __future__ import annotations

from io import StringIO

import pytest
from rich.console import Console

from tests.appraisal.scene import A, B, ground, holds, loan, wanted
from tests.health import toy
from watcher.appraisal.appraise import Appraisal, appraise
from watcher.appraisal.asked import Asked
from watcher.appraisal.depth import Depth
from watcher.cli.risk.sheet import show_risk, span
from watcher.cli.risk.words import chance, formula
from watcher.risk.drive import STABLE
from watcher.risk.outcome import Chance

BLOCK = "paper: block 100, 0x11"


def printed(found: Appraisal, width: int = 200) -> str:
    out = StringIO()
    show_risk(Console(file=out, width=width, highlight=False, markup=False), found, [BLOCK])
    return out.getvalue()


def made(*lost: str, depth: Depth | None = None, asked: Asked | None = None) -> Appraisal:
    near, calm = holds(loan(owed=150_000), name="paper/near"), holds(loan(owed=50_000), name="paper/calm")
    saver = holds(toy.position({A: 100, B: 100}, {A: 8_000}, {A: 50_000}, {}), name="paper/saver")
    positions = [near, calm, saver]
    basis = ground(positions, {"T1": 0.9}, {"T2": STABLE}, {symbol: f"{symbol} has no stored past" for symbol in lost})
    return appraise(positions, basis, asked or wanted(1, 24, scenarios=1_000), {1: 12.0}, depth)


@pytest.fixture(scope="module")
def text() -> str:
    return printed(made())


def line_of(text: str, *words: str) -> str:
    return next(line for line in text.splitlines() if all(word in line for word in words))


def test_a_chance_that_no_scenario_hit_is_below_three_in_all_of_them(text: str) -> None:
    assert "< 0.300%" in line_of(text[text.index("chance") :], "calm")
    assert chance(Chance(0.0, 0.0), 10_000) == "< 0.030%"
    assert chance(Chance(1.0, 0.0), 10_000) == "> 99.970%"
    assert chance(Chance(0.0123, 0.0011), 10_000) == "1.23% ± 0.11%"


def test_a_closed_form_is_never_nought() -> None:
    assert (formula(1e-9), formula(0.0), formula(0.0683), formula(None)) == ("< 0.01%", "< 0.01%", "6.83%", "–")


def test_what_is_in_no_figure_is_said_at_the_end(text: str) -> None:
    for what in ("rates that change with utilisation", "oracle price caps", "slippage of what liquidators sell"):
        assert any(line.startswith("not included:") and what in line for line in text.splitlines())
    assert "not included: slippage" not in printed(made(depth=Depth({"t1": ((10.0, 0.1),)})))


def test_what_is_lost_comes_with_its_reason_and_no_figure_stands_in_its_place() -> None:
    text = printed(made("T1"))
    assert "NOT SHOWN: T1 has no stored past" in text
    assert "closed" not in text
    assert "VaR 99 %" not in text.split("NOT SHOWN")[0]
    assert "near" in text


def test_who_owes_nothing_has_dashes(text: str) -> None:
    rows = [line for line in text.splitlines() if line.strip().startswith("saver")]
    assert "–" in rows[0]
    assert "never" not in rows[1]


def test_the_ground_is_named_to_get_the_same_again(text: str) -> None:
    assert "model gbm, 1,000 scenarios of hourly steps, seed 1; 2,000 hours of prices" in text
    assert "factor T1: volatility 90.0% a year, beta 1.00" in text
    assert BLOCK in text


def test_parts_that_are_not_modelled_say_so_in_their_column() -> None:
    """No peg can break here: T1 and T2 are what they are."""
    positions = [holds(loan(owed=150_000), name="paper/near")]
    found = appraise(positions, ground(positions, {"T1": 0.9}), wanted(24, scenarios=100), {1: 12.0})
    text = printed(found)
    assert line_of(text[text.index("lost peg") :], "near").rstrip().endswith("not included")


def test_a_narrow_terminal_cuts_no_figure(text: str) -> None:
    assert "…" not in printed(made(), width=40)
    assert "…" not in text


def test_horizons_are_named_and_the_reaction_among_them() -> None:
    asked = Asked(wanted(1).model, 1_000, 1, 0.005, (3_600, 7_200, 86_400), 7_200)
    found = made(asked=asked)
    assert [span(seconds, found) for seconds in asked.horizons] == ["1 h", "2 h (reaction)", "1 d"]
