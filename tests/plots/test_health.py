"""The drawn line is what was read, in the figure and in the file; where nothing was known there is none."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from itertools import pairwise
from math import isnan
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest
from matplotlib.axes import Axes
from matplotlib.lines import Line2D

from watcher.errors import UsageError
from watcher.health.bands import CORRELATED, VOLATILE, Bands
from watcher.model import Status
from watcher.plots.health import Course, Kind, Mark, Stretch, draw, span
from watcher.plots.style import save
from watcher.units import WAD, Wad

BEGAN = 1_763_000_000
HOUR = 3600
Run = tuple[tuple[int, Wad], ...]


def wad(health: float) -> Wad:
    return Wad(round(health * 10_000) * WAD // 10_000)


def run(first: int, *levels: float) -> Run:
    """Readings an hour apart, from so many hours after the beginning on."""
    return tuple((BEGAN + HOUR * (first + place), wad(level)) for place, level in enumerate(levels))


def course(
    *runs: Run, stretches: tuple[Stretch, ...] = (), marks: tuple[Mark, ...] = (), bands: Bands = VOLATILE
) -> Course:
    steps = {
        Status.WATCH: bands.watch,
        Status.WARN: bands.warn,
        Status.DANGER: bands.danger,
        Status.CRITICAL: bands.critical,
    }
    return Course("somewhere", "a note", runs, stretches, marks, steps)


def panel(of: Course) -> Axes:
    return draw([of]).axes[0]


def line(axes: Axes) -> Line2D:
    return next(one for one in axes.lines if str(one.get_gid()).startswith("health-"))


def svg(of: Course, folder: Path) -> dict[str, ElementTree.Element]:
    """Every group of the written file by its id."""
    save(draw([of]), folder / "health.svg")
    document = ElementTree.parse(folder / "health.svg")
    return {one.attrib["id"]: one for one in document.iter("{http://www.w3.org/2000/svg}g") if "id" in one.attrib}


def path_of(group: ElementTree.Element) -> list[tuple[str, float, float]]:
    """The commands of its path."""
    (path,) = group.iter("{http://www.w3.org/2000/svg}path")
    found = re.findall(r"([ML]) (\S+) (\S+)", path.attrib["d"])
    return [(command, float(x), float(y)) for command, x, y in found]


def test_the_line_goes_through_every_reading_and_breaks_between_runs() -> None:
    first, second = run(0, 1.8, 1.7123, 1.6), run(9, 1.3, 0.98)
    drawn = line(panel(course(first, second)))
    times, levels = (np.asarray(data).tolist() for data in drawn.get_data(orig=True))
    points = [(time, level) for time, level in zip(times, levels, strict=True) if not isnan(level)]
    assert points == [(datetime.fromtimestamp(time, UTC), health / WAD) for time, health in (*first, *second)]
    assert [place for place, level in enumerate(levels) if isnan(level)] == [3, 6]


def test_in_the_file_too_the_line_is_the_readings_to_scale_with_a_break(tmp_path: Path) -> None:
    levels = (1.8, 1.7, 1.6, 1.3, 1.1)
    drawn = path_of(svg(course(run(0, *levels[:3]), run(9, *levels[3:])), tmp_path)["health-0"])
    assert [command for command, _, _ in drawn] == ["M", "L", "L", "M", "L"]
    hours = (0, 1, 2, 9, 10)
    across, down = drawn[-1][1] - drawn[0][1], drawn[-1][2] - drawn[0][2]
    for (_, x, y), hour, level in zip(drawn, hours, levels, strict=True):
        assert (x - drawn[0][1]) / across == pytest.approx(hour / 10, abs=1e-5)
        assert (y - drawn[0][2]) / down == pytest.approx((levels[0] - level) / (levels[0] - levels[-1]), abs=1e-5)


def test_no_reading_is_simplified_away(tmp_path: Path) -> None:
    drawn = path_of(svg(course(run(0, *[1.5] * 2000)), tmp_path)["health-0"])
    assert len(drawn) == 2000


def test_what_is_unknown_is_shaded_for_as_long_as_it_was(tmp_path: Path) -> None:
    stretches = (
        Stretch(Kind.UNKNOWN, BEGAN + 3 * HOUR, BEGAN + 6 * HOUR),
        Stretch(Kind.UNWATCHED, BEGAN + 7 * HOUR, BEGAN + 8 * HOUR),
    )
    groups = svg(course(run(0, 1.8, 1.7, 1.6), run(9, 1.3, 1.1), stretches=stretches), tmp_path)
    health = path_of(groups["health-0"])
    hour = health[1][1] - health[0][1]
    for name, begin, end in (("unknown-0-0", 3, 6), ("unwatched-0-1", 7, 8)):
        across = [x for _, x, _ in path_of(groups[name])]
        assert (min(across) - health[0][1]) / hour == pytest.approx(begin, abs=1e-4)
        assert (max(across) - health[0][1]) / hour == pytest.approx(end, abs=1e-4)


def test_a_reading_alone_is_a_dot() -> None:
    axes = panel(course(run(0, *[1.8] * 100), run(200, 1.2), run(300, *[1.4] * 100)))
    (dot,) = [one for one in axes.collections if np.asarray(one.get_offsets()).shape == (1, 2)]
    assert float(dot.get_offsets()[0][1]) == 1.2  # type: ignore[index, arg-type]


@pytest.mark.parametrize("bands", [VOLATILE, CORRELATED])
def test_every_band_and_the_line_is_there_and_named(bands: Bands) -> None:
    axes = panel(course(run(0, 1.04, 1.03), bands=bands))
    levels = {float(one.get_ydata()[0]) for one in axes.lines if one.get_gid() is None}  # type: ignore[arg-type, index]
    steps = (WAD, bands.critical, bands.danger, bands.warn, bands.watch)
    assert levels == {step / WAD for step in steps}
    names = [one.get_text() for one in axes.texts]
    for step, name in zip(steps, ("liquidation", "critical", "danger", "warn", "watch"), strict=True):
        assert f"{step / WAD:.2f} {name}" in names


def test_names_of_bands_do_not_lie_on_each_other() -> None:
    axes = panel(course(run(0, 3.0, 2.9)))
    heights = sorted(float(one.xy[1]) for one in axes.texts if one.get_text()[-1].isalpha() and one.xy[0] == 1)  # type: ignore[attr-defined]
    bottom, top = axes.get_ylim()
    assert min(b - a for a, b in pairwise(heights)) > 0.06 * (top - bottom)


def test_a_loop_near_1_fills_the_scale() -> None:
    bottom, top, _ = span(course(run(0, 1.031, 1.042), bands=CORRELATED))
    assert 0.98 < bottom < 1 < 1.05 < top < 1.07


def test_an_enormous_health_flattens_nothing_and_is_said(tmp_path: Path) -> None:
    readings = ((BEGAN, wad(1.4)), (BEGAN + HOUR, Wad(10**77)), (BEGAN + 2 * HOUR, wad(1.3)))
    axes = panel(course(readings))
    assert axes.get_ylim()[1] < 4
    assert any("not drawn to scale: up to 1e+59" in one.get_text() for one in axes.texts)
    assert "above the scale" in axes.get_legend_handles_labels()[1]
    save(draw([course(readings)]), tmp_path / "health.png")
    assert (tmp_path / "health.png").read_bytes().startswith(b"\x89PNG")


def test_a_position_that_always_stands_high_is_seen() -> None:
    _, top, highest = span(course(run(0, 11.0, 12.0, 11.5)))
    assert top > highest == 12.0


def test_a_transition_is_a_mark_at_its_time_and_health_and_an_unknown_one_stands_at_the_bottom() -> None:
    marks = (Mark(BEGAN + HOUR, wad(1.24), Status.WARN), Mark(BEGAN + 2 * HOUR, None, Status.UNKNOWN))
    axes = panel(course(run(0, 1.3, 1.24), marks=marks))
    drawn = {str(one.get_gid()): one.get_offsets() for one in axes.collections if "became" in str(one.get_gid())}
    assert float(drawn["became-warn-0"][0][1]) == 1.24  # type: ignore[index, arg-type]
    assert float(drawn["became-unknown-0"][0][1]) == axes.get_ylim()[0]  # type: ignore[index, arg-type]
    assert {"became warn", "became unknown"} <= set(axes.get_legend_handles_labels()[1])


def test_a_title_is_text_and_no_formula(tmp_path: Path) -> None:
    title = "market $x^2$ \x1b[31m & <b> 好 🐳"
    of = course(run(0, 1.3, 1.24))
    save(draw([Course(title, "", of.runs, (), (), of.bands)]), tmp_path / "health.svg")
    texts = [
        one.text or "" for one in ElementTree.parse(tmp_path / "health.svg").iter("{http://www.w3.org/2000/svg}text")
    ]
    assert "market $x^2$ & <b> 好 🐳" in texts


@pytest.mark.parametrize("ending", ["png", "svg"])
def test_the_same_picture_is_the_same_bytes(ending: str, tmp_path: Path) -> None:
    for name in ("a", "b"):
        save(draw([course(run(0, 1.3, 1.24))]), tmp_path / f"{name}.{ending}")
    assert (tmp_path / f"a.{ending}").read_bytes() == (tmp_path / f"b.{ending}").read_bytes()


def test_a_file_that_cannot_be_written_is_said(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="No such file"):
        save(draw([course(run(0, 1.3))]), tmp_path / "nowhere" / "health.png")
    assert list(tmp_path.iterdir()) == []
