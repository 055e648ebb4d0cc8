"""Backtests, against published tables, `scipy.stats` and their own simulation."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats
from scipy.optimize import minimize

from watcher.risk.backtest import (
    binomial_up_to,
    calibration,
    chi_squared,
    christoffersen,
    conditional_coverage,
    critical,
    kupiec,
    light,
    poisson_binomial_band,
    transitions,
    z2,
    z2_scores,
)
from watcher.risk.exposure import Floats
from watcher.risk.tail import normal_tail, student_tail

R16 = [
    (250, 0, 0.01, 5.025168, 0.02498), (250, 5, 0.01, 1.956810, 0.16186), (250, 8, 0.01, 7.733551, 0.00542),
    (250, 20, 0.05, 4.039520, 0.04445), (365, 6, 0.01, 1.279704, 0.25795), (1000, 17, 0.01, 4.090973, 0.04311),
]  # fmt: skip


@pytest.mark.parametrize(("forecasts", "exceptions", "rate", "statistic", "p_value"), R16)
def test_r16_kupiec(forecasts: int, exceptions: int, rate: float, statistic: float, p_value: float) -> None:
    found = kupiec(forecasts, exceptions, rate)
    assert found.statistic == pytest.approx(statistic, rel=1e-6)
    assert found.p_value == pytest.approx(p_value, abs=6e-6)  # printed with five digits


R17 = {  # exclusive bounds of not rejecting, for 255, 510 and 1000 forecasts; None: 0 is rejected too
    0.01: ((0, 7), (1, 11), (4, 17)),
    0.025: ((2, 12), (6, 21), (15, 36)),
    0.05: ((6, 21), (16, 36), (37, 65)),
    0.075: ((11, 28), (27, 51), (59, 92)),
    0.10: ((16, 36), (38, 65), (81, 120)),
}


@pytest.mark.parametrize("rate", R17)
def test_r17_the_table_of_non_rejection(rate: float) -> None:
    for forecasts, (low, high) in zip((255, 510, 1000), R17[rate], strict=True):
        kept = [count for count in range(forecasts + 1) if not kupiec(forecasts, count, rate).rejects()]
        assert (kept[0], kept[-1]) == (low + 1, high - 1)
        assert kept == list(range(low + 1, high))


def test_r18_quantiles_of_chi_squared() -> None:
    """The p-value at the critical value of the tables is the level."""
    for statistic, degrees, level in ((3.841459, 1, 0.05), (5.991465, 2, 0.05), (6.634897, 1, 0.01)):
        assert chi_squared(statistic, degrees).p_value == pytest.approx(level, rel=1e-6)


@pytest.mark.parametrize(("counts", "statistic"), [((235, 7, 5, 2), 5.661117), ((230, 9, 9, 1), 0.705550)])
def test_r19_christoffersen(counts: tuple[int, int, int, int], statistic: float) -> None:
    found = christoffersen(*counts)
    assert found.statistic == pytest.approx(statistic, rel=1e-6)
    n00, n01, n10, n11 = counts

    def likelihood(chances: np.ndarray) -> float:
        calm, struck = chances[0], chances[-1]  # one entry: the same chance after both
        return -float(n00 * np.log(1 - calm) + n01 * np.log(calm) + n10 * np.log(1 - struck) + n11 * np.log(struck))

    free, tied = (
        minimize(likelihood, [0.1] * count, bounds=[(1e-6, 1 - 1e-6)] * count, tol=1e-12).fun for count in (2, 1)
    )
    assert found.statistic == pytest.approx(2 * (tied - free), rel=1e-4)


def test_r19_its_p_value() -> None:
    assert christoffersen(235, 7, 5, 2).p_value == pytest.approx(0.017345, abs=5e-7)


@pytest.mark.parametrize(
    ("exceptions", "percent"),
    [(0, 8.11), (1, 28.58), (2, 54.32), (3, 75.81), (4, 89.22), (5, 95.88), (9, 99.97), (10, 99.99)],
)
def test_r20_basels_table(exceptions: int, percent: float) -> None:
    assert 100 * binomial_up_to(exceptions, 250, 0.01) == pytest.approx(percent, abs=5.1e-3)
    assert light(exceptions) == ("green" if exceptions < 5 else "yellow" if exceptions < 10 else "red")


def simulated(freedom: float | None, seed: int) -> Floats:
    """Z2 of 250 right forecasts of a normal (None) or of Student's t."""
    law = stats.norm if freedom is None else stats.t(freedom)
    forecast = normal_tail(0.975) if freedom is None else student_tail(0.975, freedom)
    return z2_scores(np.random.default_rng(seed), 40_000, 250, forecast, 0.025, law.ppf)


@pytest.mark.parametrize(("freedom", "value"), [(None, -0.70), (10, -0.71), (5, -0.74), (3, -0.81)])
def test_r46_critical_values_of_z2(freedom: float | None, value: float) -> None:
    found = critical(simulated(freedom, 46))
    assert found.value == pytest.approx(value, abs=0.02)
    assert abs(critical(simulated(freedom, 47)).value - found.value) < 4 * np.sqrt(2) * found.error < 0.1


@pytest.mark.parametrize("freedom", [None, 10])
def test_r46_one_in_ten_thousand(freedom: float | None) -> None:
    assert critical(simulated(freedom, 4), 1e-4).value == pytest.approx(-1.8, abs=0.25)


def test_drawing_only_the_exceptions_is_drawing_every_return() -> None:
    forecast = student_tail(0.975, 4)
    draws = np.random.default_rng(8).standard_t(4, (4_000, 300))
    ones = np.ones(300)
    whole = np.array([z2(row, forecast.var * ones, forecast.es * ones, 0.975) for row in draws])
    short = z2_scores(np.random.default_rng(9), 4_000, 300, forecast, 0.025, stats.t(4).ppf)
    assert stats.ks_2samp(whole, short).pvalue > 0.01


def test_a_pair_that_a_hole_divides_is_no_pair() -> None:
    struck, follows = [True, True, False, True], [False, True, False, True]
    assert transitions(struck) == (0, 1, 1, 1)
    assert transitions(struck, follows) == (0, 1, 0, 1)


def test_z2_is_zero_in_expectation_and_falls_with_heavier_losses() -> None:
    forecast = normal_tail(0.975)
    random = np.random.default_rng(2)
    ones = np.ones(200_000)
    calm = random.standard_normal(200_000)
    assert z2(calm, forecast.var * ones, forecast.es * ones, 0.975) == pytest.approx(0, abs=0.06)
    assert z2(2 * calm, forecast.var * ones, forecast.es * ones, 0.975) < -2


@given(st.integers(1, 2000), st.data(), st.sampled_from((0.01, 0.025, 0.05)))
def test_a_likelihood_ratio_is_never_below_zero(forecasts: int, data: st.DataObject, rate: float) -> None:
    exceptions = data.draw(st.integers(0, forecasts))
    found = kupiec(forecasts, exceptions, rate)
    assert found.statistic >= 0
    assert found.p_value == pytest.approx(stats.chi2.sf(found.statistic, 1), rel=1e-9)


@given(st.lists(st.booleans(), min_size=2, max_size=200))
def test_transitions_count_every_pair(struck: list[bool]) -> None:
    counted = transitions(struck)
    assert sum(counted) == len(struck) - 1
    assert counted[1] + counted[3] == sum(struck[1:])
    covered, independent = kupiec(len(struck), sum(struck), 0.05), christoffersen(*counted)
    assert conditional_coverage(covered, independent).statistic == pytest.approx(
        covered.statistic + independent.statistic
    )


@given(st.lists(st.floats(0.0, 1.0), min_size=1, max_size=40))
def test_the_band_is_that_of_a_sum_of_independent_events(chances: list[float]) -> None:
    fewest, most = poisson_binomial_band(np.array(chances), 0.05)
    assert 0 <= fewest <= most <= len(chances)
    assert fewest - 1 <= sum(chances) + 1e-9 <= most + 1 + 2e-9  # the mean lies between whole numbers
    if len(set(chances)) == 1:
        assert stats.binom.cdf(most, len(chances), chances[0]) >= 0.975 - 1e-9
        assert stats.binom.cdf(fewest - 1, len(chances), chances[0]) <= 0.025 + 1e-9


@pytest.mark.parametrize(("count", "chance"), [(999, 0.3), (5_000, 0.002), (30_000, 0.0), (30_000, 1.0)])
def test_the_band_of_many_equal_chances_is_the_binomial_one(count: int, chance: float) -> None:
    bounds = tuple(stats.binom.ppf(tail, count, chance) for tail in (0.025, 0.975))
    assert poisson_binomial_band(np.full(count, chance), 0.05) == bounds


def test_too_few_outcomes_are_not_judged() -> None:
    with pytest.raises(ValueError, match="29 outcomes"):
        calibration(np.full(29, 0.1), np.zeros(29, dtype=bool))


def test_a_right_forecast_is_kept_and_one_of_half_the_risk_is_not() -> None:
    random = np.random.default_rng(9)
    chances = random.uniform(0, 0.6, 4000)
    happened = random.random(4000) < chances
    assert calibration(chances, happened).kept
    assert not calibration(chances / 2, happened).kept
    assert calibration(chances, happened).brier < calibration(chances / 2, happened).brier
