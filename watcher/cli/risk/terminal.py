"""Losses and the course of health as a few lines of text, without colour: figures first, block glyphs beside them."""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import Final

import numpy as np

from watcher.appraisal.appraise import Appraisal
from watcher.cli.history.spark import GLYPHS, STEPS
from watcher.cli.risk.drawing import NONE_PRICED, Bars, Course, bars, course, percent, span, titles
from watcher.config.risk import DAY, HOUR
from watcher.risk.exposure import Floats
from watcher.text import clean_line

COARSE: Final = 15  # rows of a distribution
LONGEST: Final = 40  # characters of a bar
ASIDE: Final = 8  # characters of a share, beside its bar
EIGHTHS: Final = " ▏▎▍▌▋▊▉█"
FIGURE: Final = 8  # characters of a health
ROWS: Final = (("median", 2), ("5 %", 0))  # the quantiles of a course that are shown, by their place


def losses(appraisal: Appraisal) -> Iterator[str]:
    """The owner's losses within a day: a row for each range, with VaR and ES at the end of theirs; or why there are none."""
    day = next((one for one in appraisal.horizons if one.seconds == DAY and one.together), None)
    if day is None or day.together is None:
        yield NONE_PRICED
        return
    of = day.together.loss
    cut = bars(appraisal.losses[DAY], COARSE, of.var, of.es.value)
    yield f"loss of equity within {span(DAY)}, US dollars (below 0: gain), {cut.scenarios:,} scenarios"
    marks = (("VaR 99 %", of.var), ("ES 97.5 %", of.es.value))
    yield from _histogram(cut, marks)


def _histogram(cut: Bars, marks: Sequence[tuple[str, float]]) -> Iterator[str]:
    places = [int(np.searchsorted(cut.edges, loss, side="right")) - 1 for _, loss in marks]
    digits = max(0, -int(np.floor(np.log10(cut.edges[1] - cut.edges[0]) + 1e-9)))
    low, high = (_money(edge, digits) for edge in (cut.edges[0], cut.edges[-1]))
    ranges = [f"{_money(a, digits)} to {_money(b, digits)}" for a, b in pairwise(cut.edges)]
    counts = [cut.below, *cut.counts.tolist(), cut.above]
    named = [f"below {low}", *ranges, f"{high} or more"]
    wide = max(map(len, named))
    room = max(8, min(LONGEST, shutil.get_terminal_size((100, 24)).columns - wide - ASIDE - 24))
    for row, (name, count) in enumerate(zip(named, counts, strict=True), start=-1):
        if not count and row in (-1, len(ranges)):
            continue
        share = count / cut.scenarios
        of = " · ".join(
            f"{mark} {loss:,.{digits}f}" for (mark, loss), place in zip(marks, places, strict=True) if place == row
        )
        yield f"{name:>{wide}} {percent(share):>7} {_bar(count, max(counts), room)}{f'  {of}' if of else ''}".rstrip()


def _money(amount: float, digits: int) -> str:
    return f"{amount:,.{digits}f}"


def _bar(count: int, most: int, room: int) -> str:
    """In eighths of a character; what is there at all is seen."""
    eighths = max(1, round(count / most * room * 8)) if count else 0
    return EIGHTHS[-1] * (eighths // 8) + EIGHTHS[eighths % 8].strip()


def fans(appraisal: Appraisal) -> Iterator[str]:
    """For each position the median and the worst twentieth of its health at every horizon, and between."""
    marks = [seconds // HOUR for seconds in appraisal.asked.horizons]
    for place, title in enumerate(titles(appraisal.held)):
        seen = course(appraisal, place)
        if seen is not None:
            yield clean_line(f"health of {title}, nothing ever liquidated (1 is the line)")
            yield from _course(seen, marks)


def _course(of: Course, marks: Sequence[int]) -> Iterator[str]:
    shown = [look for look, hour in enumerate(of.hours) if hour == 0 or hour in marks]
    heads = "".join(f"{span(of.hours[look] * HOUR) if look else 'now':>{FIGURE}}" for look in shown)
    yield f"  {'':6}{heads}"
    bottom, top = min(1.0, float(of.health[:, 0].min())), max(1.0, float(of.health[:, 2].max()))
    width = shutil.get_terminal_size((100, 24)).columns - len(heads) - 10
    looks = np.unique(np.linspace(0, len(of.hours) - 1, max(2, min(width, len(of.hours)))).astype(int))
    for name, quantile in ROWS:
        figures = "".join(f"{of.health[look, quantile]:>{FIGURE}.4g}" for look in shown)
        yield f"  {name:<6}{figures}  {_spark(of.health[looks, quantile], bottom, top)}"
    under = next((hour for hour, low in zip(of.hours, of.health[:, 0], strict=True) if low < 1), None)
    if under:
        yield f"  5 % of the scenarios are below the line in {span(under * HOUR)}"


def _spark(levels: Floats, bottom: float, top: float) -> str:
    """A glyph for each level, the lowest never blank."""
    steps = np.clip((levels - bottom) / ((top - bottom) or 1) * STEPS, 1, STEPS)
    return "".join(GLYPHS[round(step)] for step in steps)
