"""Where the health of a position may go: the median of all scenarios over time, within the bands that hold half and nine tenths of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from watcher.model import Status
from watcher.plots.panel import bare, head
from watcher.plots.style import COLOURS, SERIES

if TYPE_CHECKING:
    from matplotlib.axes import Axes

DAYS: Final = 48  # hours: beyond, the axis counts days
WIDE: Final = 8.0  # the highest over the lowest health from which the scale is logarithmic
BANDS: Final = ((0, 4, 0.18), (1, 3, 0.32))  # quantiles that bound a band, and how dense it is
KEY: Final = "line: median · bands: 25–75 % and 5–95 % · nothing ever liquidated"


@dataclass(frozen=True, slots=True)
class Fan:
    """One position. `quantiles` of its health at `hours` from now: 5, 25, 50, 75 and 95 % of the scenarios, nothing being liquidated."""

    title: str
    beneath: Sequence[str]
    hours: Sequence[float]
    quantiles: Sequence[Sequence[float]]


def panel(axes: Axes, of: Fan, number: int) -> None:
    unit, word = (24, "days") if of.hours[-1] > DAYS else (1, "hours")
    times = [hour / unit for hour in of.hours]
    for low, high, density in BANDS:
        axes.fill_between(
            times, of.quantiles[low], of.quantiles[high], color=SERIES, alpha=density, linewidth=0,
            gid=f"band-{number}-{low}",
        )  # fmt: skip
    axes.plot(times, of.quantiles[2], color=SERIES, linewidth=1.6, gid=f"median-{number}")
    colour = COLOURS[Status.LIQUIDATABLE]
    axes.axhline(1, color=colour, linewidth=1.4, zorder=2.5, gid=f"line-{number}")
    _heights(axes, of)
    axes.axhspan(axes.get_ylim()[0], 1, facecolor=colour, alpha=0.07, linewidth=0, zorder=0.4)
    bare(axes)
    axes.margins(x=0)
    axes.set_xlabel(f"{word} from now")
    axes.set_ylabel("health factor (1 = the line)")
    head(axes, of.title, [*of.beneath, KEY])


def _heights(axes: Axes, of: Fan) -> None:
    """A scale that holds every band and the line; logarithmic where they are far apart."""
    from matplotlib.ticker import NullFormatter, StrMethodFormatter

    low, high = min(1.0, *of.quantiles[0]), max(1.0, *of.quantiles[-1])
    if low > 0 and high / low > WIDE:
        axes.set_yscale("log")
        axes.yaxis.set_minor_formatter(NullFormatter())
        ratio = (high / low) ** 0.05
        axes.set_ylim(low / ratio, high * ratio)
    else:
        room = (high - low) * 0.06 or 0.01
        axes.set_ylim(max(0.0, low - room), high + room)
    axes.yaxis.set_major_formatter(StrMethodFormatter("{x:,.9g}"))
