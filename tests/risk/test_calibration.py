"""What is predicted from a past comes true as often as said, in a future of the same known model, and not in a wilder one."""

from __future__ import annotations

from math import sqrt

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.random import Generator

from watcher.risk.backtest import Calibration, calibration
from watcher.risk.crowd import Crowd, Singles, horizon, touched
from watcher.risk.exposure import Floats
from watcher.risk.scenario import Market, Model, market, steps

HOUR, DAY = 3600, 24
SIZES, TOGETHER = np.array([0.009, 0.006]), 0.8  # ETH and BTC in an hour
ROOT = np.linalg.cholesky(np.array([[1.0, TOGETHER], [TOGETHER, 1.0]]))
ACCOUNTS, PAST, SCENARIOS = 250, 800, 400


def moves(random: Generator, hours: int, times: float = 1.0) -> Floats:
    """The truth: normal log returns of two assets, hours × assets, that keep expected prices where they are."""
    sizes = times * SIZES
    return random.standard_normal((hours, 2)) @ ROOT.T * sizes - sizes**2 / 2


def account(random: Generator) -> Floats:
    """threshold · collateral in both assets and a debt of 1 in dollars, up to three of a day's deviations above the line."""
    share = random.random()
    day = sqrt(DAY) * float(np.sqrt(((ROOT.T @ (SIZES * [share, 1 - share])) ** 2).sum()))
    return np.array([share, 1 - share, -np.exp(-3 * day * random.random())])


def predicted(past: Market, model: Model, net: Floats, random: Generator, scenarios: int, hours: int) -> float:
    """By the engine: paths from the past, and the share of them in which the margin is ever negative."""
    level, path = np.zeros((2, scenarios)), []
    for step in steps(model, past, random, scenarios, hours):
        level += step.T
        path.append(np.vstack([np.exp(level), np.ones(scenarios)]).astype(np.float32))
    one = net[np.newaxis].astype(np.float32)
    return float(touched(Crowd(one, one), path)[0])


def fell(path: Floats, net: Floats) -> bool:
    """Whether the margin is ever negative along the one path that came."""
    return bool((np.exp(np.cumsum(path, axis=0)) @ net[:2] + net[2] < 0).any())


@pytest.fixture(scope="module", params=[Model.FHS, Model.GBM])
def said(request: pytest.FixtureRequest) -> tuple[Floats, list[Floats]]:
    """A chance for each of many accounts, each from a past of its own: so what comes of one says nothing of another."""
    random = np.random.default_rng(2023)
    accounts = [account(random) for _ in range(ACCOUNTS)]
    pasts = (market(moves(random, PAST), HOUR, 0.99, DAY) for _ in accounts)
    told = [
        predicted(past, request.param, net, random, SCENARIOS, DAY) for past, net in zip(pasts, accounts, strict=True)
    ]
    return np.array(told), accounts


def judged(said: tuple[Floats, list[Floats]], times: float) -> list[Calibration]:
    """Twenty futures; in each every account goes through one day of its own."""
    random = np.random.default_rng(7)
    chances, accounts = said
    return [
        calibration(chances, np.array([fell(moves(random, DAY, times), net) for net in accounts])) for _ in range(20)
    ]


def test_paths_of_the_known_model_fall_inside_the_band(said: tuple[Floats, list[Floats]]) -> None:
    found = judged(said, 1.0)
    assert sum(one.kept for one in found) >= 17  # the band claims 19 of 20; fewer than 17 would be one chance in sixty
    assert [len(one.buckets) for one in found] == [5] * 20  # from hardly ever to nearly always
    assert sum(bucket.count for bucket in found[0].buckets) == ACCOUNTS


def test_paths_of_doubled_volatility_are_rejected(said: tuple[Floats, list[Floats]]) -> None:
    for found in judged(said, 2.0):
        assert not found.kept
        assert any(bucket.happened > bucket.most for bucket in found.buckets)


def test_paths_of_half_the_volatility_are_rejected(said: tuple[Floats, list[Floats]]) -> None:
    for found in judged(said, 0.5):
        assert not found.kept
        assert any(bucket.happened < bucket.fewest for bucket in found.buckets)


YEARLY = {
    "R10": ((0.8, 0.6), (1.2, -1.0, 0.0), 0.2019, 0.0009),
    "R33": ((0.75, 0.55), (16_600, 9_360, -18_000), 0.0539, 0.0007),
}


@pytest.mark.parametrize("case", YEARLY)
def test_r10_and_r33_a_month_of_hourly_steps(case: str) -> None:
    """Two assets at once, correlated by 0.8, against the reference's own simulation."""
    deviations, net, expected, its_error = YEARLY[case]
    sizes = np.array(deviations) / sqrt(8760)
    rows = np.random.default_rng(1).standard_normal((4_000, 2))
    rows = np.linalg.solve(np.linalg.cholesky(np.cov(rows.T)), (rows - rows.mean(axis=0)).T).T @ ROOT.T
    past = Market(rows, sizes**2, 1.0, DAY, HOUR)
    scenarios = 8_000
    found = predicted(past, Model.GBM, np.array(net), np.random.default_rng(33), scenarios, 720)
    error = sqrt(expected * (1 - expected) / scenarios + its_error**2)
    assert abs(found - expected) < 4 * error


def futures(seed: int, size: float = 0.02) -> list[Singles]:
    levels = np.cumsum(np.random.default_rng(seed).standard_normal((24, 3, 300)) * size, axis=0)
    return [np.exp(level).astype(np.float32) for level in levels]


def holders(seed: int) -> tuple[Floats, Floats]:
    """Weighted collateral and debts."""
    random = np.random.default_rng(seed)
    held = random.random((40, 3))
    owed = np.zeros_like(held)
    owed[:, 2] = held.sum(axis=1) / random.uniform(1.0, 1.5, 40)
    return held, owed


def chances(held: Floats, owed: Floats, path: list[Singles]) -> Floats:
    net = (held - owed).astype(np.float32)
    return touched(Crowd(net, net), path)


@given(st.integers(0, 1000), st.sampled_from((2.0**-10, 0.25, 8.0, 2.0**20)))
@settings(max_examples=10, deadline=None)
def test_size_changes_no_chance(seed: int, times: float) -> None:
    (held, owed), path = holders(seed), futures(seed)
    assert np.array_equal(chances(held, owed, path), chances(times * held, times * owed, path))


@given(st.integers(0, 1000), st.floats(1.0, 1.5))
@settings(max_examples=10, deadline=None)
def test_more_debt_or_a_longer_path_never_makes_it_less_likely(seed: int, more: float) -> None:
    (held, owed), path = holders(seed), futures(seed)
    now = chances(held, owed, path)
    assert (chances(held, more * owed, path) >= now).all()
    assert (chances(held, owed, path[:12]) <= now).all()


@given(st.integers(0, 1000))
@settings(max_examples=10, deadline=None)
def test_ever_below_is_at_least_as_likely_as_below_at_the_end(seed: int) -> None:
    (held, owed), path = holders(seed), futures(seed)
    net = (held - owed).astype(np.float32)
    ((_, found),) = horizon(Crowd(net, net), path[-1])
    assert (chances(held, owed, path) >= found.below - 1e-12).all()
