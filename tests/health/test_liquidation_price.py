"""Every answer that the search gives is compared with trying every price, one by one."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given, settings

from tests.health.positions import positions
from tests.health.toy import ONE, A, B, C, Holding, Quote, Terms, position
from watcher.adapter import Position
from watcher.health import walk
from watcher.health.liquidation_price import liquidation_price, liquidation_prices
from watcher.health.mover import movers
from watcher.health.walk import revalued
from watcher.model import Token

Toy = Position[Terms, Quote, Holding]


def liquidatable(toy: Toy, asset: Token, answer: int) -> bool:
    return revalued(toy, {asset.address: answer}).liquidatable


def tried(toy: Toy, asset: Token, answers: range) -> int | None:
    return next((answer for answer in answers if liquidatable(toy, asset, answer)), None)


def found(toy: Toy, asset: Token) -> int | None:
    (price,) = [price for price in liquidation_prices(toy) if price.price.token == asset]
    return price.answer


@settings(deadline=None)
@given(positions(top=500))
def test_a_falling_price_stops_where_trying_every_price_stops(toy: Toy) -> None:
    for mover in movers(toy):
        if mover.slope > 0 and toy.value().debt:
            expected = tried(toy, mover.price.token, range(mover.answer, 0, -1))
            assert liquidation_price(toy, mover).answer == expected


@settings(deadline=None)
@given(positions(top=100))
def test_a_rising_price_stops_where_trying_every_price_stops(toy: Toy) -> None:
    for mover in movers(toy):
        if mover.slope < 0:
            answer = liquidation_price(toy, mover).answer
            limit = mover.answer + 1_000
            expected = tried(toy, mover.price.token, range(mover.answer, limit))
            assert answer == expected or (expected is None and (answer is None or answer >= limit))


def test_one_collateral_and_one_debt_cross_at_the_price_on_paper() -> None:
    # 10 A at 80 % against 800 B at 1.00: 10 · p · 0.8 < 800.00 from p = 99.99 down
    toy = position({A: 20_000, B: 100}, {A: 8_000}, {A: 10 * ONE}, {B: 800 * ONE})
    assert found(toy, A) == 9_999
    assert found(toy, B) == 201  # 10 · 200.00 · 0.8 = 1,600.00 is still enough for 800 · 2.00


def test_an_asset_on_both_sides_counts_by_its_net_effect() -> None:
    # 10 A at 80 % and 5 B at 100 % less 4 A owed and 60 B owed: A protects by 8 − 4 = 4 of its price
    toy = position({A: 2_000, B: 100}, {A: 8_000}, {A: 10 * ONE}, {A: 4 * ONE, B: 60 * ONE})
    assert found(toy, A) == 1_499
    assert not liquidatable(toy, A, 1_500)


def test_an_asset_owed_more_than_it_protects_is_dangerous_upwards() -> None:
    # 2 A at 80 % and 100 B at 90 % against 4 A: 1.6 p + 90.00 < 4 p above p = 37.50
    toy = position({A: 2_000, B: 100}, {A: 8_000, B: 9_000}, {A: 2 * ONE, B: 100 * ONE}, {A: 4 * ONE})
    assert found(toy, A) == 3_751


def test_a_truncated_average_is_crossed_at_the_first_price_and_not_at_the_last() -> None:
    # under the old formula these positions are liquidatable, then not, then again and again, as A falls
    for owed in (21_502, 21_522, 21_535, 21_554, 21_574, 21_593, 21_606, 21_619, 21_626):
        toy = position(
            {A: 2_000, B: 2_000, C: 1}, {A: 100, B: 8_250}, {A: 10 * ONE, B: 13 * ONE}, {C: owed * ONE}, cuts=True
        )
        signs = [liquidatable(toy, A, price) for price in range(2_000, 0, -1)]
        assert sum(1 for before, after in pairwise(signs) if before != after) >= 3
        assert found(toy, A) == 2_000 - signs.index(True)


def test_a_position_over_the_line_names_the_present_price() -> None:
    toy = position({A: 100, B: 100}, {A: 8_000}, {A: 10 * ONE}, {B: 9 * ONE})
    (a, _) = liquidation_prices(toy)
    assert (a.answer, a.reason) == (100, "liquidatable at the present price")


def test_no_debt_has_no_liquidation_price_and_says_why() -> None:
    toy = position({A: 100}, {A: 8_000}, {A: 10 * ONE}, {})
    (a,) = liquidation_prices(toy)
    assert (a.answer, a.reason) == (None, "nothing is owed")


def test_collateral_that_other_collateral_covers_has_no_liquidation_price_and_says_why() -> None:
    toy = position({A: 100, B: 100, C: 100}, {A: 8_000, B: 8_000}, {A: 10 * ONE, B: 20 * ONE}, {C: 9 * ONE})
    prices = {price.price.token: price for price in liquidation_prices(toy)}
    assert prices[A].answer is None
    assert prices[A].reason == "no fall does it, down to the smallest price"


@pytest.mark.parametrize("owed", [234_227, 234_086, 233_735, 233_312, 232_891])
def test_a_truncated_average_is_heeded_where_it_outweighs_all_rounding(owed: int) -> None:
    toy = position(
        {A: 20_000, B: 20_000, C: 1}, {A: 1_000, B: 8_250}, {A: 10 * ONE, B: 13 * ONE}, {C: owed * ONE}, cuts=True
    )
    answers = range(20_000, 18_000, -1)
    signs = [liquidatable(toy, A, price) for price in answers]
    assert sum(1 for before, after in pairwise(signs) if before != after) >= 3
    assert found(toy, A) == answers[signs.index(True)]


def test_a_spent_budget_is_said_and_no_number_is_given(monkeypatch: pytest.MonkeyPatch) -> None:
    toy = position(
        {A: 2_000, B: 2_000, C: 1}, {A: 100, B: 8_250}, {A: 10 * ONE, B: 13 * ONE}, {C: 21_554 * ONE}, cuts=True
    )
    monkeypatch.setattr(walk, "BUDGET", 20)
    (a, _, _) = liquidation_prices(toy)
    assert (a.answer, a.reason) == (None, "not found exactly within 20 valuations")


@pytest.mark.parametrize("cuts", [False, True])
def test_real_sizes_take_few_valuations(cuts: bool) -> None:
    # eight-decimal prices, eighteen-decimal amounts on both sides: every price could not be tried
    toy = position(
        {A: 200_000_000_000, B: 6_500_000_000_000, C: 99_990_000},
        {A: 8_250, B: 7_333, C: 7_800},
        {A: 10**19, B: 7 * 10**17, C: 10**21},
        {A: 2 * 10**18, C: 4 * 10**22},
        cuts=cuts,
    )
    for price in liquidation_prices(toy):
        assert price.answer is not None, price.reason
        present = price.price.answer
        assert present is not None
        way = -1 if price.answer < present else 1
        assert liquidatable(toy, price.price.token, price.answer)
        assert not liquidatable(toy, price.price.token, price.answer - way)
