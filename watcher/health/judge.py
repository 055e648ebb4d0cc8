"""What one reading comes to by itself: the worse of its level and, where collateral and debt move together, its clock."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace

from watcher.adapter import H, Position, Q, T
from watcher.health.bands import Bands, cleared, level, worst
from watcher.health.correlated import Group, closed
from watcher.health.runway import by_clock, cleared_by_clock, runway
from watcher.model import Reading, Runway, Sighting, Status


@dataclass(frozen=True, slots=True)
class Judgement:
    """`status` is what the reading is by itself, `clears` the best that a worse one may rise to. Only the correlated have a `runway`."""

    status: Status
    clears: Status
    bands: Bands
    group: Group | None
    runway: Runway | None


def judge(position: Position[T, Q, H], groups: Iterable[Group], choose: Callable[[bool], Bands]) -> Judgement:
    """`choose` answers the bands of the position, given whether it is correlated. Raises what `Position.value` raises."""
    valuation = position.value()
    group = closed(valuation, groups)
    bands = choose(group is not None)
    status, clears = level(valuation, bands), cleared(valuation, bands)
    if group is None:
        return Judgement(status, clears, bands, None, None)
    left = runway(valuation, position.adapter.panels(position.terms, position.quote))
    return Judgement(
        worst(status, by_clock(left.present)), worst(clears, cleared_by_clock(left.present)), bands, group, left
    )


def judged(reading: Reading, judgement: Judgement) -> Reading:
    """The reading under its bands."""
    return replace(reading, status=judgement.status)


def sighting(reading: Reading, judgement: Judgement | None, read_at: int, *, confirmed: bool) -> Sighting:
    """What the fold needs of a reading; `judgement` is None exactly where there is no valuation."""
    key, block = reading.key, reading.block
    if judgement is None or reading.valuation is None:
        return Sighting(key, block, read_at, Status.UNKNOWN, None, None, confirmed, reading.reason)
    return Sighting(key, block, read_at, judgement.status, judgement.clears, reading.valuation.health, confirmed)
