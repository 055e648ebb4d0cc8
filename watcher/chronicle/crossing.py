"""The search for the block since which a position could be liquidated: which blocks to look at, given what was seen. Pure."""

from __future__ import annotations

from collections.abc import Collection, Generator
from dataclasses import dataclass
from typing import TypeAlias


@dataclass(frozen=True, slots=True)
class Found:
    """`block` is the first that is open, as far as was looked; `bounded` where that is as far as the search may go."""

    block: int
    bounded: bool


Search: TypeAlias = Generator[int, bool, Found]


def crossing(last: int, floor: int, marks: Collection[int] = ()) -> Search:
    """Yields block numbers and is sent whether the position was open to liquidation at their end; it was at `last`.

    Steps back from `last`, each twice as far, to the first block that is not open or to `floor`, and passes none of `marks` by, blocks
    in which the position is known to have been changed; then halves what lies between the block that is not open and the earliest open
    one after it. So of several stretches it is the last one, unless a gap between two fell between two looks.
    """
    opened, step = last, 1
    while opened > floor:
        probe = max(floor, last - step, *(mark for mark in marks if mark < opened))
        if not (yield probe):
            return (yield from _between(probe, opened))
        opened = probe
        step = 2 * step if probe <= last - step else step
    return Found(opened, bounded=True)


def _between(shut: int, opened: int) -> Search:
    while opened - shut > 1:
        middle = (shut + opened) // 2
        if (yield middle):
            opened = middle
        else:
            shut = middle
    return Found(opened, bounded=False)
