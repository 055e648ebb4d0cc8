"""One wallet's risk on one page: what may be lost, where health may go, which prices it survives, and what all that stands on."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from textwrap import wrap
from typing import TYPE_CHECKING, Final

from watcher.plots import fan, loss, surface
from watcher.plots.fan import Fan
from watcher.plots.loss import Losses
from watcher.plots.style import FAINT, LOOK, matplotlib, sheet
from watcher.plots.surface import Surface
from watcher.text import clean_line

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from matplotlib.gridspec import GridSpec

WIDTH: Final = 10.0  # inches
LOSS, FAN, SURFACE, KEY = 3.1, 2.9, 3.6, 0.2  # inches of a row
TITLE, NOTE = 0.45, 0.15  # inches: of the heading, and of a line at the bottom
LONGEST: Final = 170  # characters of such a line
SMALL: Final = 7.5  # points of its letters
ACROSS: Final = 2


@dataclass(frozen=True, slots=True)
class Page:
    """Any of the three may be empty; `notes` then say why."""

    title: str
    notes: Sequence[str]
    losses: Sequence[Losses]
    fans: Sequence[Fan]
    surfaces: Sequence[Surface]


def draw(page: Page) -> Figure:
    """`ConfigError` where matplotlib is missing."""
    lines = [line for note in page.notes for line in wrap(clean_line(note), LONGEST, subsequent_indent="  ")]
    kinds = ((page.losses, LOSS), (page.fans, FAN), (page.surfaces, SURFACE))
    heights = [height for panels, height in kinds for _ in range(-(-len(panels) // ACROSS))]
    heights += [KEY] if page.surfaces else []
    with matplotlib().rc_context(dict(LOOK)):
        figure = sheet(WIDTH, TITLE + sum(heights) + NOTE * (len(lines) + 4))
        figure.suptitle(clean_line(page.title), x=0.012, ha="left", fontsize=12, fontweight="bold")
        if lines:
            figure.supxlabel("\n".join(lines), x=0.012, ha="left", fontsize=SMALL, color=FAINT)
        grid = figure.add_gridspec(max(1, len(heights)), ACROSS, height_ratios=heights or None)
        places = _places(figure, grid, [len(panels) for panels, _ in kinds])
        for number, one in enumerate(page.losses):
            loss.panel(next(places), one, number)
        for number, course in enumerate(page.fans):
            fan.panel(next(places), course, number)
        fills = [surface.panel(next(places), of, number) for number, of in enumerate(page.surfaces)]
        if fills:
            surface.key(figure.add_subplot(grid[-1, :]), fills[0])
    return figure


def _places(figure: Figure, grid: GridSpec, counts: Sequence[int]) -> Iterator[Axes]:
    """Panels row by row; each kind begins a row of its own."""
    row = 0
    for count in counts:
        for number in range(count):
            yield figure.add_subplot(grid[row + number // ACROSS, number % ACROSS])
        row += -(-count // ACROSS)
