"""What became of told chances: which of them count, and that a right model is kept while one of half the volatility is not."""

from __future__ import annotations

from dataclasses import dataclass
from math import sqrt

import numpy as np
import pytest

from watcher.model import PositionKey
from watcher.risk.backtest import calibration
from watcher.risk.first_passage import log_drift, touched_at
from watcher.risk.realised import Course, Left, Look, Realised, realised, watched

HOUR, DAY = 3_600, 86_400
ONE, OTHER = (PositionKey("test/market", bytes([number])) for number in (1, 2))


@dataclass(frozen=True)
class Said:
    key: PositionKey
    time: int
    horizon: int
    chance: float


def hourly(key: PositionKey, first: int, last: int, horizon: int) -> list[Said]:
    return [Said(key, time, horizon, 0.1) for time in range(first, last, HOUR)]


def only(told: list[Said], **courses: Course) -> Realised:
    (found,) = realised(told, {ONE: courses["one"], OTHER: courses.get("other", courses["one"])})
    return found


def test_of_chances_whose_times_overlap_one_counts() -> None:
    course = Course(((0, 10 * DAY),), (), (), ())
    found = only(hourly(ONE, 0, 2 * DAY, DAY), one=course)
    assert found.predicted.size == 2
    assert found.left == {Left.OVERLAP: 46}
    both = only(hourly(ONE, 0, 2 * DAY, DAY) + hourly(OTHER, 0, 2 * DAY, DAY), one=course)
    assert both.predicted.size == 4  # another position's do not overlap


def test_each_horizon_is_judged_for_itself() -> None:
    course = Course(((0, 10 * DAY),), (), (), ())
    found = realised(hourly(ONE, 0, DAY, HOUR) + hourly(ONE, 0, DAY, DAY), {ONE: course})
    assert [(one.horizon, one.predicted.size) for one in found] == [(HOUR, 24), (DAY, 1)]


def test_it_came_true_if_the_line_was_reached_after_it_and_in_its_time() -> None:
    course = Course(((0, 10 * DAY),), (5 * HOUR, 8 * HOUR), (), (5 * HOUR,))
    told = [Said(ONE, hour * HOUR, HOUR, 0.1) for hour in (3, 4, 6, 7)]
    found = only(told, one=course)
    assert found.happened.tolist() == [False, True, False, True]
    assert found.moved == 1
    at_the_line = only([Said(ONE, 5 * HOUR, HOUR, 1.0)], one=course)
    assert (at_the_line.predicted.size, at_the_line.left) == (0, {Left.ALREADY: 1})


def test_only_time_that_was_watched_throughout_counts_even_where_it_came_true_before_the_gap() -> None:
    course = Course(((0, 10 * HOUR), (12 * HOUR, 20 * HOUR)), (9 * HOUR,), (18 * HOUR,), ())
    told = [Said(ONE, hour * HOUR, 3 * HOUR, 0.1) for hour in (1, 4, 8, 11, 12, 16, 18, 30)]
    found = only(told, one=course)
    assert found.happened.tolist() == [False, False, False]
    assert found.left == {Left.UNWATCHED: 3, Left.UNKNOWN: 1, Left.OPEN: 1}


def test_watched_ends_at_a_gap_at_a_failure_and_begins_after_it() -> None:
    looks = [Look(number, 12 * number, number != 6) for number in range(1, 11)]
    assert watched(looks, ()) == ((12, 60), (84, 120))
    thin = [Look(number, 12 * number, True) for number in (1, 4, 7, 10)]
    assert watched(thin, ()) == ((12, 120),)  # a pace of three blocks is no gap
    assert watched(thin, [(5, 6)]) == ((12, 48), (84, 120))
    assert watched(thin, [(2, 3), (8, 9)]) == ((12, 12), (48, 84), (120, 120))
    assert watched([], [(1, 2)]) == ()


YEARS = 1 / 365
LOOKS = 24


@pytest.fixture(scope="module")
def world() -> tuple[list[float], list[bool]]:
    """4,000 positions for a day at a known volatility of 80 % a year: their room in log health, and whether they reached the line."""
    random = np.random.default_rng(21)
    rooms = random.uniform(0.005, 0.12, 4_000)
    step = 0.8 * sqrt(YEARS / LOOKS)
    drift = log_drift(0.0, 0.8) * YEARS / LOOKS
    paths = np.cumsum(drift + step * random.standard_normal((4_000, LOOKS)), axis=1)
    return rooms.tolist(), (paths.min(axis=1) <= -rooms).tolist()


def told_by(world: tuple[list[float], list[bool]], volatility: float) -> Realised:
    told, courses = [], {}
    for number, (room, came) in enumerate(zip(*world, strict=True)):
        key = PositionKey("test/market", number.to_bytes(20))
        chance = float(touched_at(room, volatility, YEARS, log_drift(0.0, volatility), LOOKS))
        told.append(Said(key, 0, DAY, chance))
        courses[key] = Course(((0, DAY),), (DAY // 2,) if came else (), (), ())
    (found,) = realised(told, courses)
    return found


def test_paths_of_the_known_model_fall_inside_the_band(world: tuple[list[float], list[bool]]) -> None:
    found = told_by(world, 0.8)
    judged = calibration(found.predicted, found.happened)
    assert judged.count == 4_000
    assert len(judged.buckets) == 5
    assert judged.kept


@pytest.mark.parametrize("volatility", [0.4, 1.6])
def test_paths_of_doubled_or_halved_volatility_are_rejected(
    world: tuple[list[float], list[bool]], volatility: float
) -> None:
    found, right = told_by(world, volatility), told_by(world, 0.8)
    judged = calibration(found.predicted, found.happened)
    assert not judged.kept
    assert judged.brier > calibration(right.predicted, right.happened).brier
