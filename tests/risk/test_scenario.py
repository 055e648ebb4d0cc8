"""Paths: seeded, of today's size, falling together, and one step in memory at a time."""

from __future__ import annotations

from dataclasses import replace
from math import log, sqrt

import numpy as np
import pytest

from watcher.risk.first_passage import touched, touched_at
from watcher.risk.scenario import Market, Model, market, steps

HOUR = 3600


def past(seed: int = 1, correlation: float = 0.8, rows: int = 3000) -> Market:
    random = np.random.default_rng(seed)
    common = random.standard_normal((rows, 1))
    own = random.standard_normal((rows, 2))
    returns = 0.01 * (sqrt(correlation) * common + sqrt(1 - correlation) * own)
    return market(returns, HOUR, 0.985, 24)


@pytest.mark.parametrize("model", list(Model))
def test_the_same_seed_gives_the_same_paths_and_another_seed_others(model: Model) -> None:
    one, again, other = (list(steps(model, past(), np.random.default_rng(seed), 50, 5)) for seed in (7, 7, 8))
    assert all(np.array_equal(a, b) for a, b in zip(one, again, strict=True))
    assert not np.array_equal(one[0], other[0])


@pytest.mark.parametrize("model", list(Model))
def test_first_steps_have_todays_volatility_and_the_pasts_correlation(model: Model) -> None:
    before = past()
    first = next(iter(steps(model, before, np.random.default_rng(3), 40_000, 1)))
    assert first.std(axis=0) == pytest.approx(np.sqrt(before.variance), rel=0.05)
    assert float(np.atleast_2d(np.corrcoef(first.T))[0, 1]) == pytest.approx(before.correlation[0, 1], abs=0.02)


def test_rows_are_drawn_in_runs_of_the_mean_length() -> None:
    before = Market(np.arange(1000.0)[:, None], np.ones(1), 1.0, 24, HOUR)
    drawn = np.array([step[:, 0] for step in steps(Model.FHS, before, np.random.default_rng(2), 500, 200)])
    follows = (drawn[1:] - drawn[:-1] == 1) | ((drawn[1:] == 0) & (drawn[:-1] == 999))
    assert 1 / (1 - follows.mean()) == pytest.approx(24, rel=0.1)


def test_a_rise_of_volatility_goes_on_along_the_path() -> None:
    nervous = replace(past(), decay=0.7)
    drawn = np.array([step[:, 0] for step in steps(Model.FHS, nervous, np.random.default_rng(2), 4000, 10)])
    hit = np.abs(drawn[:5]).max(axis=0) > np.quantile(np.abs(drawn[:5]).max(axis=0), 0.95)
    assert drawn[5:, hit].std() > 1.05 * drawn[5:, ~hit].std()


def test_brownian_paths_touch_a_barrier_as_often_as_the_closed_form_says() -> None:
    sigma_step = 0.8 / sqrt(8760)
    before = Market(np.random.default_rng(0).standard_normal((500, 1)), np.array([sigma_step**2]), 0.94, 24, HOUR)
    level, lowest = np.zeros(40_000), np.zeros(40_000)
    for step in steps(Model.GBM, before, np.random.default_rng(11), 40_000, 168):
        level += step[:, 0]
        np.minimum(lowest, level, out=lowest)
    chance = float((lowest <= -log(1.25)).mean())
    years = 168 / 8760
    looked = float(touched_at(log(1.25), 0.8, years, -0.32, 168))
    error = sqrt(looked * (1 - looked) / 40_000)
    assert abs(chance - looked) < 4 * error
    assert chance < float(touched(log(1.25), 0.8, years, -0.32)) + 4 * error


@pytest.mark.parametrize("model", [Model.STUDENT, Model.GBM])
def test_assets_that_move_as_one_are_refused_by_name(model: Model) -> None:
    shared = np.random.default_rng(3).standard_normal((500, 1))
    twice = Market(np.hstack([shared, shared, shared]), np.full(3, 1e-4), 0.94, 24, HOUR)
    with pytest.raises(ValueError, match="not positive definite"):
        next(iter(steps(model, twice, np.random.default_rng(1), 10, 1)))


def test_a_past_that_stands_still_makes_no_market() -> None:
    returns = np.random.default_rng(3).standard_normal((500, 2))
    returns[:, 1] = 0
    with pytest.raises(ValueError, match="column 2"):
        market(returns, HOUR, 0.94, 24)
    with pytest.raises(ValueError, match="40 returns: more than 60"):
        market(returns[:40], HOUR, 0.94, 24)


def test_volatility_along_a_path_neither_grows_nor_fades_on_the_whole() -> None:
    """A wild past, a short memory: rows over an estimated volatility vary by more than one, and paths must not take that for a rise."""
    wild = np.random.default_rng(1).standard_t(4, (2000, 1)) * 0.01
    before = market(wild, HOUR, 0.97, 1.0)
    assert (before.rows**2).mean() > 1.05
    drawn = np.array([step[:, 0] for step in steps(Model.FHS, before, np.random.default_rng(5), 10_000, 200)])
    assert drawn.sum(axis=0).var() == pytest.approx(200 * drawn[0].var(), rel=0.25)
    assert np.exp(drawn.sum(axis=0)).mean() == pytest.approx(1, abs=0.01)
