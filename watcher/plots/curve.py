"""What becomes liquidatable as prices fall: debt and collateral against the fall, and the debt that nothing covers."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from watcher.model import Status
from watcher.plots.style import COLOURS, FAINT, LOOK, SERIES, matplotlib, sheet
from watcher.text import clean_line

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

WIDTH, HEIGHT = 9.0, 4.6  # inches
HEADROOM: Final = 1.15  # of the highest point, so that the legend covers none
COLLATERAL: Final = "#7d8590"
SCALES: Final = ((1e9, "billions of "), (1e6, "millions of "), (1e3, "thousands of "), (1.0, ""))


@dataclass(frozen=True, slots=True)
class Rise:
    """Sums at falls in per cent, all as long as `falls`, in `unit`."""

    title: str
    note: str
    of: str  # what falls
    unit: str
    falls: Sequence[float]
    debt: Sequence[float]
    collateral: Sequence[float]
    bad_debt: Sequence[float]


def draw(rise: Rise) -> Figure:
    """One panel. `ConfigError` where matplotlib is missing."""
    with matplotlib().rc_context(dict(LOOK)):
        figure = sheet(WIDTH, HEIGHT)
        axes = figure.add_subplot()
        _curves(axes, rise)
        axes.set_title(clean_line(rise.title), fontweight="bold", pad=18)
        axes.annotate(clean_line(rise.note), (0, 1), (0, 5), "axes fraction", "offset points", color=FAINT, fontsize=8)
        axes.legend(loc="upper left", frameon=False, ncols=3)
    return figure


def _curves(axes: Axes, rise: Rise) -> None:
    size, word = next((one for one in SCALES if max([*rise.debt, *rise.collateral], default=0.0) >= one[0]), SCALES[-1])
    debt, collateral, bad = ([value / size for value in side] for side in (rise.debt, rise.collateral, rise.bad_debt))
    owed = COLOURS[Status.CRITICAL]
    axes.plot(
        rise.falls,
        collateral,
        color=COLLATERAL,
        linewidth=1.2,
        linestyle=(0, (5, 3)),
        label="its collateral",
        gid="collateral",
    )
    axes.plot(rise.falls, debt, color=SERIES, linewidth=1.8, label="liquidatable debt", gid="debt")
    axes.fill_between(rise.falls, bad, color=owed, alpha=0.35, linewidth=0, label="bad debt", gid="bad-debt")
    axes.set_xlabel(clean_line(f"fall of {rise.of}, %"))
    axes.set_ylabel(clean_line(f"{word}{rise.unit}"))
    axes.set_ylim(0, HEADROOM * (max([*debt, *collateral]) or 1))
    axes.margins(x=0)
    axes.grid(axis="y", color="#eaeef2", linewidth=0.8)
    axes.set_axisbelow(True)
    axes.tick_params(length=0)
