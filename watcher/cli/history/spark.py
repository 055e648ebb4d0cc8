"""A course of health factors as a few lines of text: bars of block glyphs, a line per band, and a mark where nothing is known. Pure.

What is unknown is never a bar: a column without a reading stays empty, nothing is drawn between two readings.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from watcher.figures import fixed
from watcher.units import WAD

GLYPHS: Final = " ▁▂▃▄▅▆▇█"
STEPS: Final = len(GLYPHS) - 1  # glyphs are eighths of a row
BAND: Final = "┄"
UNKNOWN: Final = "?"
GAP: Final = "×"
FREE: Final = "∞"  # nothing is owed
LEGEND: Final = f"{UNKNOWN} unknown  {GAP} nobody watched  {FREE} no debt  empty: nothing read"


@dataclass(frozen=True, slots=True)
class Bar:
    """One column. `health` is the lowest of its time as a wad; None where nothing was owed (`free`), known or read."""

    health: int | None = None
    free: bool = False
    unknown: bool = False
    gap: bool = False

    def worse(self, other: Bar) -> Bar:
        """Both in one column."""
        known = [health for health in (self.health, other.health) if health is not None]
        return Bar(
            min(known, default=None),
            self.free or other.free,
            self.unknown or other.unknown,
            self.gap or other.gap,
        )


def columns(points: Sequence[tuple[int, int, Bar]], width: int, first: int, last: int) -> tuple[Bar, ...]:
    """Bars from one time to another (seconds) in `width` columns from `first` to `last`, each the worst of its share; others are empty."""
    found = [Bar()] * width
    for begin, end, bar in points:
        if end < first or begin > last:
            continue
        left, right = ((min(max(time, first), last) - first) * width // (last - first + 1) for time in (begin, end))
        for place in range(left, right + 1):
            found[place] = found[place].worse(bar)
    return tuple(found)


def chart(bars: Sequence[Bar], bands: Mapping[str, int], height: int = 8) -> list[str]:
    """`height` lines from top to bottom, with the names of `bands` (wads) beside the rows that they cross, the lowest first.

    The scale goes from the lowest reading, or 1, to the highest, or the highest band; it is cut at twice that band.
    A row above the bars says what is not known.
    """
    known = [bar.health for bar in bars if bar.health is not None]
    highest = max(bands.values(), default=WAD)
    top = max(highest, min(max(known, default=highest), 2 * highest))
    bottom = min([WAD, *bands.values(), *known])
    bottom -= (top - bottom) // height + 1  # the lowest reading is a bar too
    labels: dict[int, str] = {}
    for name, value in sorted(bands.items(), key=lambda band: band[1]):
        row = _row(value, bottom, top, height)
        labels[row] = f"{labels[row]}, {name}" if row in labels else f"{fixed(value, 18, 2)} {name}"
    lines = ["".join(map(_mark, bars))] if any(bar.unknown or bar.gap for bar in bars) else []
    for row in reversed(range(height)):
        label = labels.get(row)
        cells = "".join(_cell(bar, row, bottom, top, height, BAND if label else " ") for bar in bars)
        lines.append(f"{cells} {label}" if label else cells.rstrip())
    return lines


def _mark(bar: Bar) -> str:
    return UNKNOWN if bar.unknown else GAP if bar.gap else " "


def _row(value: int, bottom: int, top: int, height: int) -> int:
    return min((value - bottom) * height // (top - bottom), height - 1)


def _cell(bar: Bar, row: int, bottom: int, top: int, height: int, empty: str) -> str:
    """The part of a bar in a row, counted from the bottom."""
    if bar.health is None:
        return FREE if bar.free and row == height - 1 else empty
    eighths = (min(bar.health, top) - bottom) * height * STEPS // (top - bottom)
    glyph = GLYPHS[min(max(eighths - row * STEPS, 0), STEPS)]
    return empty if glyph == " " else glyph
