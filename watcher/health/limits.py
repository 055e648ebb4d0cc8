"""Alarm bands on a figure of margin, a runway or a chance: numbers from *watch* to *critical*, worse in the figure's own direction."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from fractions import Fraction
from itertools import pairwise
from typing import Final

from eth_typing import ChecksumAddress

from watcher.errors import ConfigError
from watcher.health.bands import LADDER
from watcher.health.measure import End, Figure, Measure
from watcher.model import Status

STEPS: Final = (Status.WATCH, Status.WARN, Status.DANGER, Status.CRITICAL)


@dataclass(frozen=True, slots=True)
class Limits:
    """`steps` are some of `STEPS` in that order, each with the number beyond which the figure makes the status its own.

    For everybody, or for a wallet, a market, or that wallet there. `ConfigError` unless the numbers get worse from step to step and lie
    above the measure's floor.
    """

    measure: Measure
    steps: tuple[tuple[Status, Fraction], ...]
    wallet: ChecksumAddress | None = None
    market: str | None = None

    def __post_init__(self) -> None:
        order = [STEPS.index(status) for status, _ in self.steps]
        if not order or order != sorted(set(order)):
            raise ConfigError(f"{self.measure}: write at least one of {', '.join(STEPS)}")
        for (better, near), (worse, far) in pairwise(self.steps):
            if not self._beyond(far, near):
                way = "below" if self.measure.falls else "above"
                raise ConfigError(f"{self.measure}: {worse} must lie {way} {better}")
        lowest = min(number for _, number in self.steps)
        if lowest <= self.measure.floor:
            raise ConfigError(f"{self.measure}: every number must lie above {self.measure.floor}")

    def about(self, wallet: ChecksumAddress, market: str) -> bool:
        return self.wallet in (None, wallet) and self.market in (None, market)

    @property
    def weight(self) -> tuple[bool, bool]:
        """A wallet's own word counts before a market's."""
        return self.wallet is not None, self.market is not None

    def level(self, figure: Figure) -> Status | None:
        """The band that the figure is in; None where it is not told."""
        return self._level(figure, self.steps)

    def cleared(self, figure: Figure) -> Status | None:
        """The best that the figure lets a worse status rise to: it must be better than a number by a fifth of the distance from that
        number down to the next lower one, or to the measure's floor. Never better than `level`.

        One that is not told lets rise to what it last would have, so that nothing is safe by silence; None where nobody knows that.
        """
        if figure.end is End.UNTOLD and figure.last is not None:
            figure = Figure(figure.measure, figure.last)
        return self._level(figure, tuple((status, self._eased(number)) for status, number in self.steps))

    def crossed(self, figure: Figure) -> Fraction | None:
        """The number beyond which the figure is, the worst of several."""
        status = self.level(figure)
        return next((number for one, number in self.steps if one is status), None)

    def _eased(self, number: Fraction) -> Fraction:
        lower = max((other for _, other in self.steps if other < number), default=Fraction(self.measure.floor))
        margin = Fraction(number - lower, 5)
        return number + margin if self.measure.falls else number - margin

    def _level(self, figure: Figure, steps: Sequence[tuple[Status, Fraction]]) -> Status | None:
        match figure.end:
            case End.UNTOLD:
                return None
            case End.WORST:
                return steps[-1][0]
            case End.BEST:
                return Status.SAFE
        value = figure.value
        reached = [status for status, number in steps if value is not None and self._beyond(value, number)]
        return reached[-1] if reached else Status.SAFE

    def _beyond(self, value: Fraction, number: Fraction) -> bool:
        return value < number if self.measure.falls else value > number


@dataclass(frozen=True, slots=True)
class Crossed:
    """A figure that by itself makes the status what it is; `number` is the one that it is beyond."""

    figure: Figure
    status: Status
    number: Fraction


def limits_for(every: Iterable[Limits], wallet: ChecksumAddress, market: str) -> tuple[Limits, ...]:
    """What is asked of a position: for each measure the weightiest that is about it, the earlier of equals."""
    found: dict[Measure, Limits] = {}
    for one in every:
        known = found.get(one.measure)
        if one.about(wallet, market) and (known is None or one.weight > known.weight):
            found[one.measure] = one
    return tuple(found.values())


def worst_of(crossings: Iterable[Crossed], status: Status) -> Crossed | None:
    """The first of the worst crossings; None where none is worse than `status`."""
    worse = [one for one in crossings if LADDER.index(one.status) > LADDER.index(status)]
    return max(worse, key=lambda one: LADDER.index(one.status), default=None)
