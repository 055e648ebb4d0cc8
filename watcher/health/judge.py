"""What one reading comes to by itself: the worst of its level, its clock where collateral and debt move together, and the figures that
somebody set a limit to."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

from watcher.adapter import H, Position, Q, T
from watcher.health.bands import Bands, cleared, level, worst
from watcher.health.correlated import Group, closed
from watcher.health.limits import Crossed, Limits, worst_of
from watcher.health.measure import CHANCES, RUNWAYS, End, Figure, Measure, measure
from watcher.health.runway import by_clock, cleared_by_clock, runway
from watcher.model import Doubt, DoubtKind, Reading, Runway, Sighting, Status, Valuation

NOT_FORETOLD: Final = "no chance was foretold"


@dataclass(frozen=True, slots=True)
class Judgement:
    """`status` is what the reading is by itself, `clears` the best that a worse one may rise to.

    The correlated have a `runway`, and those whose runway has a limit. `crossed` is the figure that alone makes the status as bad as it
    is; `untold` are those with a limit that nobody can tell, so that nothing is said by them.
    """

    status: Status
    clears: Status
    bands: Bands
    group: Group | None
    runway: Runway | None
    crossed: Crossed | None = None
    untold: tuple[Figure, ...] = ()


def judge(
    position: Position[T, Q, H],
    groups: Iterable[Group],
    choose: Callable[[bool], Bands],
    limits: Sequence[Limits] = (),
    chances: Mapping[Measure, Figure] | None = None,
) -> Judgement:
    """`choose` answers the bands of the position, given whether it is correlated. `chances` are what was foretold of it; one that is not
    among them is not told. Who owes nothing is held to no limit. Raises what `Position.value` raises.
    """
    valuation = position.value()
    group = closed(valuation, groups)
    bands = choose(group is not None)
    status, clears = level(valuation, bands), cleared(valuation, bands)
    left = None
    if group is not None or any(one.measure in RUNWAYS for one in limits):
        left = runway(valuation, position.adapter.panels(position.terms, position.quote))
    if group is not None and left is not None:
        status = worst(status, by_clock(left.present))
        clears = worst(clears, cleared_by_clock(left.present))
    plain = Judgement(status, clears, bands, group, left)
    return (
        plain if valuation.health is None else _limited(plain, limits, _figures(valuation, limits, left, chances or {}))
    )


def _figures(
    valuation: Valuation, limits: Iterable[Limits], left: Runway | None, chances: Mapping[Measure, Figure]
) -> Iterator[Figure]:
    for one in limits:
        if one.measure in CHANCES:
            yield chances.get(one.measure) or Figure(one.measure, None, End.UNTOLD, NOT_FORETOLD)
        else:
            yield measure(valuation, one.measure, left)


def _limited(plain: Judgement, limits: Iterable[Limits], figures: Iterable[Figure]) -> Judgement:
    """The worst of all. A figure that is not told makes nothing worse, is named, and lifts nothing that it last held down."""
    statuses, clearings = [plain.status], [plain.clears]
    crossings: list[Crossed] = []
    untold: list[Figure] = []
    for one, figure in zip(limits, figures, strict=True):
        status, clears, number = one.level(figure), one.cleared(figure), one.crossed(figure)
        if status is None:
            untold.append(figure)
        else:
            statuses.append(status)
        if clears is not None:
            clearings.append(clears)
        if status is not None and number is not None:
            crossings.append(Crossed(figure, status, number))
    return replace(
        plain,
        status=worst(*statuses),
        clears=worst(*clearings),
        crossed=worst_of(crossings, plain.status),
        untold=tuple(untold),
    )


def judged(reading: Reading, judgement: Judgement) -> Reading:
    """The reading under its bands, with a doubt for each figure that has a limit and is not told."""
    untold = (Doubt(DoubtKind.UNTOLD, f"{one.measure} is not told: {one.reason}") for one in judgement.untold)
    return replace(reading, status=judgement.status, doubts=(*reading.doubts, *untold))


def sighting(reading: Reading, judgement: Judgement | None, read_at: int, *, confirmed: bool) -> Sighting:
    """What the fold needs of a reading; `judgement` is None exactly where there is no valuation."""
    key, block = reading.key, reading.block
    if judgement is None or reading.valuation is None:
        return Sighting(key, block, read_at, Status.UNKNOWN, None, None, confirmed, reading.reason)
    return Sighting(key, block, read_at, judgement.status, judgement.clears, reading.valuation.health, confirmed)
