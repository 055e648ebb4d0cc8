"""Forecasts through a past: what was said before each return, and what the tests say of right and wrong models."""

from __future__ import annotations

from functools import cache

import numpy as np
import pytest
from scipy import stats

from watcher.risk.backtest import christoffersen
from watcher.risk.exposure import Floats
from watcher.risk.forecast import Forecasts, Judgement, Rule, forecasts, judge
from watcher.risk.power import ES_LEVEL, VAR_LEVEL, Check, yardstick
from watcher.risk.sample import Sample
from watcher.risk.volatility import DAILY, filtered

WINDOW = 500
YARDSTICK = cache(yardstick)


def of(returns: Floats) -> Sample:
    """Returns without a hole, one a day."""
    follows = np.arange(returns.size) > 0
    return Sample(returns, follows, 0, 86_400 * returns.size, 86_400, 0)


def judged(returns: Floats, rule: Rule, window: int = WINDOW) -> Judgement:
    return judge(forecasts(of(returns), window, rule, DAILY), YARDSTICK(returns.size - window, 1))


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
    one, other = forecasts(of(returns), WINDOW, rule, DAILY), forecasts(of(changed), WINDOW, rule, DAILY)
    for column in ("var", "var_es", "es"):
        assert np.array_equal(getattr(one, column)[:151], getattr(other, column)[:151])
    assert np.array_equal(one.came, returns[WINDOW:])


def test_the_plain_one_is_the_window_sorted() -> None:
    returns = calm(600)
    told = forecasts(of(returns), WINDOW, Rule.HISTORICAL, DAILY)
    for place in (0, 40, 99):
        worst = np.sort(-returns[place : place + WINDOW])[::-1]
        assert told.var[place] == worst[5]  # 1 % of 500 are worse
        assert told.es[place] == pytest.approx((worst[:12].sum() + 0.5 * worst[12]) / 12.5)


def test_the_normal_one_is_scipys() -> None:
    returns = calm(600)
    told = forecasts(of(returns), WINDOW, Rule.GBM, DAILY)
    scale = returns[99 : 99 + WINDOW].std()
    assert told.var[99] == pytest.approx(stats.norm.ppf(VAR_LEVEL) * scale)
    assert told.es[99] == pytest.approx(stats.norm.expect(lambda x: x, lb=stats.norm.ppf(ES_LEVEL)) / 0.025 * scale)


def test_the_filtered_one_follows_the_volatility_that_the_scenarios_start_with() -> None:
    returns = storms(900)
    told = forecasts(of(returns), 800, Rule.FHS, DAILY)
    _, variance = filtered(returns[:800, np.newaxis])
    quantile = told.var / told.var_es  # of the standardised losses: hardly moves from one forecast to the next
    assert np.abs(np.diff(quantile)).max() < 0.2
    calmer, wilder = np.argsort(told.var)[[0, -1]]
    assert np.abs(returns[calmer + 780 : calmer + 800]).mean() < np.abs(returns[wilder + 780 : wilder + 800]).mean()
    assert told.var[0] == pytest.approx(2.9 * np.sqrt(variance[0]), rel=0.35)


def test_a_right_model_is_not_rejected_and_a_calm_one_in_storms_is() -> None:
    assert judged(calm(), Rule.GBM).failed == ()
    wild = judged(storms(), Rule.GBM)
    assert {"Kupiec", "Acerbi–Szekely"} <= set(wild.failed)
    filtered_one = judged(storms(), Rule.FHS)
    assert not {"Kupiec", "Acerbi–Szekely"} & set(filtered_one.failed)


def test_few_forecasts_have_no_power_and_it_is_said() -> None:
    few = judged(calm(720), Rule.FHS)
    assert {Check.KUPIEC, Check.CHRISTOFFERSEN} <= set(few.against.powerless)  # 2.2 exceptions are expected
    assert judged(storms(), Rule.FHS).against.powerless == ()


def test_a_past_that_is_too_short_forecasts_nothing() -> None:
    with pytest.raises(ValueError, match="no forecast"):
        forecasts(of(calm(500)), 500, Rule.FHS, DAILY)


@pytest.mark.parametrize("rule", list(Rule))
def test_a_price_that_never_moved_names_no_loss_and_is_not_judged(rule: Rule) -> None:
    with pytest.raises(ValueError, match="100 of 100 forecasts name no loss"):
        forecasts(of(np.zeros(WINDOW + 100)), WINDOW, rule, DAILY)


def test_a_window_that_only_rose_names_no_loss() -> None:
    with pytest.raises(ValueError, match="never fell in the window before them"):
        forecasts(of(np.abs(calm(WINDOW + 50))), WINDOW, Rule.HISTORICAL, DAILY)


def test_exceptions_with_a_hole_between_them_do_not_follow_each_other() -> None:
    came = np.full(100, 0.01)
    came[[40, 41]] = -1.0
    follows = np.arange(100) > 0
    ones = np.full(100, 0.1)
    joined = judge(Forecasts(came, follows, ones, ones, ones), YARDSTICK(100, 1))
    parted = judge(Forecasts(came, follows & (np.arange(100) != 41), ones, ones, ones), YARDSTICK(100, 1))
    assert joined.exceptions == parted.exceptions == 2
    assert joined.independence == christoffersen(96, 1, 1, 1)
    assert parted.independence == christoffersen(96, 1, 1, 0)
