"""What a liquidation costs and when interest alone brings one: worked examples."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.integrate import quad
from scipy.stats import norm

from watcher.formula.morpho import incentive
from watcher.risk.drift import years_to_line
from watcher.risk.loss import Closed, closed, improves, restoring
from watcher.risk.moments import matched_chances
from watcher.units import WAD


def test_r33_a_month_of_two_collaterals() -> None:
    weighted, debt = np.array([16_600.0, 9_360.0]), 18_000.0
    vols = np.array([0.75, 0.55])
    covariance = np.outer(vols, vols) * np.array([[1, 0.8], [0.8, 1]])
    finally_, ever = matched_chances(weighted, debt, covariance, 30 / 365)
    assert finally_ == pytest.approx(0.03053810, rel=1e-6)
    assert ever == pytest.approx(0.0590043, rel=1e-6)

    years = 30 / 365
    spread = vols * np.sqrt(years)

    def given_first(z: float) -> float:
        first = weighted[0] * np.exp(-(spread[0] ** 2) / 2 + spread[0] * z)
        if first >= debt:
            return 0.0
        edge = (np.log((debt - first) / weighted[1]) + spread[1] ** 2 / 2) / spread[1]
        return float(norm.cdf((edge - 0.8 * z) / 0.6) * norm.pdf(z))

    exact = quad(given_first, -8, 8, limit=200)[0]
    assert exact == pytest.approx(0.02978122, rel=1e-6)
    assert finally_ == pytest.approx(exact, rel=0.03)  # the matched lognormal is a second opinion, this close


def test_r38_a_close_factor_of_a_half() -> None:
    debt = 10_000 * 0.83 / 0.97
    found = closed(10_000, debt, 0.83, 0.05, 0.5)
    assert debt == pytest.approx(8556.7010, rel=1e-6)
    assert found.health == pytest.approx(1.0685, rel=1e-4)
    assert found.lost == pytest.approx(213.91753, rel=1e-6)
    assert restoring(8300, debt, 0.83, 0.05, 1.0) == pytest.approx(1997.67339, rel=1e-6)
    assert improves(0.97, 0.83, 0.05)


def test_r39_is_the_morpho_adapters_own() -> None:
    cases = {
        385: 1.15,
        625: 1.126761,
        770: 1.074114,
        860: 1.043841,
        915: 1.026167,
        945: 1.016777,
        965: 1.010611,
        980: 1.006036,
    }
    for lltv, factor in cases.items():
        assert incentive(lltv * WAD // 1000) / WAD == pytest.approx(factor, rel=1e-6)


def test_r40_bad_debt() -> None:
    found = closed(10_000, 9_800, 0.83, 0.05, 1.0)
    assert (found.repaid, found.deficit) == pytest.approx((9523.8095, 276.1905), rel=1e-6)
    assert found.health is None
    assert restoring(8300, 9_800, 0.98, 0.05, 1.0) is None


def test_r41_interest_alone() -> None:
    one = years_to_line(np.array([1.05]), np.array([0.02]), np.array([1.0]), np.array([0.06]))
    assert one == pytest.approx(1.2197541, rel=1e-6)
    two = years_to_line(
        np.array([16_600.0, 3_900.0]), np.array([0.02, 0.04]), np.array([8_000.0, 12_000.0]), np.array([0.03, 0.07])
    )
    assert two == pytest.approx(0.8142407, rel=1e-6)


def test_interest_that_helps_never_reaches_the_line() -> None:
    still, rate = np.array([1.0]), np.array([0.05])
    assert years_to_line(2 * still, rate, still, rate) is None
    assert years_to_line(2 * still, 0 * rate, still, 0 * rate) is None
    assert years_to_line(still, rate, still, rate) == 0.0


def test_interest_without_debt_has_no_line_and_only_debt_is_past_it() -> None:
    value, none, rate = np.array([1.0, 2.0]), np.zeros(2), np.full(2, 0.05)
    assert years_to_line(value, rate, none, rate) is None
    assert years_to_line(none, rate, none, rate) is None
    assert years_to_line(none, rate, value, rate) == 0.0


def test_a_liquidation_of_nothing() -> None:
    assert closed(10_000, 0, 0.83, 0.05, 0.5) == Closed(0, 0, 0, 0, None)
    assert closed(0, 100, 0.83, 0.05, 0.5) == Closed(0, 0, 100, 0, None)


def test_a_repayment_that_restores_health() -> None:
    assert restoring(8_300, 0, 0.83, 0.05, 1.1) == 0
    assert restoring(8_300, 5_000, 0.83, 0.05, 1.1) == 0
    assert restoring(4_150, 9_000, 0.83, 0.05, 1.0) is None  # not even all of it: 5,000 of collateral are too few
    repaid = restoring(8_300, 8_000, 0.83, 0.05, 1.1)
    assert repaid is not None
    after = closed(10_000, 8_000, 0.83, 0.05, repaid / 8_000)
    assert after.health == pytest.approx(1.1)


def test_a_matched_sum_needs_collateral_and_a_debt() -> None:
    one, covariance = np.array([1.0, 1.0]), np.eye(2)
    with pytest.raises(ValueError, match="nothing is owed"):
        matched_chances(one, 0.0, covariance, 1.0)
    for weighted in (np.zeros(0), np.zeros(2), np.array([1.0, 0.0])):
        with pytest.raises(ValueError, match="needs collateral"):
            matched_chances(weighted, 1.0, covariance, 1.0)
