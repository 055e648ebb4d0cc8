"""Health factors over time: a line through what was read, the bands, and what happened. Nothing is drawn where nothing was known."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import Enum
from importlib import import_module
from statistics import median
from typing import TYPE_CHECKING, Any, Final

from watcher.model import Status
from watcher.plots.style import COLOURS, FAINT, LOOK, SERIES, matplotlib, sheet
from watcher.text import clean_line
from watcher.units import WAD, Wad

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

WIDTH, HEIGHT, LEGEND = 10.0, 3.3, 0.6  # inches: of all, of a panel, of the lines below
ACROSS: Final = 6  # names in a line of the legend
LINE: Final = "liquidation"
HIGHEST: Final = 20.0  # the scale never goes beyond this health
FEW: Final = 60  # readings that are dots too


class Kind(Enum):
    """Why a stretch of time has no line. The values are their colour, hatching, and name in the legend."""

    UNKNOWN = ("#e6dcf8", "", "unknown")
    UNWATCHED = ("#f0f2f4", "////", "nobody watched")
    FREE = ("#e6f6ea", "", "nothing owed")


@dataclass(frozen=True, slots=True)
class Stretch:
    """From `begin` to `end` in Unix seconds."""

    kind: Kind
    begin: int
    end: int


@dataclass(frozen=True, slots=True)
class Mark:
    """A change of status at a time in Unix seconds; `health` is None where it was not known or nothing was owed."""

    time: int
    health: Wad | None
    after: Status


@dataclass(frozen=True, slots=True)
class Course:
    """One position. `runs` are (Unix seconds, health) pairs, each unbroken; `bands` are thresholds as wads by their names."""

    title: str
    note: str
    runs: tuple[tuple[tuple[int, Wad], ...], ...]
    stretches: tuple[Stretch, ...]
    marks: tuple[Mark, ...]
    bands: Mapping[Status, Wad]

    @property
    def readings(self) -> list[float]:
        return [health / WAD for run in self.runs for _, health in run]


def draw(courses: Sequence[Course]) -> Figure:
    """One panel for each position below the other on the same times, with a legend of what occurs. `ConfigError` without matplotlib."""
    with matplotlib().rc_context(dict(LOOK)):
        figure = sheet(WIDTH, HEIGHT * len(courses) + LEGEND)
        panels = figure.subplots(len(courses), 1, sharex=True, squeeze=False)[:, 0]
        for number, (axes, course) in enumerate(zip(panels, courses, strict=True)):
            _panel(axes, course, number)
        _dates(panels[-1])
        found = {artist.get_label(): artist for axes in panels for artist in axes.get_legend_handles_labels()[0]}
        if found:
            figure.legend(
                handles=list(found.values()),
                loc="outside lower center",
                ncols=min(len(found), ACROSS),
                frameon=False,
                fontsize=8,
            )
        return figure


def span(course: Course) -> tuple[float, float, float]:
    """Bottom, top of the scale, and the highest reading. Bands and readings are inside, but for a health far above both.

    Far above is beyond twice the highest band and half again the median reading, or beyond `HIGHEST`.
    """
    bands, seen = [1.0, *(step / WAD for step in course.bands.values())], course.readings
    highest = max(seen, default=1.0)
    reach = min(max(2 * max(bands), 1.5 * median(seen or [1.0])), HIGHEST)
    top, bottom = max(*bands, min(highest, reach)), min([*bands, *seen])
    room = (top - bottom) * 0.08
    return bottom - room, top + room, highest


def _panel(axes: Axes, course: Course, number: int) -> None:
    bottom, top, highest = span(course)
    axes.set_ylim(bottom, top)
    axes.set_title(clean_line(course.title), fontweight="bold", pad=18)
    note = (
        course.note
        if highest <= top
        else f"{course.note} · health above {top:.2f} is not drawn to scale: up to {highest:.4g}"
    )
    axes.annotate(clean_line(note), (0, 1), (0, 5), "axes fraction", "offset points", color=FAINT, fontsize=8)
    axes.set_ylabel("health factor (1 = the line)")
    axes.yaxis.get_major_formatter().set_useOffset(False)  # type: ignore[attr-defined]
    axes.tick_params(length=0)
    _stretches(axes, course, number)
    _bands(axes, course, bottom, top)
    _line(axes, course, top, number)
    _marks(axes, course, (bottom, top), number)
    axes.margins(x=0.01)


def _stretches(axes: Axes, course: Course, number: int) -> None:
    for place, one in enumerate(course.stretches):
        colour, hatch, name = one.kind.value
        axes.axvspan(
            _date(one.begin),  # type: ignore[arg-type]
            _date(one.end),  # type: ignore[arg-type]
            facecolor=colour,
            edgecolor="#b6bdc5" if hatch else colour,
            hatch=hatch,
            linewidth=0.8,
            label=name,
            zorder=0.5,
            gid=f"{one.kind.name.lower()}-{number}-{place}",
        )


def _bands(axes: Axes, course: Course, bottom: float, top: float) -> None:
    """A line for each threshold, named beside it; names that would lie on each other are pushed apart."""
    axes.axhspan(min(bottom, 0.0), 1.0, facecolor=COLOURS[Status.LIQUIDATABLE], alpha=0.07, linewidth=0, zorder=0.4)
    steps = sorted({Status.LIQUIDATABLE: WAD, **course.bands}.items(), key=lambda one: one[1])
    place, apart = bottom, (top - bottom) * 0.062
    for status, step in steps:
        height = step / WAD
        whole = status is Status.LIQUIDATABLE
        axes.axhline(
            height,
            color=COLOURS[status],
            linewidth=1.4 if whole else 0.8,
            linestyle="-" if whole else (0, (5, 3)),
            zorder=1,
        )
        place = max(height, place + apart)
        name = LINE if whole else status.value
        axes.annotate(
            f"{height:.2f} {name}", (1, place), (6, 0), ("axes fraction", "data"), "offset points",
            color=COLOURS[status], fontsize=8, va="center", annotation_clip=False,
        )  # fmt: skip


def _line(axes: Axes, course: Course, top: float, number: int) -> None:
    """Through every reading, with a break wherever a run ends; dots where there are few, or one alone."""
    times: list[datetime] = []
    levels: list[float] = []
    for run in course.runs:
        times += [*map(_date, (time for time, _ in run)), _date(run[-1][0])]
        levels += [*(health / WAD for _, health in run), float("nan")]
    axes.plot(times, levels, color=SERIES, linewidth=1.5, zorder=3, gid=f"health-{number}")  # type: ignore[arg-type]
    few = len(course.readings) <= FEW
    dots = [one for run in course.runs if few or len(run) == 1 for one in run]
    _dots(axes, [(time, health / WAD) for time, health in dots], marker="o", s=9, color=SERIES, zorder=3)
    above = [(time, top) for run in course.runs for time, health in run if health / WAD > top]
    _dots(axes, above, marker="^", s=22, color=SERIES, zorder=4, clip_on=False, label="above the scale")


def _marks(axes: Axes, course: Course, scale: tuple[float, float], number: int) -> None:
    """A change of status at the health that it had, in the colour of what it became; without one at the bottom."""
    for status in Status:
        found = [one for one in course.marks if one.after is status]
        places = [(one.time, scale[0] if one.health is None else min(one.health / WAD, scale[1])) for one in found]
        _dots(
            axes, places, marker="D", s=34, color=COLOURS[status], edgecolors="white", linewidths=0.8, zorder=5,
            clip_on=False, label=f"became {'no debt' if status is Status.NO_DEBT else status.value}",
            gid=f"became-{status.value}-{number}",
        )  # fmt: skip


def _dots(axes: Axes, places: Sequence[tuple[int, float]], **look: Any) -> None:
    if places:
        axes.scatter([_date(time) for time, _ in places], [level for _, level in places], **look)  # type: ignore[arg-type]


def _dates(axes: Axes) -> None:
    dates = import_module("matplotlib.dates")  # these of its classes have no types
    locator = dates.AutoDateLocator(minticks=4, maxticks=9, tz=UTC)
    axes.xaxis.set_major_locator(locator)
    axes.xaxis.set_major_formatter(dates.ConciseDateFormatter(locator, tz=UTC))
    axes.set_xlabel("time (UTC)")


def _date(seconds: int) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)
