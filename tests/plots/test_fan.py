"""The bands hold the quantiles that were given, the median is a line, and the line at one is always in sight."""

from __future__ import annotations

import numpy as np
import pytest
from matplotlib.axes import Axes
from matplotlib.collections import PolyCollection

from watcher.plots.fan import Fan
from watcher.plots.page import Page, draw

HOURS = [0, 240, 480, 720]
SPREAD = [
    [1.5, 1.3, 1.2, 1.1],
    [1.5, 1.4, 1.35, 1.3],
    [1.5, 1.5, 1.49, 1.48],
    [1.5, 1.6, 1.7, 1.75],
    [1.5, 1.8, 2, 2.2],
]


def panel(quantiles: list[list[float]], hours: list[int] | None = None) -> Axes:
    (axes,) = draw(Page("t", (), (), [Fan("pool", ("a", ""), hours or HOURS, quantiles)], ())).axes
    return axes


def band(axes: Axes, name: str) -> tuple[dict[float, float], dict[float, float]]:
    """Its lower and upper edge by the place on the axis."""
    found = next(one for one in axes.collections if one.get_gid() == name)
    assert isinstance(found, PolyCollection)
    corners = np.asarray(found.get_paths()[0].vertices)
    places = sorted({float(x) for x in corners[:, 0]})
    levels = {x: [float(y) for a, y in corners if a == x] for x in places}
    return {x: min(ys) for x, ys in levels.items()}, {x: max(ys) for x, ys in levels.items()}


@pytest.mark.parametrize(("name", "low", "high"), [("band-0-0", 0, 4), ("band-0-1", 1, 3)])
def test_a_band_reaches_from_one_quantile_to_the_other_at_every_look(name: str, low: int, high: int) -> None:
    below, above = band(panel(SPREAD), name)
    assert list(below) == [0, 10, 20, 30]
    assert list(below.values()) == SPREAD[low]
    assert list(above.values()) == SPREAD[high]


def test_the_median_goes_through_its_figures_on_an_axis_of_days() -> None:
    axes = panel(SPREAD)
    (median,) = [one for one in axes.lines if one.get_gid() == "median-0"]
    assert np.asarray(median.get_xdata()).tolist() == [0, 10, 20, 30]
    assert np.asarray(median.get_ydata()).tolist() == SPREAD[2]
    assert axes.get_xlabel() == "days from now"


def test_up_to_two_days_the_axis_counts_hours() -> None:
    axes = panel(SPREAD, [0, 12, 24, 48])
    assert axes.get_xlabel() == "hours from now"
    assert axes.get_xlim() == (0, 48)


@pytest.mark.parametrize(
    "quantiles",
    [
        SPREAD,
        [[3.0] * 4] * 5,
        [[0.2] * 4] * 5,
        [[1.0] * 4] * 5,
        [[one * 1e6 for one in row] for row in SPREAD],
        [[1e59] * 4] * 5,
    ],
)
def test_the_line_at_one_and_all_bands_are_inside_the_scale(quantiles: list[list[float]]) -> None:
    axes = panel(quantiles)
    (line,) = [one for one in axes.lines if one.get_gid() == "line-0"]
    assert float(np.asarray(line.get_ydata())[0]) == 1
    low, high = axes.get_ylim()
    assert low < min(1, *quantiles[0])
    assert high > max(1, *quantiles[4])


def test_far_above_the_line_the_scale_is_logarithmic_and_near_it_is_not() -> None:
    assert panel([[one * 100 for one in row] for row in SPREAD]).get_yscale() == "log"
    assert panel(SPREAD).get_yscale() == "linear"
    axes = panel([[one * 1e5 for one in row] for row in SPREAD])
    figure = axes.get_figure(root=True)
    assert figure is not None
    figure.draw_without_rendering()
    assert "100,000" in [one.get_text() for one in axes.get_yticklabels()]


def test_a_health_that_may_become_nothing_is_drawn_too() -> None:
    axes = panel([[1.5, 0.5, 0.1, 0.0], *SPREAD[1:4], [1.5, 5, 9, 20]])
    assert axes.get_yscale() == "linear"
    assert axes.get_ylim()[0] == 0


def test_what_the_bands_are_is_said_beneath_the_heading() -> None:
    (beneath,) = [one.get_text() for one in panel(SPREAD).texts if one.get_gid() == "beneath"]
    assert beneath == "a\nline: median · bands: 25–75 % and 5–95 % · nothing ever liquidated"
