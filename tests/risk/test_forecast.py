"""Forecasts through a past: what was said before each return, and what the tests say of right and wrong models."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from watcher.risk.exposure import Floats
from watcher.risk.forecast import ES_LEVEL, VAR_LEVEL, Rule, forecasts, judge
from watcher.risk.volatility import filtered

WINDOW = 500


def calm(count: int = 2500) -> Floats:
    return 0.01 * np.random.default_rng(12).standard_normal(count)


def storms(count: int = 3000) -> Floats:
    """Heavy returns whose size comes and goes."""
    random = np.random.default_rng(5)
    level, sizes = 0.0, []
    for shock in random.standard_normal(count):
        level = 0.97 * level + 0.15 * shock
        sizes.append(0.01 * np.exp(level))
    return np.array(sizes) * random.standard_t(5, count)


@pytest.mark.parametrize("rule", list(Rule))
def test_a_forecast_looks_at_nothing_that_comes_later(rule: Rule) -> None:
    returns = calm(700)
    changed = returns.copy()
    changed[650:] *= 50
    one, other = forecasts(returns, WINDOW, rule), forecasts(changed, WINDOW, rule)
    for column in ("var", "var_es", "es"):
        assert np.array_equal(getattr(one, column)[:151], getattr(other, column)[:151])
    assert np.array_equal(one.came, returns[WINDOW:])


def test_the_plain_one_is_the_window_sorted() -> None:
    returns = calm(600)
    told = forecasts(returns, WINDOW, Rule.HISTORICAL)
    for place in (0, 40, 99):
        worst = np.sort(-returns[place : place + WINDOW])[::-1]
        assert told.var[place] == worst[5]  # 1 % of 500 are worse
        assert told.es[place] == pytest.approx((worst[:12].sum() + 0.5 * worst[12]) / 12.5)


def test_the_normal_one_is_scipys() -> None:
    returns = calm(600)
    told = forecasts(returns, WINDOW, Rule.GBM)
    scale = returns[99 : 99 + WINDOW].std()
    assert told.var[99] == pytest.approx(stats.norm.ppf(VAR_LEVEL) * scale)
    assert told.es[99] == pytest.approx(stats.norm.expect(lambda x: x, lb=stats.norm.ppf(ES_LEVEL)) / 0.025 * scale)


def test_the_filtered_one_follows_the_volatility_that_the_scenarios_start_with() -> None:
    returns = storms(900)
    told = forecasts(returns, 800, Rule.FHS)
    _, variance = filtered(returns[:800, np.newaxis])
    quantile = told.var / told.var_es  # of the standardised losses: hardly moves from one forecast to the next
    assert np.abs(np.diff(quantile)).max() < 0.2
    calmer, wilder = np.argsort(told.var)[[0, -1]]
    assert np.abs(returns[calmer + 780 : calmer + 800]).mean() < np.abs(returns[wilder + 780 : wilder + 800]).mean()
    assert told.var[0] == pytest.approx(2.9 * np.sqrt(variance[0]), rel=0.35)


def test_a_right_model_is_not_rejected_and_a_calm_one_in_storms_is() -> None:
    assert judge(forecasts(calm(), WINDOW, Rule.GBM), 1).failed == ()
    wild = judge(forecasts(storms(), WINDOW, Rule.GBM), 1)
    assert {"Kupiec", "Acerbi–Szekely"} <= set(wild.failed)
    filtered_one = judge(forecasts(storms(), WINDOW, Rule.FHS), 1)
    assert not {"Kupiec", "Acerbi–Szekely"} & set(filtered_one.failed)


def test_few_forecasts_have_no_power_and_it_is_said() -> None:
    assert "Kupiec" in judge(forecasts(calm(620), WINDOW, Rule.FHS), 1).powerless
    assert judge(forecasts(storms(), WINDOW, Rule.FHS), 1).powerless == ()


def test_a_past_that_is_too_short_forecasts_nothing() -> None:
    with pytest.raises(ValueError, match="no forecast"):
        forecasts(calm(500), 500, Rule.FHS)
