"""Our figures against the contract's own answer, field by field and to the last unit. It reports; it never repairs."""

from __future__ import annotations

from dataclasses import dataclass

from watcher.adapter import Reported
from watcher.model import Doubt, DoubtKind, Valuation


@dataclass(frozen=True, slots=True)
class Mismatch:
    field: str  # of `Valuation`
    ours: object
    theirs: int | bool | None

    def doubt(self) -> Doubt:
        return Doubt(DoubtKind.MISMATCH, f"{self.field}: the contract says {self.theirs}, we compute {self.ours}")


def compare(valuation: Valuation, reported: Reported) -> tuple[Mismatch, ...]:
    """Every reported figure that is not exactly the valuation's; empty when all are equal.

    `valuation` must be accrued as `reported.which` says. A figure that `Valuation` does not have is a bug of the adapter and raises
    `AttributeError`; figures of another position raise `ValueError`.
    """
    if valuation.key != reported.key:
        raise ValueError(f"{valuation.key} compared with the figures of {reported.key}")
    ours = {field: getattr(valuation, field) for field in reported.figures}
    return tuple(
        Mismatch(field, ours[field], theirs) for field, theirs in reported.figures.items() if ours[field] != theirs
    )
