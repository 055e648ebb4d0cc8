"""Margin and distance, against worked examples and by putting the answer back."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from watcher.risk.distance import basket_shock, breaking_factor, collateral_fall, distance, sensitivities
from watcher.risk.exposure import Exposure, exposure
from watcher.risk.margin import breakeven_slippage, longest_loop, margin, toxic_ltv

NEAR = 1e-6
R27 = exposure([("ETH", 20_000, 0, 0.83, 0.805), ("USDC", 0, 10_000, 0.78, 0.75)])
R28 = exposure([("ETH", 20_000, 0, 0.83, 0.8), ("BTC", 12_000, 0, 0.78, 0.73), ("USDC", 0, 18_000, 0, 0)])
R29 = exposure([("ETH", 20_000, 8_000, 0.83, 0.8), ("USDC", 5_000, 6_000, 0.78, 0.75)])
R30 = exposure([("USDC", 20_000, 0, 0.78, 0.75), ("ETH", 0, 10_000, 0.83, 0.8)])


def test_r27_one_collateral_and_one_debt() -> None:
    assert margin(R27).health == pytest.approx(1.66, rel=NEAR)
    assert 2000 * _factor(R27, 0) == pytest.approx(1204.8193, rel=NEAR)
    assert collateral_fall(R27) == pytest.approx(0.397590, rel=1e-5)


def test_r28_two_collaterals() -> None:
    found = margin(R28)
    assert R28.weighted == pytest.approx(25_960, rel=NEAR)
    assert found.health == pytest.approx(1.4422222, rel=NEAR)
    assert found.threshold == pytest.approx(0.81125, rel=NEAR)
    assert 2000 * _factor(R28, 0) == pytest.approx(1040.9639, rel=NEAR)
    assert 60_000 * _factor(R28, 1) == pytest.approx(8974.3590, rel=NEAR)
    assert collateral_fall(R28) == pytest.approx(0.3066256, rel=NEAR)


def test_r29_the_same_asset_on_both_sides() -> None:
    assert margin(R29).health == pytest.approx(1.4642857, rel=NEAR)
    assert 2000 * _factor(R29, 0) == pytest.approx(488.372093, rel=NEAR)


def test_r30_a_short_is_liquidated_by_a_rise() -> None:
    assert margin(R30).health == pytest.approx(1.56, rel=NEAR)
    assert 2000 * _factor(R30, 1) == pytest.approx(3120, rel=NEAR)
    slopes = sensitivities(R30)
    assert slopes is not None
    assert slopes.health[1] / 2000 == pytest.approx(-0.00078, rel=NEAR)
    up, now, down = (margin(R30.at([1, 1 + move])).health or 0 for move in (1e-3, 0, -1e-3))
    assert (up - 2 * now + down) / 2**2 == pytest.approx(7.8e-7, rel=1e-4)  # two dollars either way


def test_r31_what_isolation_costs() -> None:
    alone = [exposure([("ETH", 20_000, 15_000, 0.83, 0.8)]), exposure([("BTC", 12_000, 3_000, 0.78, 0.73)])]
    assert [margin(one).health for one in alone] == pytest.approx([1.106667, 3.12], rel=NEAR)
    assert margin(R28).health == pytest.approx(1.442222, rel=NEAR)


def test_r32_every_figure_of_a_margin() -> None:
    found = margin(exposure([("ETH", 20_000, 0, 0.83, 0.805), ("USDC", 0, 12_000, 0, 0)]))
    assert (found.equity, found.maintenance, found.initial, found.excess) == pytest.approx((8000, 3400, 3900, 4600))
    assert found.equity_over_mm == pytest.approx(2.3529412, rel=NEAR)
    assert found.mm_over_equity == pytest.approx(0.425, rel=NEAR)
    assert found.utilisation == pytest.approx(0.4875, rel=NEAR)
    assert found.borrowed == pytest.approx(0.7453416, rel=NEAR)
    assert 1 / (found.health or 0) == pytest.approx(0.7228916, rel=NEAR)
    assert (found.health, found.leverage) == pytest.approx((1.3833333, 2.5), rel=NEAR)


def test_r40_where_liquidation_hurts() -> None:
    assert toxic_ltv(0.05) == pytest.approx(0.952381, rel=NEAR)
    assert breakeven_slippage(0.05) == pytest.approx(0.047619, rel=1e-5)
    assert longest_loop(0.8) == pytest.approx(5)


def test_r50_a_loop_of_one_kind_hangs_on_the_ratio_alone() -> None:
    loop = exposure([("wstETH", 24_000, 0, 0.95, 0.93), ("ETH", 0, 19_000, 0.83, 0.8)])
    assert margin(loop).health == pytest.approx(1.2, rel=NEAR)
    assert 1.2 * _factor(loop, 0) == pytest.approx(1.0, rel=NEAR)


def _factor(of: Exposure, asset: int) -> float:
    found = breaking_factor(of, asset)
    assert found is not None
    there = [1.0] * len(of.assets)
    there[asset] = found
    assert margin(of.at(there)).health == pytest.approx(1, abs=1e-9)  # put back
    return found


VALUE = st.just(0.0) | st.floats(1e-6, 1e6)
FRACTION = st.floats(0.01, 0.99)


@st.composite
def pools(draw: st.DrawFn) -> Exposure:
    count = draw(st.integers(1, 5))
    rows = [(f"A{n}", draw(VALUE), draw(VALUE), draw(FRACTION), draw(FRACTION)) for n in range(count)]
    return exposure([(name, c, d, lt, lt * ltv) for name, c, d, lt, ltv in rows])


@given(pools())
def test_equity_above_maintenance_is_the_signed_margin(pool: Exposure) -> None:
    found = margin(pool)
    size = pool.collateral.sum() + pool.debt.sum() + 1
    assert found.equity - found.maintenance == pytest.approx(found.excess, abs=1e-9 * size)
    assert float(pool.net.sum()) == pytest.approx(found.excess, abs=1e-9 * size)
    if found.health is not None and abs(found.excess) > 1e-6 * size:
        assert (found.health > 1) == (found.excess > 0)
        if found.equity_over_mm is not None:
            assert (found.equity_over_mm > 1) == (found.excess > 0)


@given(pools(), st.floats(0.01, 100))
def test_size_changes_no_ratio(pool: Exposure, times: float) -> None:
    one, other = margin(pool), margin(pool.at(np.full(len(pool.assets), times)))
    if one.health is not None and one.health < 1e9:
        assert other.health == pytest.approx(one.health, rel=1e-9)


@given(pools())
def test_a_breaking_factor_put_back_reaches_the_line(pool: Exposure) -> None:
    for asset in range(len(pool.assets)):
        found = breaking_factor(pool, asset)
        if found is not None and found < 1e6:
            moved = np.ones(len(pool.assets))
            moved[asset] = found
            size = float(np.abs(pool.net).sum()) * (1 + found)
            assert float(pool.at(moved).net.sum()) == pytest.approx(0, abs=1e-9 * size)


def test_a_basket_falls_by_its_betas() -> None:
    betas = np.array([1.0, 0.5, 0.0])
    shock = basket_shock(R28, betas)
    assert shock is not None
    assert float(R28.at(1 + betas * shock).net.sum()) == pytest.approx(0, abs=1e-6)
    assert basket_shock(R28, np.zeros(3)) is None


def test_a_distance_in_sigmas_is_the_nearest_point_of_the_line() -> None:
    vols = np.array([0.05, 0.04, 0.001])
    covariance = np.outer(vols, vols) * np.array([[1, 0.8, 0], [0.8, 1, 0], [0, 0, 1]])
    found = distance(R28, covariance)
    assert found is not None
    assert float(R28.at(np.exp(found.breach)).net.sum()) == pytest.approx(0, abs=1e-6)
    inverse = np.linalg.inv(covariance)
    linear = -R28.net.sum() * covariance @ R28.net / (R28.net @ covariance @ R28.net)
    assert np.sqrt(linear @ inverse @ linear) == pytest.approx(found.sigmas, rel=1e-9)
    random = np.random.default_rng(7)
    for _ in range(200):  # no other point of the linear line is nearer
        way = random.standard_normal(3)
        other = way * (-R28.net.sum() / (R28.net @ way))
        assert np.sqrt(other @ inverse @ other) >= found.sigmas - 1e-9
    assert distance(exposure([("A", 0, 0, 0.5, 0.4)]), np.eye(1)) is None


@given(pools(), st.data())
@settings(deadline=None)
def test_a_deposit_or_a_repayment_never_lowers_health(pool: Exposure, data: st.DataObject) -> None:
    asset, share = data.draw(st.integers(0, len(pool.assets) - 1)), data.draw(st.floats(0, 1))
    before, one = margin(pool).health, np.eye(len(pool.assets))[asset]
    more = replace(pool, collateral=pool.collateral + one * data.draw(VALUE))
    less = replace(pool, debt=pool.debt * (1 - one * share))
    for after in (margin(more).health, margin(less).health):
        assert after is None or (before is not None and after >= before * (1 - 1e-12))


@pytest.mark.parametrize("threshold", [0.01, 0.5, 0.83])
def test_at_the_line_every_ratio_is_one(threshold: float) -> None:
    found = margin(exposure([("ETH", 1024, 0, threshold, threshold), ("USDC", 0, 1024 * threshold, 0, 0)]))
    assert (found.health, found.excess) == (1, 0)
    assert (found.equity_over_mm, found.mm_over_equity) == pytest.approx((1, 1), rel=1e-14)


WEEK = np.diag([0.01, 0.008])


def test_without_debt_there_is_no_line() -> None:
    alone = exposure([("ETH", 100, 0, 0.8, 0.7), ("BTC", 50, 0, 0.8, 0.7)])
    found = margin(alone)
    assert (found.health, found.borrowed, found.leverage, found.ltv) == (None, 0, 1, 0)
    assert (collateral_fall(alone), sensitivities(alone), distance(alone, WEEK)) == (None, None, None)
    assert [breaking_factor(alone, asset) for asset in (0, 1)] == [None, None]
    assert basket_shock(alone, np.ones(2)) is None  # a fall of all there is does not count


def test_with_only_debt_nothing_protects_and_no_price_reaches_the_line() -> None:
    bare = exposure([("ETH", 0, 100, 0.8, 0.7), ("USDC", 0, 50, 0.8, 0.7)])
    found = margin(bare)
    assert (found.health, found.equity, found.maintenance) == (0, -150, 0)
    assert (found.equity_over_mm, found.ltv, found.leverage, found.threshold, found.borrowed) == (None,) * 5
    assert (collateral_fall(bare), distance(bare, WEEK), basket_shock(bare, np.ones(2))) == (None, None, None)
    assert [breaking_factor(bare, asset) for asset in (0, 1)] == [None, None]


def test_the_same_stablecoin_on_both_sides_is_reached_by_no_price() -> None:
    one = exposure([("USDC", 100, 70, 0.8, 0.7)])
    assert (breaking_factor(one, 0), distance(one, np.eye(1)), basket_shock(one, np.ones(1))) == (None, None, None)


def test_under_the_line_already_every_distance_says_the_way_back() -> None:
    under = exposure([("ETH", 10_000, 0, 0.8, 0.75), ("USDC", 0, 9_000, 0.8, 0.75)])
    found = distance(under, WEEK)
    assert found is not None
    assert (margin(under).health or 0) < 1
    assert (margin(under).equity_over_mm or 9) < 1
    assert found.sigmas < 0
    assert _factor(under, 0) == pytest.approx(1.125)
    assert collateral_fall(under) == pytest.approx(-0.125)
    assert basket_shock(under, np.array([1.0, 0.0])) == pytest.approx(0.125)
