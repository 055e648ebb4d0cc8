"""Positions of every family as margin pools: the contract's own health, the money they count in, and what cannot be appraised."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.adapters.situations import SITUATIONS
from tests.appraisal.scene import A, B, C, chain, holds, in_ether, loan, on_morpho, row
from tests.health import toy
from watcher.appraisal.asset import Asset
from watcher.appraisal.held import held
from watcher.config.chain import Group
from watcher.model import Line, Side, Status
from watcher.oracle.dollar import Rate
from watcher.risk.drive import Feed
from watcher.risk.margin import margin

EVERY = pytest.mark.parametrize("name", sorted(SITUATIONS))


@EVERY
@settings(max_examples=settings().max_examples // 5, deadline=None)
@given(data=st.data())
def test_a_pools_health_is_the_contracts_own(name: str, data: st.DataObject) -> None:
    position = data.draw(SITUATIONS[name].positions)
    seen = position.value()
    found = held(row(position), chain(), Rate(Fraction(1, 100)), (), None)
    if found is None:
        assert not any(leg.amount for leg in seen.legs if leg.side is not Side.DEPOSIT)
        return
    line = seen.line
    if found.lost is not None or not line.weighted or not line.owed:
        return
    pool = found.pool(found.assets, 0.01)
    own = float(Fraction(line.weighted, line.owed))
    assert float(pool.threshold @ pool.collateral) / float(pool.debt.sum()) == pytest.approx(own, rel=1e-12)
    assert margin(found.exposure()).health == pytest.approx(own, rel=1e-12)
    assert pool.collateral.sum() == pytest.approx(seen.collateral / 100)
    assert pool.debt.sum() == pytest.approx(seen.debt / 100)


def test_money_is_dollars_and_rates_are_of_each_side() -> None:
    found = holds(loan(rate=7))
    pool = found.pool(found.assets, 0.005)
    assert (found.money, found.scale) == ("USD", 0.01)
    assert pool.collateral.tolist() == pytest.approx([20_000, 0])
    assert pool.debt.tolist() == pytest.approx([0, 10_000])
    assert pool.threshold.tolist() == pytest.approx([0.8, 0])
    assert (pool.earned.tolist(), pool.paid.tolist()) == ([0, 0], pytest.approx([0, 0.07]))
    assert (pool.lag, pool.money) == (0.005, None)


def test_one_asset_on_both_sides_is_one_price() -> None:
    both = holds(toy.position({A: 100, B: 200}, {A: 8_000, B: 5_000}, {A: 50_000, B: 10_000}, {A: 20_000}))
    seen = both.exposure()
    assert [asset.token for asset in both.assets] == [A, B]
    assert seen.collateral.tolist() == pytest.approx([5, 2])
    assert seen.debt.tolist() == pytest.approx([2, 0])
    assert seen.net.sum() == pytest.approx(5 * 0.8 + 2 * 0.5 - 2)


def test_collateral_without_a_threshold_protects_nothing_and_is_equity_all_the_same() -> None:
    idle = holds(toy.position({A: 100, B: 100, C: 100}, {A: 8_000}, {A: 50_000, C: 10_000}, {B: 20_000}))
    found = margin(idle.exposure())
    assert found.equity == pytest.approx(4)
    assert found.health == pytest.approx(2)
    assert found.maintenance == pytest.approx(6 - 4)


def test_a_market_of_a_loan_token_counts_in_that_token() -> None:
    position = on_morpho()
    legs = {leg.side: leg.token for leg in position.value().legs}
    found = holds(position)
    assert found.unit is not None
    assert found.unit.token == legs[Side.DEBT]
    assert set(found.assets) == {asset for asset, _ in found.legs}


def test_a_market_in_ether_counts_in_the_base_of_its_group() -> None:
    group = Group("ETH", (toy.token(0x99).address,))
    found = holds(in_ether(), chain(group))
    assert found.lost is None
    assert found.unit is not None
    assert (found.unit.token.address, found.unit.feed) == (toy.token(0x99).address, Feed.MARKET)
    assert found.assets[-1] == found.unit


def test_a_market_in_ether_where_nobody_says_what_that_is_cannot_be_appraised() -> None:
    found = holds(in_ether())
    assert found.lost == "its prices are in ETH, and no group of that name says what that is"


def test_without_a_price_in_dollars_money_is_the_markets_own_unit() -> None:
    group = Group("ETH", (toy.token(0x99).address,))
    found = holds(in_ether(), chain(group), Rate(None, reason="no feed"))
    pool = found.pool(found.assets, 0.0)
    assert (found.money, found.scale, found.unpriced) == ("ETH", 1e-8, "no feed")
    assert pool.money == list(found.assets).index(found.unit)  # type: ignore[arg-type]  # it has one
    assert pool.collateral.sum() == pytest.approx(found.valuation.collateral / 1e8)


def test_a_line_that_is_no_sum_of_what_is_held_is_told_apart() -> None:
    here = row(loan())
    seen = here.reading.valuation
    assert seen is not None
    other = replace(seen, line=Line(seen.line.weighted * 98 // 100, seen.line.owed, seen.line.unit))
    there = replace(here, reading=replace(here.reading, valuation=other))
    found = held(there, chain(), Rate(Fraction(1, 100)), (), None)
    assert found is not None
    assert "not the sum" in (found.lost or "")


def test_what_is_unknown_or_empty_is_no_position() -> None:
    here = row(loan())
    unknown = replace(here, reading=replace(here.reading, status=Status.UNKNOWN, valuation=None, reason="silent"))
    empty = row(toy.position({A: 100}, {A: 8_000}, {A: 0}, {}))
    for one in (unknown, empty):
        assert held(one, chain(), Rate(Fraction(1, 100)), (), None) is None


def test_two_feeds_of_one_token_are_two_assets_of_one_name() -> None:
    one, two = Asset(1, A, Feed.RATE), Asset(1, A, Feed.MARKET)
    assert one != two
    assert one.name == two.name
