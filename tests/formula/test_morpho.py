"""Morpho's arithmetic against fractions, and its refusals; that it equals the contract is proved on the local chain."""

from __future__ import annotations

from fractions import Fraction
from math import ceil, floor

import pytest
from hypothesis import given
from hypothesis import strategies as st

from watcher.errors import Overflow
from watcher.formula.morpho import (
    PRICE_SCALE,
    Pot,
    Totals,
    compounded,
    incentive,
    largest_seizure,
    max_borrow,
    room,
    seized_for,
    to_assets_down,
    to_assets_up,
    to_shares_down,
    to_shares_up,
    with_interest,
)
from watcher.units import WAD, YEAR

amounts = st.integers(0, 10**30)
pots = st.builds(lambda assets, worth: Pot(assets, assets * 10**6 // worth), amounts, st.integers(1, 100))


@given(amounts, pots)
def test_shares_and_assets_round_as_their_names_say(amount: int, pot: Pot) -> None:
    one = Fraction(pot.assets + 1, pot.shares + 10**6)
    assert to_assets_down(amount, pot) == floor(amount * one)
    assert to_assets_up(amount, pot) == ceil(amount * one)
    assert to_shares_down(amount, pot) == floor(amount / one)
    assert to_shares_up(amount, pot) == ceil(amount / one)


@given(st.integers(0, 10**11), st.integers(0, 10 * YEAR))
def test_interest_is_three_terms_of_the_exponential(rate: int, elapsed: int) -> None:
    x = Fraction(rate * elapsed, WAD)
    exact = (x + x**2 / 2 + x**3 / 6) * WAD
    # each division drops less than one unit; the second one's is multiplied by x / 3 in the third
    assert exact - 2 - x / 3 < compounded(rate, elapsed) <= exact


def test_interest_goes_to_both_sides_and_the_fee_becomes_shares() -> None:
    totals = Totals(supply=Pot(10**24, 10**30), borrow=Pot(8 * 10**23, 8 * 10**29))
    accrued = with_interest(totals, 10**9, YEAR, WAD // 10)
    interest = accrued.totals.borrow.assets - totals.borrow.assets
    assert interest == accrued.totals.supply.assets - totals.supply.assets > 0
    assert accrued.totals.supply.shares - totals.supply.shares == accrued.fee_shares > 0
    cut = to_assets_down(accrued.fee_shares, accrued.totals.supply)
    assert 0 <= interest // 10 - cut <= 1


def test_totals_beyond_128_bits_are_refused_as_by_the_contract() -> None:
    full = Pot(2**128 - 1, 2**128 - 1)
    with pytest.raises(Overflow):
        full.moved(1, 0)
    with pytest.raises(Overflow):
        full.moved(0, -(2**128))
    with pytest.raises(Overflow):
        with_interest(Totals(full, full), 10**9, YEAR, 0)


def test_a_price_of_half_the_number_range_overflows_unless_nothing_is_held() -> None:
    with pytest.raises(Overflow):
        max_borrow(2, 2**255, WAD)
    assert max_borrow(0, 2**255, WAD) == 0


def test_a_repayment_may_round_to_one_more_than_there_is() -> None:
    assert Pot(10, 10**7).repaid(11, 10**7) == Pot(0, 0)


@given(st.integers(0, WAD - 1))
def test_the_incentive_grows_with_the_distance_to_full_loan_up_to_fifteen_percent(lltv: int) -> None:
    exact = min(Fraction(115, 100), 1 / (1 - Fraction(3, 10) * (1 - Fraction(lltv, WAD))))
    assert exact * WAD - 3 < incentive(lltv) <= exact * WAD + 3


@given(pots, st.data())
def test_one_unit_more_than_the_room_is_too_much(borrow: Pot, data: st.DataObject) -> None:
    held = data.draw(st.integers(0, borrow.shares))
    limit = data.draw(st.integers(0, 10**30))

    def owed(more: int) -> int:
        shares = to_shares_up(more, borrow)
        return to_assets_up(held + shares, borrow.moved(more, shares))

    left = room(borrow, held, limit)
    assert left == 0 or owed(left) <= limit
    if to_assets_up(1, borrow) == 1:
        assert owed(left + 1) > limit


@given(
    st.integers(1, 10**24),
    st.integers(1, 10**24),
    st.integers(1, 10**48),
    st.sampled_from([385 * WAD // 1000, 77 * WAD // 100, 86 * WAD // 100, 98 * WAD // 100]),
)
def test_the_largest_seizure_takes_no_more_than_there_is(debt: int, collateral: int, price: int, lltv: int) -> None:
    totals = Totals(supply=Pot(2 * 10**24, 2 * 10**30), borrow=Pot(debt + 10**12, (debt + 10**12) * 10**6))
    shares = debt * 10**6
    done = largest_seizure(totals, collateral, shares, price, lltv)
    factor, borrow = incentive(lltv), totals.borrow
    if done is None:
        assert seized_for(1, borrow, price, factor) > collateral
        return
    assert 0 <= done.seized <= collateral and 0 < done.shares <= shares
    assert done.collateral == collateral - done.seized
    one_more = done.shares < shares and seized_for(done.shares + 1, borrow, price, factor) <= collateral
    assert done.shares == shares or done.seized == collateral or not one_more
    gone = borrow.shares - done.totals.borrow.shares
    assert gone == (shares if done.borrow_shares == 0 else done.shares)
    assert totals.supply.assets - done.totals.supply.assets == done.bad_debt


def test_without_collateral_left_what_is_owed_becomes_bad_debt() -> None:
    totals = Totals(supply=Pot(10**24, 10**30), borrow=Pot(10**23, 10**29))
    done = largest_seizure(totals, 10**18, 10**27, PRICE_SCALE, 86 * WAD // 100)
    assert done is not None
    assert (done.seized, done.collateral, done.borrow_shares) == (10**18, 0, 0)
    assert done.bad_debt > 0 and done.repaid + done.bad_debt in range(10**21 - 1, 10**21 + 3)
