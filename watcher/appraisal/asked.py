"""What a report is asked for."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from watcher.config.risk import DAY, HOUR, Risk
from watcher.risk.scenario import Model

HORIZONS: Final = (HOUR, DAY, 7 * DAY, 30 * DAY)
BESIDE: Final = 7 * DAY  # the horizon at which structures are compared


@dataclass(frozen=True, slots=True)
class Asked:
    """`horizons` are whole hours, in seconds, rising; `reaction` is the owner's own one of them, None without."""

    model: Model
    scenarios: int
    seed: int
    deviation: float
    horizons: tuple[int, ...] = HORIZONS
    reaction: int | None = None

    @property
    def marks(self) -> tuple[int, ...]:
        """The horizons in steps."""
        return tuple(seconds // HOUR for seconds in self.horizons)


def asked(risk: Risk, horizons: Sequence[int] = HORIZONS) -> Asked:
    """A reaction time is rounded up to whole hours: prices are looked at once an hour."""
    reaction = None if risk.reaction is None else -(-risk.reaction // HOUR) * HOUR
    marks = sorted({*horizons, *(() if reaction is None else (reaction,))})
    return Asked(Model(risk.model), risk.scenarios, risk.seed, risk.deviation, tuple(marks), reaction)
