"""What became of chances that were told: each is held against the time it was of, and whatever cannot be held against it is counted."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol, TypeAlias

import numpy as np

from watcher.model import PositionKey
from watcher.risk.exposure import Flags, Floats

Span: TypeAlias = tuple[int, int]  # first and last, both included


class Told(Protocol):
    """The chance, told at `time` (Unix seconds), that a position reaches its line within `horizon` seconds of it."""

    @property
    def key(self) -> PositionKey: ...
    @property
    def time(self) -> int: ...
    @property
    def horizon(self) -> int: ...
    @property
    def chance(self) -> float: ...


@dataclass(frozen=True, slots=True)
class Look:
    """A block at which a market was, or should have been, read: was a position's state certain there?"""

    number: int
    time: int
    certain: bool


@dataclass(frozen=True, slots=True)
class Course:
    """What is known of a position, in Unix seconds and rising: when it was `watched` throughout, when it stood at or under its line, when
    it could not be told, and when its amounts were changed.
    """

    watched: tuple[Span, ...]
    reached: tuple[int, ...]
    unknown: tuple[int, ...]
    moved: tuple[int, ...]


class Left(StrEnum):
    """Why a chance is not held against anything."""

    ALREADY = "was at its line when it was told"
    OPEN = "its time is not over, or the watching ended before"
    UNWATCHED = "nobody watched all of its time"
    UNKNOWN = "the position could not be told in its time"
    OVERLAP = "its time overlaps that of one that counts"


@dataclass(frozen=True, slots=True, eq=False)
class Realised:
    """All chances of one horizon that count: what was said, what came, and in how many of them the amounts were changed on the way."""

    horizon: int
    predicted: Floats
    happened: Flags
    moved: int
    left: Mapping[Left, int]


def watched(looks: Sequence[Look], gaps: Sequence[Span]) -> tuple[Span, ...]:
    """Stretches of time between looks that are all certain, with no gap of blocks between any two of them. Looks are in order."""
    found: list[list[int]] = []
    starts = sorted(gaps)
    before: Look | None = None
    for look in looks:
        if look.certain:
            if before is None or not before.certain or _between(starts, before.number, look.number):
                found.append([look.time, look.time])
            found[-1][1] = look.time
        before = look
    return tuple((first, last) for first, last in found)


def _between(gaps: Sequence[Span], low: int, high: int) -> bool:
    """Whether a gap lies after block `low` and before `high`."""
    place = bisect_right(gaps, (low, 2**63))
    return place < len(gaps) and gaps[place][0] < high


def realised(told: Iterable[Told], courses: Mapping[PositionKey, Course]) -> tuple[Realised, ...]:
    """By horizon. Of one position and horizon the earliest counts, then the next one whose time begins when that one's is over.

    A chance counts only if its whole time was watched: one that came true before a gap does not either, or only those would.
    """
    by_horizon: dict[int, list[Told]] = {}
    for one in told:
        by_horizon.setdefault(one.horizon, []).append(one)
    return tuple(_of(horizon, by_horizon[horizon], courses) for horizon in sorted(by_horizon))


def _of(horizon: int, told: Sequence[Told], courses: Mapping[PositionKey, Course]) -> Realised:
    counted: list[tuple[float, bool]] = []
    left: Counter[Left] = Counter()
    over: dict[PositionKey, int] = {}  # until when the last one that counts reaches
    moved = 0
    for one in sorted(told, key=lambda each: each.time):
        course = courses[one.key]
        why = _unfit(one, course)
        if why is None and one.time < over.get(one.key, one.time):
            why = Left.OVERLAP
        if why is not None:
            left[why] += 1
            continue
        over[one.key] = one.time + horizon
        counted.append((one.chance, _any(course.reached, one)))
        moved += _any(course.moved, one)
    predicted = np.array([chance for chance, _ in counted], dtype=np.float64)
    happened = np.array([came for _, came in counted], dtype=np.bool_)
    return Realised(horizon, predicted, happened, moved, dict(left))


def _unfit(one: Told, course: Course) -> Left | None:
    place = bisect_right(course.watched, (one.time, 2**63)) - 1
    if place < 0 or course.watched[place][1] < one.time:
        return Left.UNWATCHED
    at = bisect_left(course.reached, one.time)
    if at < len(course.reached) and course.reached[at] == one.time:
        return Left.ALREADY
    if course.watched[place][1] < one.time + one.horizon:
        return Left.OPEN if place == len(course.watched) - 1 else Left.UNWATCHED
    return Left.UNKNOWN if _any(course.unknown, one) else None


def _any(times: Sequence[int], one: Told) -> bool:
    """Whether one of the times lies after it was told, and within its horizon."""
    place = bisect_right(times, one.time)
    return place < len(times) and times[place] <= one.time + one.horizon
