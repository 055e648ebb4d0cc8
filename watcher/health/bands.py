"""Where health stands between comfort and the contract's own line: bands, and the raised thresholds that a better one must clear."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import Final

from watcher.errors import ConfigError
from watcher.model import Status, Valuation
from watcher.units import WAD, Wad

# From best to worst. Unknown is none of them: it is neither better nor worse than anything.
LADDER: Final = (
    Status.NO_DEBT,
    Status.SAFE,
    Status.WATCH,
    Status.WARN,
    Status.DANGER,
    Status.CRITICAL,
    Status.LIQUIDATABLE,
)

LINE: Final = "the contract's line at 1"


@dataclass(frozen=True, slots=True)
class Bands:
    """Below each of these health factors (wads) the status has its name; the line itself is the contract's and is not in here.

    `ConfigError` unless they fall strictly, from `watch` down to a `critical` above 1.
    """

    watch: Wad
    warn: Wad
    danger: Wad
    critical: Wad

    def __post_init__(self) -> None:
        steps = {"watch": self.watch, "warn": self.warn, "danger": self.danger, "critical": self.critical, LINE: WAD}
        for (upper, above), (lower, below) in pairwise(steps.items()):
            if above <= below:
                raise ConfigError(f"bands: {upper} must lie above {lower}")


def _bands(*hundredths: int) -> Bands:
    return Bands(*(Wad(step * WAD // 100) for step in hundredths))


VOLATILE: Final = _bands(150, 125, 110, 103)
CORRELATED: Final = _bands(105, 103, 102, 101)


def level(valuation: Valuation, bands: Bands) -> Status:
    """The band that health is in, at the line that is reached first.

    Past the line by the contract's own comparison only: a health that rounds below 1, and one below 1 at an early line, is *critical*.
    """
    return _level(valuation, (bands.watch, bands.warn, bands.danger, bands.critical))


def cleared(valuation: Valuation, bands: Bands) -> Status:
    """The best band that a position in a worse one could rise to: thresholds raised by a fifth of their distance to 1, rounded up.

    Leaving *liquidatable* takes a fifth of the way from the line to the critical threshold. Never better than `level`.
    """
    least = raised(bands.critical) - bands.critical + WAD
    if valuation.health is not None and valuation.health < least:
        return Status.LIQUIDATABLE
    return _level(valuation, tuple(raised(step) for step in (bands.watch, bands.warn, bands.danger, bands.critical)))


def raised(threshold: int) -> Wad:
    """⌈threshold + (threshold − 1) / 5⌉: what health must reach to rise above `threshold`."""
    return Wad(threshold - (WAD - threshold) // 5)


def worst(*statuses: Status) -> Status:
    """The worst on the ladder; an unknown one has no place there (`ValueError`)."""
    return max(statuses, key=LADDER.index)


def reaches(status: Status, band: Status) -> bool:
    """Whether `status` is `band` or worse. What is unknown or was never put on the ladder reaches nothing: ask for it by itself."""
    return status in LADDER and LADDER.index(status) >= LADDER.index(band)


def _level(valuation: Valuation, steps: tuple[int, ...]) -> Status:
    if valuation.liquidatable:
        return Status.LIQUIDATABLE
    health = valuation.nearest
    if health is None:
        return Status.NO_DEBT
    below = sum(health < step for step in steps)
    return LADDER[1 + below]
