"""Why a margin moved: from the level at the beginning to the one at the end, a bar for every cause."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate
from typing import TYPE_CHECKING, Final

from watcher.model import Status
from watcher.plots.style import COLOURS, FAINT, INK, LOOK, matplotlib, sheet
from watcher.text import clean_line

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

WIDTH, BAR, FRAME = 9.0, 0.32, 1.5  # inches: of all, for each bar, around the bars
RISE, FALL = COLOURS[Status.SAFE], COLOURS[Status.CRITICAL]
THIN: Final = 0.6  # of the room of a bar


@dataclass(frozen=True, slots=True)
class Waterfall:
    """One position. `start` and the `steps` by name are in `unit`; their sum is the level at the end."""

    title: str
    note: str
    unit: str
    start: float
    steps: Sequence[tuple[str, float]]


def draw(falls: Sequence[Waterfall]) -> Figure:
    """One panel below the other, each on its own scale. `ConfigError` where matplotlib is missing."""
    heights = [FRAME + BAR * (len(one.steps) + 2) for one in falls]
    with matplotlib().rc_context(dict(LOOK)):
        figure = sheet(WIDTH, sum(heights))
        panels = figure.subplots(len(falls), 1, squeeze=False, height_ratios=heights)[:, 0]
        for number, (axes, fall) in enumerate(zip(panels, falls, strict=True)):
            _panel(axes, fall, number)
    return figure


def _panel(axes: Axes, fall: Waterfall, number: int) -> None:
    levels = list(accumulate((size for _, size in fall.steps), initial=fall.start))
    names = ["before", *(clean_line(name) for name, _ in fall.steps), "after"]
    _level(axes, 0, levels[0], f"level-{number}-before")
    for place, (_, size) in enumerate(fall.steps, start=1):
        axes.barh(
            place,
            size,
            left=levels[place - 1],
            height=THIN,
            color=RISE if size >= 0 else FALL,
            gid=f"cause-{number}-{place - 1}",
        )
        axes.plot([levels[place]] * 2, [place, place + 1], color=FAINT, linewidth=0.7)
        axes.annotate(
            _figure(size, "+"), (max(levels[place - 1], levels[place]), place), (4, 0),
            textcoords="offset points", va="center", fontsize=8,
        )  # fmt: skip
    _level(axes, len(names) - 1, levels[-1], f"level-{number}-after")
    axes.set_yticks(range(len(names)), names)
    axes.invert_yaxis()
    axes.tick_params(length=0)
    axes.use_sticky_edges = False
    axes.margins(x=0.1)
    if min(levels) < 0 < max(levels):
        axes.axvline(0, color=COLOURS[Status.LIQUIDATABLE], linewidth=0.9, zorder=0.5, gid=f"line-{number}")
    axes.set_xlabel(clean_line(f"margin, {fall.unit}"))
    axes.set_title(clean_line(fall.title), fontweight="bold", pad=18)
    axes.annotate(clean_line(fall.note), (0, 1), (0, 5), "axes fraction", "offset points", color=FAINT, fontsize=8)


def _level(axes: Axes, place: int, level: float, name: str) -> None:
    """An end: a mark where it lies, and its value."""
    axes.plot([level, level], [place - THIN / 2, place + THIN / 2], color=INK, linewidth=2.5, gid=name)
    axes.annotate(_figure(level), (level, place), (6, 0), textcoords="offset points", va="center", fontsize=8)


def _figure(amount: float, sign: str = "-") -> str:
    """Two digits after the point; four significant ones below 1."""
    return f"{amount:{sign},.2f}" if amount == 0 or abs(amount) >= 1 else f"{amount:{sign}.4g}"
