"""Returns of equal steps, and the holes that no return is made over."""

from __future__ import annotations

from math import log

import numpy as np
import pytest

from watcher.risk.sample import sample, typical
from watcher.risk.series import Series, Tick, clean

HOUR = 3600


def test_returns_are_of_the_last_price_before_each_full_hour() -> None:
    told = clean(
        [Tick(HOUR - 10, 100.0), Tick(HOUR + 5, 101.0), Tick(2 * HOUR - 1, 102.0), Tick(3 * HOUR, 104.0)], HOUR
    )
    found = sample(told, HOUR, 0, 2 * HOUR)
    assert (found.start, found.end, found.holes) == (HOUR, 3 * HOUR, 0)
    assert found.returns == pytest.approx([log(1.02), log(104 / 102)])
    assert found.follows.tolist() == [False, True]


def test_the_cut_may_be_at_another_minute() -> None:
    told = clean([Tick(0, 100.0), Tick(HOUR, 110.0), Tick(HOUR + 1800, 121.0), Tick(3 * HOUR, 130.0)], HOUR)
    found = sample(told, HOUR, 1800, 2 * HOUR)
    assert (found.start, found.end) == (1800, 2 * HOUR + 1800)
    assert found.returns == pytest.approx([log(1.21), 0.0])


def test_no_return_is_made_over_a_hole_and_the_one_after_it_follows_nothing() -> None:
    times = [0, 1, 2, 3, 10, 11, 12]
    told = clean([Tick(hour * HOUR, 100.0 + hour) for hour in times], 2 * HOUR)
    found = sample(told, HOUR, 0, HOUR)
    assert found.returns.size + found.holes == 12
    assert found.returns == pytest.approx(
        [log(101 / 100), log(102 / 101), log(103 / 102), 0.0, log(111 / 110), log(112 / 111)]
    )
    assert found.follows.tolist() == [False, True, True, True, False, True]
    assert abs(found.returns).max() < log(110 / 103)


def test_nothing_has_no_returns() -> None:
    with pytest.raises(ValueError, match="no prices"):
        sample(Series((), ()), HOUR, 0, HOUR)
    one = sample(Series((Tick(90, 1.0),), ()), HOUR, 0, HOUR)
    assert (one.returns.size, one.follows.size, one.holes) == (0, 0, 0)


def test_how_often_prices_usually_come() -> None:
    assert typical(clean([Tick(time, 1.0) for time in (0, 10, 20, 1000)], HOUR)) == 10
    assert np.isinf(typical(Series((Tick(5, 1.0),), ())))
