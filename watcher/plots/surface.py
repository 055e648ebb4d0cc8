"""Which moves of two prices a position survives: its health over both, the straight line on which it is one, and today."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from watcher.model import Status
from watcher.plots.panel import SMALL, head
from watcher.plots.style import COLOURS, FAINT, INK
from watcher.text import clean

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.contour import QuadContourSet

LEVELS: Final = (
    0.0,
    1.0,
    1.1,
    1.25,
    1.5,
    2.0,
    3.0,
)  # of health: the same for every position, so that one key serves all
# Below the line grey and hatched, above it one blue from dark to light: told apart by lightness alone.
FILLS: Final = ("#c9c2c3", "#1f5fa8", "#4f86c0", "#7fabd4", "#a9c8e4", "#cfe0f0", "#edf3f9")
HATCHES: Final = ("////", None, None, None, None, None, None)
TICKS: Final = (-75, -50, -25, 0, 25, 50, 75, 100)
TICK_NAMES: Final = tuple(f"{move:+d}" if move else "0" for move in TICKS)

Point = tuple[float, float]


@dataclass(frozen=True, slots=True)
class Surface:
    """One position. `moves` of both prices are in per cent; `health` has a row for each move of `up` and in it one for each of `across`.

    `line` are two points (across, up), None where the line is outside.
    """

    title: str
    beneath: Sequence[str]
    across: str
    up: str
    moves: Sequence[float]
    health: Sequence[Sequence[float]]
    line: tuple[Point, Point] | None


def panel(axes: Axes, of: Surface, number: int) -> QuadContourSet:
    """What it returns is for the key, the same whichever panel it is from."""
    filled = axes.contourf(
        of.moves, of.moves, of.health, levels=LEVELS, colors=FILLS, hatches=list(HATCHES), extend="max"
    )
    filled.set_gid(f"health-{number}")
    if of.line is not None:
        (x, y), (u, v) = of.line
        axes.plot(
            [x, u], [y, v], color=COLOURS[Status.LIQUIDATABLE], linewidth=2, scalex=False, scaley=False,
            gid=f"line-{number}",
        )  # fmt: skip
    axes.plot([0], [0], marker="o", markersize=6, color=INK, markeredgecolor="white", zorder=5, gid=f"today-{number}")
    axes.annotate(
        "today", (0, 0), (6, 5), textcoords="offset points", fontsize=SMALL, color=INK, zorder=5,
        bbox={"boxstyle": "round,pad=0.15", "facecolor": "white", "edgecolor": "none", "alpha": 0.8},
    )  # fmt: skip
    axes.tick_params(length=0)
    axes.set_xlabel(f"price of {clean(of.across)}, %")
    axes.set_ylabel(f"price of {clean(of.up)}, %")
    axes.set_xticks(TICKS, TICK_NAMES)
    axes.set_yticks(TICKS, TICK_NAMES)
    head(axes, of.title, of.beneath)
    return filled


def key(axes: Axes, filled: QuadContourSet) -> None:
    """A bar of the colours in a panel of its own."""
    bar = axes.figure.colorbar(filled, cax=axes, orientation="horizontal", ticks=LEVELS[1:], format="{x:g}")
    bar.set_label("health factor (hatched: below the line)", color=FAINT)
    bar.outline.set_visible(False)
    axes.tick_params(length=0)
