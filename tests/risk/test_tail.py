"""VaR, ES and who they come from, against published tables and an independent integral."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats
from scipy.integrate import quad

from watcher.risk.tail import components, cornish_fisher, normal_tail, shortfall_parts, student_tail, tail


@pytest.mark.parametrize(
    ("level", "var", "es"),
    [(0.95, 1.644854, 2.062713), (0.975, 1.959964, 2.337803), (0.99, 2.326348, 2.665214)],
)
def test_r11_the_normal(level: float, var: float, es: float) -> None:
    found = normal_tail(level)
    assert (found.var, found.es) == pytest.approx((var, es), rel=1e-6)
    assert found.es == pytest.approx(quad(stats.norm.ppf, level, 1)[0] / (1 - level), rel=1e-6)


R12 = [
    (3, 0.975, 3.182446, 5.039583),
    (4, 0.975, 2.776445, 3.993557),
    (4, 0.99, 3.746947, 5.220584),
    (6, 0.99, 3.142668, 4.032528),
    (10, 0.95, 1.812461, 2.408401),
]


@pytest.mark.parametrize(("freedom", "level", "var", "es"), R12)
def test_r12_students_t(freedom: float, level: float, var: float, es: float) -> None:
    found = student_tail(level, freedom)
    assert (found.var, found.es) == pytest.approx((var, es), rel=1e-6)
    law = stats.t(freedom)
    assert found.es == pytest.approx(quad(lambda x: x * law.pdf(x), found.var, np.inf)[0] / (1 - level), rel=1e-6)


@pytest.mark.parametrize(("level", "var", "es"), [(0.975, 1.963243, 2.823871), (0.99, 2.649492, 3.691510)])
def test_r13_students_t_of_unit_variance(level: float, var: float, es: float) -> None:
    found = student_tail(level, 4, unit_variance=True)
    assert (found.var, found.es) == pytest.approx((var, es), rel=1e-6)


@pytest.mark.parametrize(("level", "var", "es"), [(0.80, 8, 9.5), (0.85, 9, 9.666667), (0.90, 9, 10), (0.95, 10, 10)])
def test_r14_ten_losses(level: float, var: float, es: float) -> None:
    losses = np.arange(1.0, 11.0)
    found = tail(losses, level)
    assert (found.var, found.es) == pytest.approx((var, es), rel=1e-6)
    grid = np.linspace(0, 12, 120_001)
    least = min(z + np.maximum(losses - z, 0).mean() / (1 - level) for z in grid[::10])
    assert found.es == pytest.approx(least, rel=1e-4)


@pytest.mark.parametrize(
    ("chance", "skew", "kurtosis", "quantile"),
    [(0.01, -0.5, 3, -3.301284), (0.01, -0.21, 5.1, -3.656485), (0.05, -0.5, 1, -1.762106), (0.01, 0, 0, -2.326348)],
)
def test_r15_cornish_fisher(chance: float, skew: float, kurtosis: float, quantile: float) -> None:
    assert cornish_fisher(chance, skew, kurtosis) == pytest.approx(quantile, rel=1e-6)


def test_r25_components_of_a_value_at_risk() -> None:
    weights, vols = np.array([2e6, 1e6]), np.array([0.05, 0.12])
    parts = components(weights, np.diag(vols**2), 1.65)
    assert parts.sum() == pytest.approx(257_738.24, rel=1e-6)
    assert parts == pytest.approx([105_630.43, 152_107.81], rel=1e-6)
    assert parts / weights == pytest.approx([0.0528152, 0.1521078], rel=1e-6)
    alone = [
        components(weights[place : place + 1], np.diag(vols**2)[place : place + 1, place : place + 1], 1.65)
        for place in (0, 1)
    ]
    assert np.concatenate(alone) == pytest.approx([165_000, 198_000], rel=1e-6)


def test_r25b_correlated_components() -> None:
    covariance = np.outer([0.05, 0.06], [0.05, 0.06]) * np.array([[1, 0.8], [0.8, 1]])
    parts = components(np.array([60.0, 40.0]), covariance, normal_tail(0.99).var)
    assert parts == pytest.approx([6.698049, 5.227746], rel=1e-6)
    assert parts.sum() == pytest.approx(11.925795, rel=1e-6)


def test_r49_two_collaterals_over_a_day() -> None:
    weights = np.array([20_000.0, 12_000.0])
    vols = np.array([0.75, 0.55])
    daily = np.outer(vols, vols) * np.array([[1, 0.8], [0.8, 1]]) / 365
    deviation = float(np.sqrt(weights @ daily @ weights))
    assert deviation == pytest.approx(1081.5514, rel=1e-6)
    assert deviation * normal_tail(0.99).var == pytest.approx(2516.0649, rel=1e-6)
    assert deviation * normal_tail(0.975).es == pytest.approx(2528.4541, rel=1e-6)
    assert components(weights, daily, normal_tail(0.99).var) == pytest.approx([1792.6432, 723.4217], rel=1e-6)
    assert deviation * student_tail(0.975, 4, unit_variance=True).es == pytest.approx(3054.1617, rel=1e-6)


LOSSES = st.lists(st.integers(-50, 50).map(float), min_size=1, max_size=60).map(np.array)


@given(LOSSES, st.sampled_from((0.5, 0.8, 0.9, 0.975, 0.99)))
def test_a_shortfall_is_at_least_the_value_at_risk(losses: np.ndarray, level: float) -> None:
    found = tail(losses, level)
    assert found.es >= found.var - 1e-9
    assert (losses <= found.var).mean() >= level - 1e-9
    assert (losses < found.var).mean() < level + 1e-9


@given(st.integers(1, 80), st.integers(1, 5), st.integers(0, 2**32), st.sampled_from((0.5, 0.8, 0.9, 0.975)))
def test_parts_of_a_shortfall_add_up_to_it(scenarios: int, sources: int, seed: int, level: float) -> None:
    parts = np.random.default_rng(seed).integers(-9, 10, (scenarios, sources)).astype(float)
    losses = parts.sum(axis=1)
    assert shortfall_parts(parts, losses, level).sum() == pytest.approx(tail(losses, level).es, abs=1e-9)


@given(st.integers(1, 6), st.integers(0, 2**32), st.floats(0.5, 3))
@settings(deadline=None)
def test_components_add_up_to_the_whole(assets: int, seed: int, multiple: float) -> None:
    random = np.random.default_rng(seed)
    weights, mixing = random.standard_normal(assets), random.standard_normal((assets, assets + 1))
    covariance = mixing @ mixing.T
    whole = multiple * np.sqrt(weights @ covariance @ weights)
    assert components(weights, covariance, multiple).sum() == pytest.approx(whole, rel=1e-9)


def test_where_nothing_varies_there_is_nothing_to_attribute() -> None:
    for weights, covariance in ((np.zeros(2), np.eye(2)), (np.ones(2), -np.eye(2)), (np.ones(2), np.zeros((2, 2)))):
        with pytest.raises(ValueError, match="no risk to attribute"):
            components(weights, covariance, 1.65)


def test_no_losses_have_no_quantile() -> None:
    with pytest.raises(ValueError, match="no losses"):
        tail(np.array([]), 0.99)
