"""Which positions are to be read at which block of the past, given when they moved and what is stored already. Arithmetic alone."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from watcher.backfill.moves import Moved
from watcher.model import Market, PositionKey


@dataclass(frozen=True, slots=True)
class Course:
    """One market's part of the past: who held something at its first block `begin`, and who moved at which block after it."""

    market: Market
    held: frozenset[PositionKey]
    begin: int
    moved: Moved

    @property
    def keys(self) -> frozenset[PositionKey]:
        return self.held.union(*self.moved.values())


@dataclass(frozen=True, slots=True)
class Part:
    """One market at one block: everybody who is in it, and those of them whose holding is to be read there."""

    market: Market
    present: tuple[PositionKey, ...]
    fresh: tuple[PositionKey, ...]


@dataclass(frozen=True, slots=True)
class Step:
    number: int
    parts: tuple[Part, ...]


@dataclass(frozen=True, slots=True)
class Plan:
    """`stored` counts readings that are there already and are not made again."""

    steps: tuple[Step, ...]
    stored: int

    @property
    def readings(self) -> int:
        return sum(len(part.present) for step in self.steps for part in step.parts)


def plan(courses: Sequence[Course], grid: Collection[int], stored: Collection[tuple[PositionKey, int]]) -> Plan:
    """Every market on the grid, and each also where somebody moved in it.

    A position is present from its first move on, or from the beginning where it held something. Its holding is read at the first
    block that is read and wherever it moved since the last one; elsewhere the one that was read before still holds.
    """
    moves: dict[int, list[Course]] = {}
    for course in courses:
        for number in course.moved:
            moves.setdefault(number, []).append(course)
    due = {course.market.name: set(course.keys) for course in courses}
    present = {course.market.name: set(course.held) for course in courses}
    steps, known = [], 0
    for number in sorted({*grid, *moves}):
        parts = []
        for course in courses if number in grid else moves[number]:
            if number < course.begin:
                continue
            name = course.market.name
            fresh = course.moved.get(number, frozenset())
            present[name] |= fresh
            due[name] |= fresh
            missing = [key for key in present[name] if (key, number) not in stored]
            known += len(present[name]) - len(missing)
            if missing:
                parts.append(_part(course.market, present[name], due[name]))
                due[name] -= present[name]
        if parts:
            steps.append(Step(number, tuple(parts)))
    return Plan(tuple(steps), known)


def _part(market: Market, present: set[PositionKey], due: set[PositionKey]) -> Part:
    order = sorted(present, key=lambda key: key.key)
    return Part(market, tuple(order), tuple(key for key in order if key in due))
