"""An appraisal in the terms of drawings: who is on the page, with which figures, and what is said of the rest."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from tests.cli.risk.scene import TWO, appraisal, fans, held
from watcher.cli.risk.picture import draw, drawn
from watcher.config.risk import DAY
from watcher.errors import UsageError
from watcher.plots import page
from watcher.risk.exposure import Floats
from watcher.risk.tail import tail

SPREAD = [1.1, 1.3, 1.5, 1.8, 2.4]


def test_losses_of_a_day_and_a_week_with_their_tails_and_the_share_of_liquidations() -> None:
    day, week = drawn(appraisal([held("a")], {3_600: TWO[DAY], **TWO}), "note").losses
    assert (day.title, week.title) == ("Loss of equity within 1 d", "Loss of equity within 7 d")
    var, es = day.marks
    assert var.loss == tail(TWO[DAY], 0.99).var
    assert es.loss == tail(TWO[DAY], 0.975).es
    assert day.beneath[0] == "some position is liquidated in 12.3 % ± 0.4 % of scenarios"
    assert "lose more, up to" in day.beneath[1]
    assert sum(day.shares) == pytest.approx(1, abs=0.003)


def test_where_no_scenario_had_a_liquidation_no_error_is_made_up() -> None:
    day, _ = drawn(appraisal([held("a")], TWO, struck=0.0), "note").losses
    assert day.beneath[0] == "no position is liquidated in any of 5,000 scenarios"


def test_a_fan_begins_today_and_has_a_row_for_each_quantile() -> None:
    looks = fans([[1.2, 1.4, 1.6, 1.8, 2.0]], [SPREAD])
    (fan,) = drawn(appraisal([held("a")], TWO, looks), "note").fans
    assert list(fan.hours) == [0, 24, 720]
    assert [row[-1] for row in fan.quantiles] == SPREAD
    assert [row[0] for row in fan.quantiles] == pytest.approx([1.6] * 5)
    assert fan.beneath == ("now 1.6; in 30 d 5 % of scenarios below 1.1, half below 1.5",)


def test_a_surface_is_in_per_cent_of_the_two_prices_and_says_what_stays() -> None:
    three = held("a", (("ETH", 10_000, 0, 0.8), ("WBTC", 1_000, 0, 0.7), ("USDC", 0, 5_000, 0.0)))
    (surface,) = drawn(appraisal([three], TWO), "note").surfaces
    assert (surface.across, surface.up) == ("ETH", "USDC")
    assert (surface.moves[0], surface.moves[-1]) == pytest.approx((-80, 100))
    assert surface.beneath[1] == "prices of WBTC as they are"
    assert surface.line is not None
    for x, y in surface.line:
        assert 8_000 * (1 + x / 100) + 700 == pytest.approx(5_000 * (1 + y / 100))


def test_a_position_with_one_asset_has_no_surface_and_that_is_said() -> None:
    found = drawn(appraisal([held("a"), held("own", (("ETH", 100, 40, 0.8),))], TWO), "note")
    assert [one.title for one in found.surfaces] == ["a"]
    assert "no surface of two prices, because only one moves the margin: own" in found.notes


def test_six_positions_at_most_those_nearest_their_line_first_and_the_rest_named() -> None:
    many = [
        held(f"m{n}", (("ETH", 10_000 + 1_000 * n, 0, 0.8), ("USDC", 0, 5_000, 0.0))) for n in (7, 3, 1, 5, 2, 6, 4, 0)
    ]
    looks = fans(*[[SPREAD] * 8] * 2)
    found = drawn(appraisal(many, TWO, looks), "note")
    assert [one.title for one in found.surfaces] == [f"m{n}" for n in range(6)]
    assert [one.title for one in found.fans] == [f"m{n}" for n in range(6)]
    assert "not drawn, for 6 positions are nearer to their line: m7, m6" in found.notes


def test_what_was_not_simulated_has_a_surface_but_no_fan_and_its_reason() -> None:
    why = "b: ALT has no stored past; chances, VaR and ES are not shown"
    known, unknown = held("a"), held("b")
    looks = fans([SPREAD], [SPREAD])
    found = drawn(appraisal([unknown, known], TWO, looks, simulated=[known], lost=(why,)), "note")
    assert [one.title for one in found.fans] == ["a"]
    assert len(found.surfaces) == 2
    assert f"not shown: {why}" in found.notes


def test_a_position_without_debt_is_in_no_panel() -> None:
    free = held("free", (("ETH", 100, 0, 0.8),))
    found = drawn(appraisal([free], simulated=[], lost=("free: nothing is owed",)), "seed 1")
    assert [*found.losses, *found.fans, *found.surfaces] == []
    assert list(found.notes[-3:]) == [
        "not included: oracle price caps",
        "no position that could be simulated is worth dollars: no losses are shown",
        "not shown: free: nothing is owed",
    ]


def test_the_page_says_what_it_stands_on() -> None:
    ground, block, versions, *_ = drawn(appraisal([held("a")], TWO), "local: block 9, 0x99").notes
    assert ground.startswith(
        "model fhs, 10,000 scenarios of hourly steps, seed 1; 0 hours of prices from 1970-01-01T00:00:00Z"
    )
    assert block == "local: block 9, 0x99"
    assert "numpy " in versions


@pytest.mark.parametrize(
    "losses",
    [np.zeros(2_000), np.full(2_000, -250.0), TWO[DAY] - 1e6],
    ids=["nothing lost", "the same gain", "gains alone"],
)
def test_any_losses_can_be_drawn(losses: Floats) -> None:
    figure = page.draw(drawn(appraisal([], {DAY: losses}), "seed 1"))
    figure.draw_without_rendering()
    (axes,) = figure.axes
    assert axes.get_title("left") == "Loss of equity within 1 d"
    assert axes.patches


def test_the_format_is_that_of_the_name(tmp_path: Path) -> None:
    found = appraisal([held("a")], simulated=[])
    draw(found, "seed 1", tmp_path / "p.png")
    assert (tmp_path / "p.png").read_bytes().startswith(b"\x89PNG")
    with pytest.raises(UsageError, match="a picture's name ends with"):
        draw(found, "seed 1", tmp_path / "p.gif")
