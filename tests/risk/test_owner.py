"""An owner's pools along simulated prices: chances against closed forms, losses against sums by hand."""

from __future__ import annotations

from collections.abc import Iterator
from math import log, sqrt

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from watcher.risk.drive import STABLE, Depeg, Driven, Feed, Prices, prices
from watcher.risk.exposure import Floats
from watcher.risk.first_passage import touched_at
from watcher.risk.outcome import NEVER, joint
from watcher.risk.owner import Closing, Pool, simulate
from watcher.risk.tail import shortfall_parts, tail

HOUR = 3600
ETH, USDC = Driven("ETH", ((0, 1.0),)), Driven("USDC", ())
ALL = Closing(np.ones(2), np.ones(2))


def pool(name: str, held: float, owed: float, threshold: float = 0.83, paid: float = 0.0) -> Pool:
    """ETH against USDC."""
    return Pool(
        name,
        np.array([held, 0.0]),
        np.array([0.0, owed]),
        np.array([threshold, 0.0]),
        np.zeros(2),
        np.array([0.0, paid]),
    )


def half(_: int, factors: Floats, __: float) -> Closing:
    """Half of the debt for 105 % of it in ETH; half of 10,000 USDC of 20,000 of ETH at the present price."""
    return Closing(np.array([0.0, 0.5]), np.array([0.5 * 10_000 * 1.05 / (20_000 * factors[0]), 0.0]))


def walk(*levels: tuple[float, float]) -> Iterator[Prices]:
    """One scenario through these log prices of ETH and USDC."""
    for level in levels:
        at = np.array([level])
        yield Prices(at, at, at)


def brownian(seed: int, scenarios: int, steps: int, sigma: float) -> Iterator[Floats]:
    random, spread = np.random.default_rng(seed), sigma / sqrt(8760)
    return (random.standard_normal((scenarios, 1)) * spread - spread**2 / 2 for _ in range(steps))


def test_the_chance_of_one_pair_is_that_of_the_closed_form() -> None:
    random, scenarios = np.random.default_rng(1), 20_000
    path = prices((ETH, USDC), brownian(2, scenarios, 168, 0.8), random, scenarios, HOUR)
    found = simulate((pool("one", 20_000, 10_000 * 1.66 / 1.25),), path, scenarios, HOUR, lambda *_: ALL)
    exact = float(touched_at(log(1.25), 0.8, 168 / 8760, -0.32, 168))
    seen = joint(found).any
    assert abs(seen.value - exact) < 4 * seen.error
    assert seen.error == pytest.approx(sqrt(exact * (1 - exact) / scenarios), rel=0.1)


def test_nothing_happens_to_who_stays_above_the_line() -> None:
    found = simulate((pool("safe", 20_000, 10_000),), walk((-0.1, 0), (-0.2, 0)), 1, HOUR, half)
    assert found.first[0, 0] == NEVER
    assert found.lost[0, 0] == pytest.approx(20_000 * (1 - np.exp(-0.2)))
    assert (found.cost[0, 0], found.forgiven[0, 0]) == (0, 0)


def test_who_is_below_the_line_already_is_liquidated_now_though_prices_rise() -> None:
    asked: list[float] = []

    def once(_: int, factors: Floats, elapsed: float) -> Closing:
        asked.append(elapsed)
        return half(0, factors, elapsed)

    rising = iter([Prices(*(np.full((50, 2), 0.5),) * 3)])
    found = simulate((pool("under", 20_000, 17_000),), rising, 50, HOUR, once)
    assert found.first[:, 0].tolist() == [0] * 50
    assert asked == [0.0]
    assert joint(found).any.value == 1
    assert all(found.reached[part].all() for part in found.reached if part in ("price", "carry", "depeg"))


def test_a_liquidation_takes_its_bonus_and_what_is_left_goes_on() -> None:
    fall = log(0.6)  # ETH at 60 %: 12,000 · 0.83 = 9,960 below 10,000
    found = simulate((pool("hit", 20_000, 10_000),), walk((-0.1, 0), (fall, 0), (0.0, 0)), 1, HOUR, half)
    assert found.first[0, 0] == 2
    assert found.cost[0, 0] == pytest.approx(250)
    seized = 5_250 / 0.6  # at the first price: ETH has come back since
    assert found.lost[0, 0] == pytest.approx(seized - 5_000)
    assert found.by_token[0, 0] == pytest.approx([seized, -5_000])


def test_who_owes_more_than_there_is_walks_away() -> None:
    found = simulate(
        (pool("gone", 20_000, 10_000),), walk((log(0.3), 0.0)), 1, HOUR, lambda *_: Closing(np.zeros(2), np.zeros(2))
    )
    assert found.lost[0, 0] == pytest.approx(10_000)
    assert found.forgiven[0, 0] == pytest.approx(4_000)
    assert found.by_token.sum() == pytest.approx(found.lost.sum() + found.forgiven.sum())


def test_one_cross_pool_and_the_same_in_two_isolated_ones() -> None:
    """The loss of an isolated pool ends at its own equity; across, the other collateral stands in."""
    fall = walk((log(0.3), 0.0))
    still = Closing(np.zeros(2), np.zeros(2))
    apart = simulate(
        (
            pool("bad", 20_000, 10_000),
            Pool("good", np.array([0, 9_000.0]), np.zeros(2), np.array([0, 0.8]), np.zeros(2), np.zeros(2)),
        ),
        fall,
        1,
        HOUR,
        lambda *_: still,
    )
    cross = simulate(
        (
            Pool(
                "cross",
                np.array([20_000.0, 9_000]),
                np.array([0, 10_000.0]),
                np.array([0.83, 0.8]),
                np.zeros(2),
                np.zeros(2),
            ),
        ),
        walk((log(0.3), 0.0)),
        1,
        HOUR,
        lambda *_: still,
    )
    assert apart.lost.sum() == pytest.approx(10_000)
    assert cross.lost.sum() == pytest.approx(14_000)


def test_the_first_of_several_and_ties() -> None:
    found = simulate(
        (pool("a", 20_000, 14_000), pool("b", 20_000, 10_000), pool("c", 20_000, 14_000)),
        walk((-0.2, 0), (-0.6, 0)),
        1,
        HOUR,
        lambda *_: ALL,
    )
    assert found.first[0].tolist() == [1, 2, 1]
    together = joint(found)
    assert together.first == (0.5, 0.0, 0.5)
    assert (together.any.value, together.all.value) == (1, 1)


@given(st.floats(-0.6, 0.6), st.floats(0.0, 0.5), st.integers(0, 100))
@settings(max_examples=30, deadline=None)
def test_the_parts_only_ever_add(start: float, paid: float, seed: int) -> None:
    random, scenarios = np.random.default_rng(seed), 200
    fragile = Driven("USDC", (), depeg=Depeg(500.0, (0.5,)))
    path = prices((ETH, fragile), brownian(seed, scenarios, 24, 1.5), random, scenarios, HOUR)
    owing = pool("one", 10_000 * np.exp(start) * 1.4, 10_000, paid=paid)
    reached = simulate((owing,), path, scenarios, HOUR, lambda *_: ALL).reached
    assert (reached["price"] <= reached["carry"]).all()


def test_a_lost_peg_counts_where_the_feed_sees_it() -> None:
    random = np.random.default_rng(1)
    for feed, seen in ((Feed.MARKET, True), (Feed.RATE, False), (Feed.FIXED, False)):
        token = Driven("USDe", (), depeg=Depeg(1e9, (0.12,)), feed=feed)
        last = list(prices((token,), (np.zeros((4, 0)) for _ in range(2)), random, 4, HOUR))[-1]
        assert last.traded == pytest.approx(np.full((4, 1), log(0.88)))
        assert bool((last.oracle < 0).all()) is seen
        assert (last.market == 0).all()


def test_pegs_break_as_often_as_said() -> None:
    random = np.random.default_rng(5)
    token = Driven("USDC", (), depeg=STABLE)
    year = list(prices((token,), (np.zeros((20_000, 0)) for _ in range(365)), random, 20_000, 24 * HOUR))[-1]
    assert (year.traded < 0).mean() == pytest.approx(1 - np.exp(-1), abs=0.01)


def test_a_young_token_follows_its_proxy_and_shakes_more() -> None:
    random = np.random.default_rng(5)
    young = Driven("NEW", ((0, 1.5),), residual=0.6)
    moves = list(prices((ETH, young), brownian(1, 50_000, 1, 0.8), random, 50_000, HOUR))[-1].oracle
    assert moves[:, 1].std() * sqrt(8760) == pytest.approx(sqrt((1.5 * 0.8) ** 2 + 0.6**2), rel=0.02)


def test_an_owners_shortfall_is_the_sum_of_its_tokens() -> None:
    random, scenarios = np.random.default_rng(1), 4_000
    path = prices((ETH, USDC), brownian(2, scenarios, 24, 1.2), random, scenarios, HOUR)
    found = simulate((pool("one", 20_000, 14_500), pool("two", 20_000, 9_000)), path, scenarios, HOUR, half)
    owners = found.lost.sum(axis=1)
    parts = np.column_stack([found.by_token.sum(axis=1), -found.forgiven.sum(axis=1)])
    assert shortfall_parts(parts, owners, 0.975).sum() == pytest.approx(tail(owners, 0.975).es, rel=1e-9)


def test_without_a_step_there_is_no_horizon() -> None:
    with pytest.raises(ValueError, match="no step"):
        simulate((pool("one", 1, 1),), iter(()), 1, HOUR, half)


def two(debt: float) -> Pool:
    """ETH and BTC, 10,000 each, against USDC."""
    zero = np.zeros(3)
    return Pool("two", np.array([10_000.0, 10_000, 0]), np.array([0, 0, debt]), np.array([0.8, 0.8, 0]), zero, zero)


def test_later_liquidations_repay_for_nothing_less_than_their_bonus() -> None:
    """The first takes all ETH; what it leaves below the line is repaid out of BTC, at the same 5 %, and for nothing beyond it."""
    asked: list[int] = []

    def close(place: int, factors: Floats, _: float) -> Closing:
        asked.append(place)
        return Closing(np.array([0, 0, 10_000 * factors[0] / 1.05 / 15_000]), np.array([1.0, 0, 0]))

    levels = np.array([[log(0.4), log(0.9), 0.0]])
    found = simulate((two(15_000),), (Prices(levels, levels, levels) for _ in range(40)), 1, HOUR, close)
    assert asked == [0]
    seized = 4_000 + 9_000  # everything there was, which does not pay for 15,000
    assert found.by_token[0, 0] == pytest.approx([10_000, 10_000, -seized / 1.05], rel=1e-6)
    assert found.cost[0, 0] == pytest.approx(seized - seized / 1.05, rel=1e-6)
    assert found.forgiven[0, 0] == pytest.approx(15_000 - seized / 1.05, rel=1e-6)
    assert found.lost[0, 0] == pytest.approx(5_000)


def test_an_oracle_that_never_lags_has_a_band_of_no_width() -> None:
    found = simulate((pool("hit", 20_000, 10_000),), walk((log(0.6), 0)), 1, HOUR, half)
    assert found.reached["sooner"].all()
    assert found.reached["later"].all()


def test_losses_are_counted_in_the_money_of_the_pool() -> None:
    """In ETH, ten ETH are ten ETH however far they fall, and a debt in dollars weighs more."""
    in_ether = Pool(
        "ETH", np.array([10.0, 0]), np.array([0.0, 2.0]), np.array([0.8, 0]), np.zeros(2), np.zeros(2), money=0
    )
    found = simulate((in_ether,), walk((log(0.5), 0.0)), 1, HOUR, half)
    assert found.lost[0, 0] == pytest.approx(2.0)


def test_what_is_left_as_a_credit_stays_the_owners() -> None:
    """All ETH goes for 95 % of its worth: 10,000 are repaid, and what is beyond them is lent from then on."""
    fall = log(0.6)

    def absorb(_: int, factors: Floats, __: float) -> Closing:
        return Closing(np.array([0, 20_000 * factors[0] * 0.95 / 10_000]), np.array([1.0, 0]))

    found = simulate((pool("absorbed", 20_000, 10_000),), walk((fall, 0), (log(0.1), 0)), 1, HOUR, absorb)
    assert found.first[0, 0] == 1
    assert found.cost[0, 0] == pytest.approx(12_000 * 0.05)
    assert found.lost[0, 0] == pytest.approx(10_000 - (12_000 * 0.95 - 10_000))
    assert found.forgiven[0, 0] == 0
