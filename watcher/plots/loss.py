"""What may be lost: the scenarios' losses of equity in bars, with VaR and Expected Shortfall marked."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from math import floor, log10
from typing import TYPE_CHECKING, Final

from watcher.model import Status
from watcher.plots.panel import SMALL, bare, head
from watcher.plots.style import COLOURS, INK, SERIES
from watcher.text import clean_line

if TYPE_CHECKING:
    from matplotlib.axes import Axes

SCALES: Final = ((1e10, 1e9, "billions of "), (1e7, 1e6, "millions of "), (0.0, 1.0, ""))  # from, divided by
HEADROOM: Final = 1.4  # of the highest bar: the names of the marks lie above all bars
HEIGHTS: Final = (0.82, 0.94)  # of the marks, in parts of the panel
TICKS: Final = 6


@dataclass(frozen=True, slots=True)
class Mark:
    """A loss with its name and how far chance may have moved it, all as text but the place."""

    name: str
    loss: float
    error: str


@dataclass(frozen=True, slots=True)
class Losses:
    """Losses in `unit`, gains below zero. `edges` are rising and one more than `shares`, which are fractions of all scenarios."""

    title: str
    beneath: Sequence[str]
    unit: str
    edges: Sequence[float]
    shares: Sequence[float]
    marks: tuple[Mark, Mark]


def panel(axes: Axes, of: Losses, number: int) -> None:
    size, word = scale([*of.edges, *(mark.loss for mark in of.marks)])
    edges = [edge / size for edge in of.edges]
    axes.bar(
        edges[:-1],
        [share * 100 for share in of.shares],
        width=[b - a for a, b in pairwise(edges)],
        align="edge",
        color=SERIES,
        edgecolor="white",
        linewidth=0.4,
        gid=f"losses-{number}",
    )
    places = [*edges, *(mark.loss / size for mark in of.marks)]
    room = (max(places) - min(places)) * 0.03
    axes.set_xlim(min(places) - room, max(places) + room)
    axes.set_ylim(0, HEADROOM * 100 * max(of.shares))
    axes.set_yticks([share for share in axes.get_yticks() if share <= 100])
    axes.axvline(0, color="#afb8c1", linewidth=0.8, zorder=0.6)
    _marks(axes, of, size, number)
    _money(axes)
    bare(axes)
    axes.set_xlabel(clean_line(f"loss, {word}{of.unit} (below 0: gain)"))
    axes.set_ylabel("% of scenarios")
    head(axes, of.title, of.beneath)


def scale(amounts: Sequence[float]) -> tuple[float, str]:
    """By what money is divided, and the word for it."""
    largest = max(map(abs, amounts))
    return next((size, word) for least, size, word in SCALES if largest >= least)


def figure(amount: float) -> str:
    """Thousands separated; four significant digits below a hundred."""
    return f"{amount:,.0f}" if abs(amount) >= 100 else f"{amount:,.4g}"


def _marks(axes: Axes, of: Losses, size: float, number: int) -> None:
    """A line up to each name. A name leads away from the nearer side of the panel, and the mark nearer to a side reaches higher: of two
    on the same side neither name lies on the other's line."""
    middle = sum(axes.get_xlim()) / 2
    near, far = sorted(of.marks, key=lambda mark: mark.loss)
    if far.loss / size < middle:
        near, far = far, near
    colour = COLOURS[Status.CRITICAL]
    beyond = min(mark.loss for mark in of.marks) / size
    axes.axvspan(beyond, axes.get_xlim()[1], facecolor=colour, alpha=0.07, linewidth=0, zorder=0.4)
    for mark, height in zip((near, far), HEIGHTS, strict=True):
        place, first = mark.loss / size, mark is of.marks[0]
        leftwards = place >= middle
        axes.axvline(
            place, ymax=height, color=colour, linewidth=1.3, linestyle="-" if first else (0, (4, 2)), zorder=3,
            gid=f"mark-{number}-{0 if first else 1}",
        )  # fmt: skip
        axes.annotate(
            clean_line(f"{mark.name} {figure(place)} {mark.error}"), (place, height), (-4 if leftwards else 4, 0),
            ("data", "axes fraction"), "offset points", color=INK, fontsize=SMALL, va="center",
            ha="right" if leftwards else "left", zorder=4,
            bbox={"boxstyle": "round,pad=0.1", "facecolor": "white", "edgecolor": "none"},
        )  # fmt: skip


def _money(axes: Axes) -> None:
    """Few ticks, with as many digits as tell them apart."""
    from matplotlib.ticker import MaxNLocator, StrMethodFormatter

    locator = MaxNLocator(TICKS, steps=[1, 2, 5, 10])
    places = locator.tick_values(*axes.get_xlim())
    digits = max(0, -floor(log10(places[1] - places[0]) + 1e-9))
    axes.xaxis.set_major_locator(locator)
    axes.xaxis.set_major_formatter(StrMethodFormatter(f"{{x:,.{digits}f}}" if digits < 5 else "{x:.3g}"))
