"""The search for the block since which a position could be liquidated: which blocks to look at, given what was seen. Pure."""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import dataclass
from typing import TypeAlias


@dataclass(frozen=True, slots=True)
class Found:
    """`block` is the first that is open, as far as was looked; `bounded` where that is as far as the search may go."""

    block: int
    bounded: bool


Search: TypeAlias = Generator[int, bool, Found]


def crossing(last: int, floor: int) -> Search:
    """Yields block numbers and is sent whether the position was open to liquidation at their end; it was at `last`.

    Steps back from `last`, each twice as far, to the first block that is not open or to `floor`; then halves what lies between that one
    and the earliest open block after it. So of several stretches it is the last one, unless a gap between two fell between two looks.
    """
    opened, step = last, 1
    while opened > floor:
        probe = max(floor, last - step)
        if not (yield probe):
            return (yield from _between(probe, opened))
        opened, step = probe, 2 * step
    return Found(opened, bounded=True)


def _between(shut: int, opened: int) -> Search:
    while opened - shut > 1:
        middle = (shut + opened) // 2
        if (yield middle):
            opened = middle
        else:
            shut = middle
    return Found(opened, bounded=False)
