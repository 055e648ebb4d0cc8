"""Whole markets in blocks, against the same figures account by account."""

from __future__ import annotations

from math import log, sqrt

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from watcher.risk.crowd import (
    BLOCK,
    ES_LEVEL,
    VAR_LEVEL,
    Crowd,
    Singles,
    bad_debt,
    concentration,
    horizon,
    pair_chances,
    touched,
)
from watcher.risk.tail import tail


def crowd(seed: int, accounts: int, tokens: int = 4) -> Crowd:
    """Accounts around their line: collateral in some tokens, debt in one of them."""
    random = np.random.default_rng(seed)
    held = random.random((accounts, tokens)) * (random.random((accounts, tokens)) < 0.6)
    owed = np.zeros_like(held)
    threshold = np.full(tokens, 0.8)
    debtors = random.integers(0, tokens, accounts)
    owed[np.arange(accounts), debtors] = held @ threshold * random.uniform(0.5, 1.1, accounts)
    return Crowd((held * threshold - owed).astype(np.float32), (held - owed).astype(np.float32))


def scenarios(seed: int, count: int, tokens: int = 4, size: float = 0.15) -> Singles:
    return np.exp(np.random.default_rng(seed).standard_normal((tokens, count)) * size).astype(np.float32)


@given(st.integers(0, 1000), st.sampled_from((1, 7, BLOCK, BLOCK + 3)), st.sampled_from((10, 101, 400, 1000)))
@settings(max_examples=15, deadline=None)
def test_every_account_is_what_it_is_alone(seed: int, accounts: int, count: int) -> None:
    market, factors = crowd(seed, accounts), scenarios(seed, count)
    seen = 0
    for rows, found in horizon(market, factors):
        for place, account in enumerate(range(rows.start, rows.stop)):
            seen += 1
            equity = (market.equity[account] @ factors).astype(np.float64)
            losses = float(market.equity[account].sum(dtype=np.float64)) - equity
            near = 2e-6 * float(np.abs(market.equity[account]).sum() + 1)
            assert found.below[place] == pytest.approx((market.net[account] @ factors < 0).mean(), abs=1.5 / count)
            assert found.lost[place] == pytest.approx(losses.mean(), abs=near)
            assert found.var[place] == pytest.approx(tail(losses, VAR_LEVEL).var, abs=near)
            assert found.es[place] == pytest.approx(tail(losses, ES_LEVEL).es, abs=near)
    assert seen == accounts


def test_bad_debt_is_that_of_every_account_and_is_attributed_whole() -> None:
    market, factors = crowd(3, BLOCK + 40), scenarios(4, 400, size=0.4)
    found = bad_debt(market, factors)
    expected = np.maximum(-(market.equity.astype(np.float64) @ factors.astype(np.float64)), 0).sum(axis=0)
    assert found.total == pytest.approx(expected, rel=1e-4, abs=1e-4)
    assert found.es == pytest.approx(tail(expected, ES_LEVEL).es, rel=1e-4)
    assert found.var == pytest.approx(tail(expected, VAR_LEVEL).var, rel=1e-4)
    assert found.by_account.sum() == pytest.approx(found.es, rel=1e-5)
    assert (found.by_account >= 0).all()


def test_a_pair_is_searched_for_as_if_walked_path_by_path() -> None:
    random = np.random.default_rng(2)
    walks = np.cumsum(random.standard_normal((2000, 50)) * 0.02, axis=1)
    healths = random.uniform(0.95, 1.6, 300)
    found = pair_chances(np.log(healths), walks.min(axis=1))
    assert found == pytest.approx([float((walks.min(axis=1) < -log(health)).mean()) for health in healths])


@pytest.mark.parametrize("seed", range(3))
def test_the_bound_leaves_out_nobody_who_is_ever_below(seed: int) -> None:
    market = crowd(seed, BLOCK + 10)
    random = np.random.default_rng(seed)
    levels = np.cumsum(random.standard_normal((30, 4, 200)) * 0.03, axis=0)
    path = [np.exp(level).astype(np.float32) for level in levels]
    everything = np.zeros((len(market), 200), dtype=bool)
    for factors in path:
        everything |= market.net @ factors < 0
    assert touched(market, path) == pytest.approx(everything.mean(axis=1), abs=1.5 / 200)


def test_how_concentrated_a_market_is() -> None:
    assert concentration(np.array([1.0] * 20)) == pytest.approx((1 / 20, 0.5))
    assert concentration(np.array([5.0, 0.0])) == pytest.approx((1.0, 1.0))
    assert concentration(np.zeros(3)) is None


def test_a_normal_loss_has_the_normal_tail() -> None:
    factors = (1 + 0.01 * np.random.default_rng(1).standard_normal((1, 200_000))).astype(np.float32)
    one = Crowd(np.array([[50.0]], dtype=np.float32), np.array([[100.0]], dtype=np.float32))
    (_, found) = next(horizon(one, factors))
    assert found.var[0] == pytest.approx(2.326348, rel=0.02)
    assert found.es[0] == pytest.approx(2.337803, rel=0.02)
    assert found.lost[0] == pytest.approx(0, abs=4 / sqrt(200_000))
