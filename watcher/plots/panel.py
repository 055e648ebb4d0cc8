"""What the panels of a page have in common: a heading with faint lines beneath, in the room of half a page."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Final

from watcher.plots.style import FAINT
from watcher.text import clean

if TYPE_CHECKING:
    from matplotlib.axes import Axes

TITLE: Final = 44  # characters of a heading, and of a line beneath, that half a page has room for
BENEATH: Final = 72
SMALL: Final = 8  # points
PITCH: Final = 11  # points from one line to the next


def head(axes: Axes, title: str, beneath: Sequence[str]) -> None:
    """The heading above its lines; what is too long ends in "…"."""
    lines = [clean(line, BENEATH) for line in beneath if line]
    axes.set_title(clean(title, TITLE), fontweight="bold", pad=7 + PITCH * len(lines))
    axes.annotate(
        "\n".join(lines), (0, 1), (0, 5), "axes fraction", "offset points", color=FAINT, fontsize=SMALL, gid="beneath"
    )


def bare(axes: Axes) -> None:
    """No ticks' strokes, and a faint grid behind everything."""
    axes.tick_params(which="both", length=0)
    axes.grid(axis="y", color="#eaeef2", linewidth=0.8)
    axes.set_axisbelow(True)
