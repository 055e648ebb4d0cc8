"""Volatility, against RiskMetrics' own figures and sums written out."""

from __future__ import annotations

import numpy as np
import pytest
from arch import arch_model
from arch.data import sp500
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from watcher.risk.copula import student_rows, tail_dependence
from watcher.risk.exposure import Floats
from watcher.risk.volatility import decay_of, ewma, filtered, half_life, memory, recursion

R22 = [(0.85, 28.34), (0.90, 43.71), (0.94, 74.43), (0.97, 151.19)]


@pytest.mark.parametrize(("decay", "observations"), R22)
def test_r22_what_a_decay_remembers(decay: float, observations: float) -> None:
    assert memory(decay, 0.01) == pytest.approx(observations, abs=5e-3)


def test_r22_half_lives() -> None:
    assert half_life(0.94) == pytest.approx(11.20, abs=5e-3)
    assert half_life(0.97) == pytest.approx(22.76, abs=5e-3)
    assert decay_of(half_life(0.94)) == pytest.approx(0.94)


def test_r23_five_returns() -> None:
    found = ewma(np.array([[0.01], [-0.02], [0.015], [-0.03], [0.005]]), 0.94, 4e-4)
    assert found[-1, 0] == pytest.approx(3.8236871872e-4, rel=1e-10)
    assert np.sqrt(found[-1, 0]) == pytest.approx(0.0195542507, abs=6e-11)  # as printed


@given(st.lists(st.floats(-0.3, 0.3), min_size=1, max_size=30), st.floats(0.5, 0.999), st.floats(1e-8, 1e-2))
def test_the_recursion_is_its_closed_sum(returns: list[float], decay: float, start: float) -> None:
    found = ewma(np.array(returns)[:, None], decay, start)[:, 0]
    for t, variance in enumerate(found):
        weights = (1 - decay) * decay ** np.arange(t - 1, -1, -1.0)
        assert variance == pytest.approx(decay**t * start + weights @ np.square(returns[:t]), rel=1e-9)


def s_and_p() -> Floats:
    returns = 100 * sp500.load()["Adj Close"].pct_change().dropna().to_numpy()
    assert returns.size == 5030
    return np.asarray(returns)


def test_r24_a_garch_with_the_parameters_that_arch_finds() -> None:
    """S&P 500, 1999 to 2018, in percent: arch fits, our recursion with its parameters has its likelihood and forecasts."""
    returns = s_and_p()
    fitted = arch_model(returns, mean="Constant", vol="GARCH", p=1, q=1).fit(disp="off")
    mu, omega, alpha, beta = fitted.params
    assert (mu, omega, alpha, beta) == pytest.approx((0.056353, 0.017507, 0.10215, 0.885206), rel=1e-3)
    residuals = (returns - mu)[:, np.newaxis]
    variance = recursion(residuals, omega, alpha, beta, fitted.conditional_volatility[0] ** 2)[:, 0]
    likelihood = -0.5 * (np.log(2 * np.pi * variance[:-1]) + residuals[:, 0] ** 2 / variance[:-1]).sum()
    assert likelihood == pytest.approx(-6936.718, abs=5e-3)
    long_run, kept = omega / (1 - alpha - beta), alpha + beta
    steps = [long_run + kept**n * (variance[-1] - long_run) for n in range(5)]
    assert steps == pytest.approx([3.59647, 3.568502, 3.540887, 3.513621, 3.486701], rel=1e-3)
    assert steps == pytest.approx(fitted.forecast(horizon=5).variance.to_numpy()[-1], rel=1e-6)


def test_r24_the_same_with_students_t() -> None:
    returns = s_and_p()
    fitted = arch_model(returns, mean="Constant", vol="GARCH", p=1, q=1, dist="t").fit(disp="off")
    mu, omega, alpha, beta, freedom = fitted.params
    assert freedom == pytest.approx(6.6072, rel=1e-3)
    variance = recursion((returns - mu)[:, np.newaxis], omega, alpha, beta, fitted.conditional_volatility[0] ** 2)[:, 0]
    scale = np.sqrt(variance[:-1] * (freedom - 2) / freedom)
    assert stats.t(freedom, mu, scale).logpdf(returns).sum() == pytest.approx(-6834.736, abs=5e-3)


def test_r24_the_same_where_falls_count_more() -> None:
    """Glosten, Jagannathan, Runkle: α r² + γ r² after a fall is a reaction of one to r √(α + γ)."""
    returns = s_and_p()
    fitted = arch_model(returns, mean="Constant", vol="GARCH", p=1, o=1, q=1).fit(disp="off")
    mu, omega, alpha, gamma, beta = fitted.params
    assert gamma == pytest.approx(0.183069, rel=1e-3)
    residuals = returns - mu
    felt = residuals * np.sqrt(alpha + gamma * (residuals < 0))
    variance = recursion(felt[:, np.newaxis], omega, 1.0, beta, fitted.conditional_volatility[0] ** 2)[:-1, 0]
    assert stats.norm(mu, np.sqrt(variance)).logpdf(returns).sum() == pytest.approx(-6822.883, abs=5e-3)


R45 = [
    (4, 0.5, 0.2532), (4, 0.8, 0.4896), (4, 0.9, 0.6298), (4, 0.0, 0.0756), (4, -0.5, 0.0117),
    (10, 0.5, 0.0819), (10, 0.8, 0.2925), (10, 0.9, 0.4627), (10, 0.0, 0.0069), (10, -0.5, 0.0001),
]  # fmt: skip


@pytest.mark.parametrize(("freedom", "correlation", "together"), R45)
def test_r45_extremes_come_together(freedom: float, correlation: float, together: float) -> None:
    assert tail_dependence(correlation, freedom) == pytest.approx(together, abs=5e-5)


def test_rows_of_the_copula_have_their_correlation_and_unit_variance() -> None:
    wanted = np.array([[1.0, 0.8], [0.8, 1.0]])
    rows = student_rows(np.random.default_rng(3), 200_000, wanted, 6)
    assert np.corrcoef(rows.T) == pytest.approx(wanted, abs=0.02)
    assert rows.var(axis=0) == pytest.approx([1, 1], rel=0.05)


def test_a_matrix_that_is_no_correlation_is_refused() -> None:
    with pytest.raises(ValueError, match="not positive definite"):
        student_rows(np.random.default_rng(1), 2, np.array([[1.0, 1.1], [1.1, 1.0]]), 4)
    with pytest.raises(ValueError, match="no numbers"):
        student_rows(np.random.default_rng(1), 2, np.array([[1.0, np.nan], [np.nan, np.nan]]), 4)


def test_filtered_returns_are_of_one_size() -> None:
    random = np.random.default_rng(5)
    sizes = np.where(np.arange(1000) // 250 % 2 == 0, 0.01, 0.05)
    rows, following = filtered((random.standard_normal(1000) * sizes)[:, None])
    assert rows.shape == (940, 1)
    assert rows.std() == pytest.approx(1.0, rel=0.15)
    assert np.sqrt(following[0]) == pytest.approx(0.05, rel=0.4)


def test_a_series_that_stands_still_or_is_too_short_has_no_volatility() -> None:
    moving = np.random.default_rng(1).standard_normal((100, 3))
    with pytest.raises(ValueError, match="does not move has no volatility to filter by: column 1, 2, 3"):
        filtered(np.zeros((100, 3)))
    for still in (slice(0, 60), slice(60, 100)):  # from the beginning, or since
        moved = moving.copy()
        moved[still, 1] = 0
        with pytest.raises(ValueError, match="to filter by: column 2"):
            filtered(moved)
    with pytest.raises(ValueError, match="are no numbers"):
        filtered(np.where(np.arange(300).reshape(100, 3) == 7, np.nan, moving))
    with pytest.raises(ValueError, match="60 returns"):
        filtered(np.ones((60, 1)))
