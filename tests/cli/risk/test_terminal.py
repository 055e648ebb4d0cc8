"""What stands in the terminal: every scenario in a row, marks in the row that holds them, a figure for each horizon that was looked at."""

from __future__ import annotations

import re

import numpy as np
import pytest

from tests.cli.risk.scene import NORMAL, TWO, appraisal, fans, held
from watcher.cli.risk.terminal import EIGHTHS, losses
from watcher.cli.risk.terminal import fans as courses
from watcher.config.risk import DAY
from watcher.risk.exposure import Floats
from watcher.risk.tail import tail

LOW = [[0.9, 1.1, 1.5, 1.9, 2.4]]


@pytest.fixture(autouse=True)
def _wide(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "100")


def rows(of: Floats) -> list[str]:
    return list(losses(appraisal([held("a")], {DAY: of})))


def row_of(lines: list[str], mark: str) -> tuple[float, float]:
    """The range of the row that a mark stands in."""
    (line,) = [one for one in lines if mark in one]
    low, high = line.split("%")[0].split(" to ")
    return float(low.replace(",", "")), float(high.split()[0].replace(",", ""))


def test_var_and_es_stand_in_the_rows_that_hold_them() -> None:
    lines = rows(NORMAL)
    for mark, loss in (("VaR 99 %", tail(NORMAL, 0.99).var), ("ES 97.5 %", tail(NORMAL, 0.975).es)):
        low, high = row_of(lines, mark)
        assert low <= loss < high
        assert f"{mark} {loss:,.0f}" in "\n".join(lines)


def test_shares_of_all_rows_add_up_and_the_longest_bar_is_the_commonest_loss() -> None:
    _, *lines = rows(NORMAL)
    shares = [float(match[1]) for line in lines if (match := re.search(r"([0-9.e-]+) %", line))]
    assert sum(shares) == pytest.approx(100, abs=0.5)
    lengths = [sum(line.count(glyph) for glyph in EIGHTHS[1:]) for line in lines]
    assert shares[int(np.argmax(lengths))] == pytest.approx(max(shares), rel=0.02)


def test_what_is_there_at_all_has_a_bar_and_what_is_not_has_none() -> None:
    _, *lines = rows(np.append(np.zeros(3_000), [50.0] * 5))
    assert "█" in lines[0]
    assert any(glyph in lines[-1] for glyph in EIGHTHS[1:])
    assert all(not any(glyph in line for glyph in EIGHTHS[1:]) for line in lines[1:-1])


def test_gains_are_below_nothing_and_thousands_are_separated() -> None:
    text = "\n".join(rows(NORMAL - 50_000))
    assert "-50,000" in text
    assert "below 0: gain" in text


def test_one_and_the_same_loss_is_one_row_with_both_marks() -> None:
    _, only = rows(np.full(1_000, 250.0))
    assert "VaR 99 % 250" in only
    assert "ES 97.5 % 250" in only


def test_small_money_keeps_its_digits() -> None:
    assert "VaR 99 % 0.02" in "\n".join(rows(NORMAL * 1e-5))


def test_without_a_price_in_dollars_it_is_said_that_there_are_no_losses() -> None:
    assert list(losses(appraisal([held("a")]))) == [
        "no position that could be simulated is worth dollars: no losses are shown"
    ]


@pytest.mark.parametrize("columns", [80, 120, 200])
def test_no_line_is_wider_than_the_terminal(monkeypatch: pytest.MonkeyPatch, columns: int) -> None:
    monkeypatch.setenv("COLUMNS", str(columns))
    many = fans(*[LOW] * 48, steps=range(15, 735, 15))
    found = appraisal([held("a")], TWO, many)
    assert max(map(len, [*losses(found), *courses(found)])) <= columns


def test_a_course_has_todays_health_and_the_figures_of_every_horizon_that_was_looked_at() -> None:
    looks = fans([[1.2, 1.4, 1.5876, 1.7, 1.8]], [[1.0, 1.2, 1.5, 1.8, 2.0]], LOW, steps=(24, 100, 720))
    title, heads, median, low, under = courses(appraisal([held("pool")], None, looks))
    assert "pool" in title
    assert heads.split() == ["now", "1", "d", "30", "d"]
    assert median.split()[:4] == ["median", "1.6", "1.588", "1.5"]
    assert low.split()[:5] == ["5", "%", "1.6", "1.2", "0.9"]
    assert "below the line in 30 d" in under


def test_the_worst_twentieth_falls_and_the_median_does_not() -> None:
    looks = fans([[1.4, 1.5, 1.6, 1.7, 1.8]], [[1.0, 1.3, 1.6, 1.8, 2.0]])
    _, _, median, low = courses(appraisal([held("pool")], None, looks))
    assert median.split()[-1] == "███"
    assert low.split()[-1] == "█▅▁"


def test_a_position_that_owes_nothing_has_no_course() -> None:
    free = held("free", (("ETH", 100, 0, 0.8),))
    nothing = [[float("nan")] * 5]
    assert list(courses(appraisal([free], None, fans(nothing, nothing)))) == []


def test_a_strangers_name_obeys_no_terminal() -> None:
    evil = held("\x1b[31mred\u202e")
    assert all("\x1b" not in line and "\u202e" not in line for line in courses(appraisal([evil], None, fans(LOW, LOW))))
