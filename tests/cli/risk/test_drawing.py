"""Every scenario is in one bar or beyond them, the course begins today, and names tell positions apart."""

from __future__ import annotations

import numpy as np
import pytest

from tests.cli.risk.scene import NORMAL, PAIR, appraisal, fans, held
from watcher.cli.risk.drawing import bars, course, percent, span, titles
from watcher.config.risk import DAY, HOUR


def test_every_scenario_is_counted_once_between_its_edges() -> None:
    cut = bars(NORMAL, 40)
    assert cut.scenarios == NORMAL.size
    for place, count in enumerate(cut.counts):
        low, high = cut.edges[place : place + 2]
        assert count == ((low <= NORMAL) & (high > NORMAL)).sum()
    assert cut.below == (cut.edges[0] > NORMAL).sum()
    assert cut.above == (cut.edges[-1] <= NORMAL).sum()
    assert cut.below <= 5
    assert cut.above <= 5


@pytest.mark.parametrize("size", [1e-12, 1e-3, 1.0, 1e6, 1e15])
@pytest.mark.parametrize("most", [12, 50])
def test_edges_are_round_and_their_number_bounded_whatever_the_money(size: float, most: int) -> None:
    cut = bars(NORMAL * size, most)
    assert most / 3 < cut.counts.size <= most + 1
    step = cut.edges[1] - cut.edges[0]
    digit = step / 10 ** np.floor(np.log10(step * (1 + 1e-9)))
    assert min(abs(digit - nice) for nice in (1, 2, 5)) < 1e-6
    np.testing.assert_allclose(cut.edges / step, np.round(cut.edges / step), atol=1e-6)


def test_one_scenario_far_away_flattens_nothing_and_is_counted_beyond() -> None:
    cut = bars(np.append(NORMAL, 1e9), 40)
    assert cut.edges[-1] < 10_000
    assert cut.above >= 1
    assert cut.scenarios == NORMAL.size + 1


def test_a_mark_is_inside_even_where_hardly_any_scenario_is() -> None:
    cut = bars(NORMAL, 40, 9_000.0, -9_000.0)
    assert cut.edges[0] <= -9_000
    assert cut.edges[-1] > 9_000


@pytest.mark.parametrize("value", [0.0, 123.45, -7e9, 1e-9])
def test_equal_losses_are_one_bar_around_them(value: float) -> None:
    cut = bars(np.full(100, value), 40, value)
    assert cut.counts.tolist() == [100]
    assert cut.edges[0] < value < cut.edges[1]


def test_nearly_all_equal_and_one_apart_are_two_bars() -> None:
    cut = bars(np.append(np.zeros(2_000), 50.0), 10)
    assert cut.counts[0] == 2_000
    assert cut.counts[-1] == 1
    assert cut.below == cut.above == 0


def test_of_no_losses_nothing_is_drawn() -> None:
    with pytest.raises(ValueError, match="no losses"):
        bars(np.array([]), 40)


def test_the_course_begins_with_todays_health_and_leaves_out_looks_that_say_nothing() -> None:
    nothing = [float("nan")] * 5
    looks = fans([nothing], [[1.0, 1.2, 1.5, 1.8, 2.2]])
    found = course(appraisal([held("a")], None, looks), 0)
    assert found is not None
    assert found.hours == (0, 720)
    assert found.health[0].tolist() == pytest.approx([1.6] * 5)
    assert found.health[1].tolist() == [1.0, 1.2, 1.5, 1.8, 2.2]


def test_there_is_no_course_without_debt_or_without_looks() -> None:
    free = held("free", (("ETH", 100, 0, 0.8),))
    assert course(appraisal([free], None, fans([[1.0] * 5], [[1.0] * 5])), 0) is None
    assert course(appraisal([held("a")]), 0) is None


def test_a_market_held_twice_is_told_apart_by_account() -> None:
    found = titles([held("a"), held("b", PAIR, 0xA1), held("b", PAIR, 0xB2)])
    assert found[0] == "a"
    assert [one.split(" ")[0] for one in found[1:]] == ["b", "b"]
    assert len(set(found)) == 3


def test_times_and_shares_in_words() -> None:
    assert [span(seconds) for seconds in (HOUR, 30 * HOUR, DAY, 30 * DAY)] == ["1 h", "30 h", "1 d", "30 d"]
    assert [percent(share) for share in (0.0, 0.00123, 0.0999, 0.5, 1.0)] == [
        "0 %",
        "0.12 %",
        "10 %",
        "50.0 %",
        "100.0 %",
    ]
