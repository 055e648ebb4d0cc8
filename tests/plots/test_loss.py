"""The bars are the shares that were given, VaR and ES stand where they are, and their names lie on nothing."""

from __future__ import annotations

from itertools import pairwise
from math import exp

import numpy as np
import pytest
from matplotlib.axes import Axes
from matplotlib.container import BarContainer
from matplotlib.lines import Line2D
from matplotlib.text import Text

from watcher.plots.loss import HEIGHTS, Losses, Mark, figure, scale
from watcher.plots.page import Page, draw

EDGES = [500.0 * place for place in range(-8, 9)]
SHARES = [exp(-(((place + 0.5) / 3) ** 2)) for place in range(-8, 8)]


def losses(var: float = 2_600.0, es: float = 2_700.0, size: float = 1.0) -> Losses:
    marks = (Mark("VaR 99 %", var * size, "(2,500 to 2,750)"), Mark("ES 97.5 %", es * size, "± 31"))
    return Losses("Loss within $1 d$", ("first", ""), "US dollars", [edge * size for edge in EDGES], SHARES, marks)


def panel(of: Losses) -> Axes:
    (axes,) = draw(Page("t", (), [of], (), ())).axes
    return axes


def laid_out(axes: Axes) -> None:
    figure = axes.get_figure(root=True)
    assert figure is not None
    figure.draw_without_rendering()


def mark(axes: Axes, number: int) -> Line2D:
    return next(one for one in axes.lines if one.get_gid() == f"mark-0-{number}")


def names(axes: Axes) -> list[Text]:
    return [one for one in axes.texts if "%" in one.get_text()]


def test_each_bar_is_a_share_in_per_cent_between_its_edges() -> None:
    (bars,) = [one for one in panel(losses()).containers if isinstance(one, BarContainer)]
    drawn = [(bar.get_x(), bar.get_x() + bar.get_width(), bar.get_height()) for bar in bars]
    for (low, high, height), (a, b), share in zip(drawn, pairwise(EDGES), SHARES, strict=True):
        assert (low, high) == pytest.approx((a, b))
        assert height == pytest.approx(100 * share)


def test_var_and_es_are_lines_at_their_losses_and_named_with_their_errors() -> None:
    axes = panel(losses())
    assert [float(np.asarray(mark(axes, place).get_xdata())[0]) for place in (0, 1)] == [2_600, 2_700]
    assert [one.get_text() for one in names(axes)] == ["VaR 99 % 2,600 (2,500 to 2,750)", "ES 97.5 % 2,700 ± 31"]


@pytest.mark.parametrize(("var", "es"), [(2_700, 2_600), (2_600, 2_600), (-3_900, -3_800), (-3_000, 3_900)])
def test_names_lie_above_all_bars_inside_the_panel_and_on_no_other_mark(var: float, es: float) -> None:
    axes = panel(losses(var, es))
    laid_out(axes)
    boxes = [one.get_window_extent() for one in names(axes)]
    assert not boxes[0].overlaps(boxes[1])
    inside = axes.get_window_extent()
    highest = axes.transData.transform((0, 100 * max(SHARES)))[1]
    for box in boxes:
        assert inside.x0 <= box.x0
        assert box.x1 <= inside.x1
        assert box.y0 > highest
    if var != es and (var > 0) == (es > 0):
        for number, box in enumerate(boxes):
            other = mark(axes, 1 - number)
            place = axes.transData.transform((float(np.asarray(other.get_xdata())[0]), 0))[0]
            top = inside.y0 + inside.height * float(np.asarray(other.get_ydata())[1])
            assert not box.x0 < place < box.x1 or top < box.y0


def test_the_higher_mark_is_the_one_nearer_to_the_side() -> None:
    axes = panel(losses(2_700, 2_600))
    assert [float(np.asarray(mark(axes, place).get_ydata())[1]) for place in (0, 1)] == [HEIGHTS[1], HEIGHTS[0]]


@pytest.mark.parametrize(
    ("size", "label", "tick"),
    [
        (1.0, "loss, US dollars (below 0: gain)", "2,000"),
        (1e4, "loss, millions of US dollars (below 0: gain)", "20"),
        (1e9, "loss, billions of US dollars (below 0: gain)", "2,000"),
        (1e-4, "loss, US dollars (below 0: gain)", "0.2"),
    ],
)
def test_money_of_any_size_has_a_scale_that_can_be_read(size: float, label: str, tick: str) -> None:
    axes = panel(losses(size=size))
    laid_out(axes)
    assert axes.get_xlabel() == label
    ticks = [one.get_text() for one in axes.get_xticklabels()]
    assert tick in ticks
    assert len(set(ticks)) == len(ticks)


def test_figures_keep_thousands_apart_and_small_ones_their_digits() -> None:
    assert [figure(one) for one in (1_234_567.8, -150.4, 99.123, 0.00012345, 0.0)] == [
        "1,234,568",
        "-150",
        "99.12",
        "0.0001234",
        "0",
    ]
    assert scale([-2e7, 3.0]) == (1e6, "millions of ")
    assert scale([0.0]) == (1.0, "")


def test_one_bar_of_all_scenarios_has_a_picture_too() -> None:
    same = Losses("t", (), "USD", [90.0, 110.0], [1.0], (Mark("VaR", 100.0, ""), Mark("ES", 100.0, "")))
    axes = panel(same)
    left, right = axes.get_xlim()
    assert left < 90 < 110 < right
    assert axes.get_ylim()[1] > 100
    assert max(axes.get_yticks()) == 100


def test_words_are_text_and_no_formula_and_empty_lines_take_no_room() -> None:
    axes = panel(losses())
    assert axes.get_title("left") == "Loss within $1 d$"
    (beneath,) = [one.get_text() for one in axes.texts if one.get_gid() == "beneath"]
    assert beneath == "first"
