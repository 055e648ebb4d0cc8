"""A price's past: bad ticks, gaps and disputes are left out and listed; crashes are not."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from watcher.risk.series import Fault, Series, Tick, agreed, clean, on_grid, rows

HOUR = 3600


def hourly(*prices: float, start: int = 0) -> list[Tick]:
    return [Tick(start + HOUR * place, price) for place, price in enumerate(prices)]


def faults(series: Series) -> list[Fault]:
    return [one.fault for one in series.rejected]


def test_a_low_of_a_ten_thousandth_is_a_bad_tick_and_is_said() -> None:
    """LINK on 2020-03-13 printed 0.0001 for one bar."""
    found = clean(hourly(2.1, 2.0, 1.9, 0.0001, 1.8, 1.9, 2.0), 2 * HOUR)
    assert faults(found) == [Fault.BAD_TICK]
    assert found.rejected[0].price == 0.0001
    assert "between 1.9 and 1.8" in found.rejected[0].text
    assert [tick.price for tick in found.ticks] == [2.1, 2.0, 1.9, 1.8, 1.9, 2.0]


def test_a_crash_that_stays_is_no_bad_tick() -> None:
    prices = (194.0, 190.0, 160.0, 110.0, 95.0, 100.0, 98.0, 105.0)  # ETH, 12 March 2020
    assert clean(hourly(*prices), 2 * HOUR).rejected == ()
    assert clean(hourly(100, 100, 100, 40, 40, 40), 2 * HOUR).rejected == ()
    assert clean(hourly(100, 100, 100, 40), 2 * HOUR).rejected == ()  # who knows what comes next


@pytest.mark.parametrize("price", [0.0, -3.0, float("nan"), float("inf")])
def test_what_is_not_a_price_is_left_out(price: float) -> None:
    found = clean(hourly(1, 1, price, 1), 3 * HOUR)
    assert faults(found) == [Fault.NOT_POSITIVE]
    assert len(found.ticks) == 3


def test_a_gap_is_listed_and_not_filled() -> None:
    found = clean([Tick(0, 1.0), Tick(10 * HOUR, 1.1), Tick(11 * HOUR, 1.2)], 2 * HOUR)
    assert [(one.fault, one.time, one.until) for one in found.rejected] == [(Fault.GAP, 0, 10 * HOUR)]
    line = on_grid(found, 0, 11 * HOUR, HOUR, 2 * HOUR)
    assert np.isfinite(line).tolist() == [True] * 3 + [False] * 7 + [True] * 2
    assert rows([line]).shape == (3, 1)


def test_two_prices_of_one_second() -> None:
    assert faults(clean([Tick(0, 1.0), Tick(0, 1.0), Tick(0, 1.1)], HOUR)) == [Fault.REPEATED]


def test_where_sources_disagree_neither_is_used() -> None:
    one, other = clean(hourly(100, 101, 102), 2 * HOUR), clean(hourly(100, 110, 102), 2 * HOUR)
    found = agreed({"chain": one, "exchange": other}, HOUR)
    assert [tick.price for tick in found.ticks] == [100, 102]
    assert faults(found) == [Fault.DISPUTED]
    assert found.rejected[0].text == "chain says 101, exchange 110"
    alone = agreed({"chain": one}, HOUR)
    assert alone == one


def test_where_the_trusted_source_does_not_reach_the_next_one_stands_in() -> None:
    feed = clean(hourly(102, 103, start=2 * HOUR), 2 * HOUR)
    file = clean(hourly(100, 101, 102.5, 103, 104), 2 * HOUR)
    found = agreed({"feed": feed, "file": file}, HOUR)
    assert [(tick.time // HOUR, tick.price) for tick in found.ticks] == [
        (0, 100),
        (1, 101),
        (2, 102),
        (3, 103),
        (4, 104),
    ]


def test_a_source_of_one_round_hides_no_past() -> None:
    past = clean(hourly(*(100 + n % 3 for n in range(48))), 2 * HOUR)
    found = agreed({"feed": clean([Tick(48 * HOUR, 101.0)], HOUR), "file": past}, HOUR)
    assert len(found.ticks) == 49


def test_what_is_disputed_is_not_brought_back_by_the_other_source() -> None:
    one, other = clean(hourly(100, 101, 150), 2 * HOUR), clean(hourly(100, 101, 103), 2 * HOUR)
    found = agreed({"chain": one, "exchange": other}, HOUR)
    assert [tick.price for tick in found.ticks] == [100, 101]
    assert faults(found) == [Fault.DISPUTED]


def test_a_row_is_whole_or_left_out() -> None:
    short = on_grid(clean(hourly(1, 2, start=2 * HOUR), 2 * HOUR), 0, 4 * HOUR, HOUR, HOUR)
    full = on_grid(clean(hourly(1, 2, 3, 4, 5), 2 * HOUR), 0, 4 * HOUR, HOUR, HOUR)
    assert rows([full, short]) == pytest.approx(np.array([[np.log(4 / 3), np.log(2)], [np.log(5 / 4), 0.0]]))


@given(st.lists(st.tuples(st.integers(0, 10**6), st.floats(0.5, 2.0)), max_size=40, unique=True))
def test_what_is_kept_is_in_order_positive_and_of_what_was_there(ticks: list[tuple[int, float]]) -> None:
    found = clean([Tick(*tick) for tick in ticks], HOUR)
    times = [tick.time for tick in found.ticks]
    assert times == sorted(set(times))
    assert {(tick.time, tick.price) for tick in found.ticks} <= set(ticks)
    left = len(found.ticks) + sum(one.fault is not Fault.GAP for one in found.rejected)
    assert left == len(ticks)


def test_nothing_is_nothing() -> None:
    assert clean([], HOUR) == Series((), ())
    assert np.isnan(on_grid(Series((), ()), 0, HOUR, HOUR, HOUR)).all()
