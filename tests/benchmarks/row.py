"""A row of the table: what we cost, what the other way costs, both measured in this very run, and the bound that was promised."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Row:
    """`ours` and `theirs` in `unit`. `ratio` must be at least `bound`, or at most where `at_most`."""

    name: str
    unit: str
    ours: float
    theirs: float
    ratio: float
    bound: float
    at_most: bool = False

    @property
    def holds(self) -> bool:
        return self.ratio <= self.bound if self.at_most else self.ratio >= self.bound


def faster(name: str, unit: str, ours: float, theirs: float, bound: float) -> Row:
    """Costs, less is better: the other way must cost at least `bound` times ours."""
    return Row(name, unit, ours, theirs, theirs / ours, bound)


def best(times: int, work: Callable[[], object]) -> float:
    """The least CPU time of `times` runs, in seconds: on a busy machine wall time would count others' work, in long runs above all."""
    taken = []
    for _ in range(times):
        start = time.process_time()
        work()
        taken.append(time.process_time() - start)
    return min(taken)


def in_turn(rounds: int, ours: Callable[[], object], theirs: Callable[[], object]) -> tuple[float, float]:
    """The best of both, measured in turn, so that a slow moment of the machine does not hit one side only; ours is the shorter one."""
    pairs = [(best(10, ours), best(1, theirs)) for _ in range(rounds)]
    return min(quick for quick, _ in pairs), min(slow for _, slow in pairs)
