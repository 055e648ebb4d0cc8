"""What ends the command with 10: a health, or a band, that a position is not to fall to now."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from watcher.cli.account.record import Record
from watcher.health.bands import reaches
from watcher.model import Reading, Status
from watcher.units import Wad


class Band(StrEnum):
    """What --fail-at may name, from best to worst."""

    WATCH = "watch"
    WARN = "warn"
    DANGER = "danger"
    CRITICAL = "critical"
    LIQUIDATABLE = "liquidatable"


@dataclass(frozen=True, slots=True)
class Alarm:
    """`below` is of --fail-below, `at` of --fail-at; None where it was not given. What is unknown rings neither: it ends with 4."""

    below: Wad | None = None
    at: Status | None = None

    def rings(self, reading: Reading) -> bool:
        return any(self.record(reading).values())

    def record(self, reading: Reading) -> Record:
        """An answer to each that was asked for: None where the position is unknown."""
        seen, found = reading.valuation, Record()
        if self.below is not None:
            found["below_limit"] = None if seen is None else seen.health is not None and seen.health < self.below
        if self.at is not None:
            found["at_band"] = None if seen is None else reaches(reading.status, self.at)
        return found
