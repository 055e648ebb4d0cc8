"""Health is filled between its levels, the line is drawn from end to end, and today stands in its place."""

from __future__ import annotations

import numpy as np
import pytest
from matplotlib.axes import Axes
from matplotlib.colors import to_rgb
from matplotlib.contour import QuadContourSet

from watcher.plots.page import Page, draw
from watcher.plots.surface import FILLS, HATCHES, LEVELS, Surface

MOVES = [float(one) for one in range(-80, 101, 5)]
LINE = ((-80.0, -68.0), (25.0, 100.0))


def health(x: float, y: float) -> float:
    """Collateral worth 1.6 times the debt, both moved."""
    return 1.6 * (1 + x / 100) / (1 + y / 100)


def surface(line: tuple[tuple[float, float], tuple[float, float]] | None = LINE, times: float = 1.0) -> Surface:
    grid = [[times * health(x, y) for x in MOVES] for y in MOVES]
    return Surface("pool", ("beneath",), "$ETH$", "USDC", MOVES, grid, line)


def panels(*of: Surface) -> list[Axes]:
    return draw(Page("t", (), (), (), list(of))).axes


def fill(axes: Axes) -> QuadContourSet:
    (found,) = [one for one in axes.collections if isinstance(one, QuadContourSet)]
    return found


def level(axes: Axes, x: float, y: float) -> list[int]:
    """The numbers of the fills that hold a point."""
    return [place for place, path in enumerate(fill(axes).get_paths()) if path.contains_point((x, y))]


def test_every_point_lies_in_the_fill_of_its_health() -> None:
    axes = panels(surface())[0]
    points = [(-60, 50), (-30, 7), (-26.5, -2), (-12, 0), (0, -7), (30, -20), (60, -30), (99, -79)]
    for (x, y), place in zip(points, (0, 1, 2, 3, 4, 5, 6, 6), strict=True):
        assert np.searchsorted(LEVELS, health(x, y)) - 1 == place
        assert level(axes, x, y) == [place]


def test_below_the_line_is_hatched_and_every_level_lighter_than_the_one_before() -> None:
    brightness = [sum(to_rgb(fill)) for fill in FILLS[1:]]
    assert brightness == sorted(brightness)
    assert len(FILLS) == len(HATCHES) == len(LEVELS)
    assert HATCHES[0] is not None
    assert set(HATCHES[1:]) == {None}


def test_the_line_is_drawn_from_end_to_end_and_today_is_marked() -> None:
    drawn = {one.get_gid(): one for one in panels(surface())[0].lines}
    assert np.asarray(drawn["line-0"].get_xydata()).tolist() == [list(end) for end in LINE]
    assert np.asarray(drawn["today-0"].get_xydata()).tolist() == [[0, 0]]


@pytest.mark.parametrize("times", [1e-9, 1e59])
def test_without_a_line_none_is_drawn_and_all_is_one_fill(times: float) -> None:
    axes = panels(surface(None, times))[0]
    assert [one.get_gid() for one in axes.lines] == ["today-0"]
    assert level(axes, -20, 30) == [0 if times < 1 else len(FILLS) - 1]


def test_axes_are_named_and_reach_from_a_fall_of_80_to_a_rise_of_100() -> None:
    axes = panels(surface())[0]
    assert (axes.get_xlabel(), axes.get_ylabel()) == ("price of $ETH$, %", "price of USDC, %")
    assert axes.get_xlim() == axes.get_ylim() == (-80, 100)
    assert [one.get_text() for one in axes.get_xticklabels()][::3] == ["-75", "0", "+75"]


def test_one_key_serves_all_panels() -> None:
    first, second, key = panels(surface(), surface())
    assert "health factor" in key.get_xlabel()
    assert {len(fill(axes).get_paths()) for axes in (first, second)} == {len(FILLS)}
