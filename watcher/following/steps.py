"""Band lines for a whole market: how many of them a health is below says both its status and what a worse one may rise to."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from watcher.health.bands import LADDER, Bands, raised
from watcher.model import Status
from watcher.units import WAD, Wad

NO_DEBT: Final = LADDER.index(Status.NO_DEBT)
LIQUIDATABLE: Final = LADDER.index(Status.LIQUIDATABLE)


@dataclass(frozen=True, slots=True)
class Steps:
    """`lines` fall strictly; below n of them the status is `LADDER[status[n]]` and the best to rise to `LADDER[clears[n]]`.

    The contract's own line is not among them: its comparison is asked beside.
    """

    lines: tuple[Wad, ...]
    status: tuple[int, ...]
    clears: tuple[int, ...]


def steps(bands: Bands) -> Steps:
    """As `health.bands.level` and `cleared` would say for each health."""
    levels = (bands.watch, bands.warn, bands.danger, bands.critical)
    lifted = tuple(raised(one) for one in levels)
    least = Wad(raised(bands.critical) - bands.critical + WAD)
    lines = sorted({*levels, *lifted, least}, reverse=True)
    status, clears = [], []
    for below in range(len(lines) + 1):
        passed = set(lines[:below])
        status.append(1 + sum(one in passed for one in levels))
        clears.append(LIQUIDATABLE if least in passed else 1 + sum(one in passed for one in lifted))
    return Steps(tuple(Wad(one) for one in lines), tuple(status), tuple(clears))
