from __future__ import annotations

from tests.adapters.situations import NOW, OWNERS, key, morpho_terms
from tests.health.toy import ONE, A, B, C, position
from watcher.adapter import Position
from watcher.adapters import adapter
from watcher.adapters.morpho_blue.facts import Holding, Quote
from watcher.formula.morpho import Pot, Totals
from watcher.health.correlated import Group, Ratio, correlated
from watcher.health.walk import revalued
from watcher.oracle.feed import Pulse
from watcher.units import WAD

ETHER = Group("ether", frozenset((A.address, B.address)))
ALL = Group("all", frozenset((A.address, B.address, C.address)))


def test_a_staked_coin_against_its_coin_has_a_ratio_and_no_misleading_price() -> None:
    # 10 A at 12.00 and 90 % against 9 B at 10.00: the line is at A = 10.00, so at a ratio of 1.00 and less
    toy = position({A: 1_200, B: 1_000}, {A: 9_000}, {A: 10 * ONE}, {B: 9 * ONE})
    (found,) = correlated(toy, [ETHER])
    assert found.closed
    assert found.ratio == Ratio(A, B, answer=999, present=1_200, under=1_000)
    assert revalued(toy, {A.address: 999}).liquidatable
    assert not revalued(toy, {A.address: 1_000}).liquidatable
    assert (found.fall.steps, found.fall.reason) == (None, "no fall does it before a price would be 0")


def test_two_staked_coins_have_the_fall_only() -> None:
    toy = position({A: 1_200, B: 1_000, C: 1_100}, {A: 9_000, C: 9_000}, {A: 5 * ONE, C: 5 * ONE}, {B: 9 * ONE})
    (found,) = correlated(toy, [ALL])
    assert found.closed
    assert (found.ratio, found.reason) == (None, "more than one asset on a side: see the group's fall")


def test_the_same_coin_on_both_sides_has_no_ratio() -> None:
    (found,) = correlated(position({A: 1_000}, {A: 9_000}, {A: 10 * ONE}, {A: 5 * ONE}), [ETHER])
    assert (found.closed, found.ratio) == (True, None)
    assert found.reason == "the same asset on both sides: its price cannot part from itself"


def test_debt_outside_of_the_group_leaves_its_common_fall() -> None:
    # 10 A and 10 B at 10.00 and 80 % against 80.00 of C: both may halve, and one step more liquidates
    toy = position(
        {A: 1_000_000, B: 1_000_000, C: 100}, {A: 8_000, B: 8_000}, {A: 10 * ONE, B: 10 * ONE}, {C: 80_000 * ONE}
    )
    (found,) = correlated(toy, [ETHER])
    assert (found.closed, found.ratio, found.fall.steps) == (False, None, 500_001)


def test_a_group_that_does_not_move_the_position_is_left_out() -> None:
    assert correlated(position({A: 1_000, C: 100}, {C: 8_000}, {C: ONE}, {}), [ETHER]) == ()


def test_a_closed_position_over_the_line_has_the_present_ratio() -> None:
    (found,) = correlated(position({A: 990, B: 1_000}, {A: 9_000}, {A: 10 * ONE}, {B: 9 * ONE}), [ETHER])
    assert found.ratio == Ratio(A, B, answer=990, present=990, under=1_000)
    assert found.fall.steps == 0


def test_a_market_that_prices_collateral_in_the_debt_token_has_its_price_as_the_ratio() -> None:
    # one collateral token at 1.2 and 94.5 % against 1.0 loan token: the line is at 1 / 0.945 = 1.058201058..
    terms = morpho_terms((18, 18), WAD * 945 // 1000)
    shares = Pot(10**24, 10**30)
    quote = Quote(Totals(shares, shares), 0, NOW.timestamp, 12 * 10**35, None, Pulse(None, False), at=NOW)
    holding = Holding(key(terms.market, OWNERS[0]), 0, 10**24, WAD)
    position = Position(adapter("morpho_blue"), terms, quote, holding)
    group = Group("pair", frozenset((terms.loan.address, terms.params.collateral)))
    (found,) = correlated(position, [group])
    assert found.ratio is not None
    assert (found.ratio.present, found.ratio.under) == (12 * 10**35, 10**36)
    assert found.ratio.answer * 10**15 // found.ratio.under == 1_058_201_058_201_058
