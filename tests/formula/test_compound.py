"""Compound's arithmetic: what its rounding guarantees, whatever the numbers."""

from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from watcher.errors import Overflow
from watcher.formula.compound import layout
from watcher.formula.compound.exponential import Library, over, product, times
from watcher.formula.compound.liquidation import largest, seize_ratio
from watcher.formula.compound.liquidity import collateral, debt, value
from watcher.formula.compound.pool import Pool, accrued, exchange_rate, owed
from watcher.formula.compound.rate import Curve, points, rate, utilisation
from watcher.formula.compound.screen import SHARE, collateral_factor, debt_astray, debt_factor, debt_share
from watcher.units import MAX, RAY, WAD, YEAR

SUMS = st.integers(0, 10**30)
WADS = st.integers(0, 10 * WAD)
PRICES = st.integers(1, 10**36)
INDICES = st.integers(WAD, 10 * WAD)


@st.composite
def pools(draw: st.DrawFn) -> Pool:
    cash, borrows = draw(SUMS), draw(SUMS)
    return Pool(cash, borrows, draw(st.integers(0, cash + borrows)), draw(st.integers(0, 10**27)), draw(INDICES), 100)


@given(WADS, WADS)
def test_the_libraries_differ_by_at_most_one_and_only_upwards(a: int, b: int) -> None:
    cut, rounded = (product(library, a, b) for library in (Library.TRUNCATING, Library.HALF_UP))
    assert rounded - cut == (2 * (a * b % WAD) >= WAD)
    assert abs(Fraction(a * b, WAD) - rounded) <= Fraction(1, 2)


def test_a_product_beyond_256_bits_ends_as_in_the_contract() -> None:
    for library in Library:
        with pytest.raises(Overflow):
            product(library, 2**200, 2**100)
    with pytest.raises(Overflow):
        product(Library.HALF_UP, MAX, 1)  # the half that is added first
    assert product(Library.TRUNCATING, MAX, 1) == MAX // WAD


@given(pools(), st.integers(0, 5 * 10**12), st.integers(0, WAD), st.integers(0, 10**6))
def test_interest_is_added_once_to_borrows_and_in_part_to_reserves(
    pool: Pool, per_tick: int, factor: int, ticks: int
) -> None:
    after = accrued(pool, per_tick, factor, 100 + ticks)
    interest = after.borrows - pool.borrows
    assert interest == per_tick * ticks * pool.borrows // WAD
    assert after.reserves - pool.reserves == factor * interest // WAD <= interest
    assert after.index == pool.index + per_tick * ticks * pool.index // WAD
    assert (after.cash, after.supply, after.stamp) == (pool.cash, pool.supply, 100 + ticks)
    assert exchange_rate(after, WAD) >= exchange_rate(pool, WAD)


def test_no_market_is_brought_back_in_time() -> None:
    with pytest.raises(Overflow):
        accrued(Pool(0, 0, 0, 0, WAD, 100), 1, 0, 99)


@given(st.integers(1, 10**30), INDICES, st.integers(0, 10 * WAD))
def test_a_debt_grows_with_the_index_and_never_by_more_than_it(principal: int, since: int, more: int) -> None:
    now = owed(principal, since, since + more)
    assert principal <= now <= Fraction(principal * (since + more), since)
    assert owed(principal, since, since) == principal
    assert owed(0, 0, since) == 0


def test_without_ctokens_the_exchange_rate_is_the_initial_one_and_bad_books_have_none() -> None:
    assert exchange_rate(Pool(5, 5, 3, 0, WAD, 1), 7) == 7
    assert exchange_rate(Pool(5, 5, 3, 7, WAD, 1), 7) == WAD
    with pytest.raises(Overflow):
        exchange_rate(Pool(5, 5, 11, 7, WAD, 1), 7)


@given(st.sampled_from(Library), WADS, st.integers(1, 10**28), PRICES, st.integers(0, 10**25))
def test_weighted_collateral_is_within_its_bounds(
    library: Library, weight: int, per_token: int, price: int, tokens: int
) -> None:
    """The screen's factor holds the contract's figure under either library and under every weight up to one."""
    weight = min(weight, WAD)
    factor = collateral_factor(per_token, price)
    exact = Fraction(*factor.value) * tokens * Fraction(weight, WAD)
    off = Fraction(*factor.spread) * tokens + 1
    assert tokens <= factor.limit
    assert abs(collateral(library, weight, per_token, price, tokens) - exact) <= off
    assert value(per_token, price, tokens) <= Fraction(*factor.value) * tokens


@given(st.integers(1, 10**30), INDICES, st.integers(0, 10 * WAD), PRICES)
def test_a_debt_is_within_its_bounds(principal: int, since: int, more: int, price: int) -> None:
    index = since + more
    factor, share = debt_factor(index, price), debt_share(principal, since)
    exact = debt(price, owed(principal, since, index))
    assert abs(exact - Fraction(*factor.value) * share) <= Fraction(*factor.grain)


@given(st.integers(2**100, 2**256), INDICES, PRICES)
def test_what_is_within_the_limit_of_a_debt_does_not_overflow(principal: int, index: int, price: int) -> None:
    if debt_share(principal, index) <= debt_factor(index, price).limit:
        assert debt(price, owed(principal, index, index)) <= MAX


@given(st.lists(st.tuples(st.integers(1, 10**24), st.integers(1, 5 * 10**12)), min_size=1, max_size=12))
def test_total_and_debts_part_by_no_more_than_is_allowed_for(story: list[tuple[int, int]]) -> None:
    """Accounts borrow one after another, a tick apart, and nobody is left out: rounding alone sets the total apart."""
    pool, debts = Pool(10**27, 0, 0, 10**20, WAD, 0), []
    for tick, (amount, per_tick) in enumerate(story, start=1):
        pool = accrued(pool, per_tick, 0, tick * 1_000)
        debts.append((amount, pool.index))
        pool = Pool(pool.cash - amount, pool.borrows + amount, 0, pool.supply, pool.index, pool.stamp)
    total = debt_share(pool.borrows, pool.index)
    booked = sum(debt_share(*one) for one in debts)
    assert abs(total - booked) <= debt_astray(pool, len(story))


@given(st.integers(1, 2 * WAD), PRICES, PRICES, st.integers(1, 10**28), st.integers(1, 10**24), st.integers(1, 10**24))
def test_the_largest_liquidation_takes_all_that_fits(
    incentive: int, debt_price: int, price: int, per_token: int, most: int, held: int
) -> None:
    ratio = seize_ratio(Library.TRUNCATING, incentive, debt_price, price, per_token)
    if ratio is None:
        return
    done = largest(ratio, most, held, 28 * WAD // 1000)
    assert done.repay <= most and done.tokens <= held and done.protocol == 28 * done.tokens // 1000
    assert done.repay == most or times(ratio, done.repay + 1) > held


CURVE = Curve(10**9, 10**10, 10**11, 8 * WAD // 10)


@given(st.integers(0, WAD), st.integers(0, WAD))
def test_a_rate_only_rises_with_utilisation(a: int, b: int) -> None:
    low, high = sorted((a, b))
    assert rate(CURVE, low) <= rate(CURVE, high) + 1  # the jump begins with a rounding of its own


def test_a_curve_goes_through_its_kink_and_its_ends() -> None:
    assert points(CURVE, YEAR) == (
        (0, 10**9 * YEAR * 10**9),
        (8 * RAY // 10, 9 * 10**9 * YEAR * 10**9),
        (RAY, 29 * 10**9 * YEAR * 10**9),
    )
    assert rate(Curve(3, 5, 0, None), WAD) == 8  # a model without a kink
    assert utilisation(Pool(10, 0, 0, 1, WAD, 1)) == 0


def test_the_place_of_debts_is_found_by_the_five_words_before_it() -> None:
    pool = Pool(999, 7, 3, 11, WAD + 5, 17_000_000)
    words = [0, 1, 2, 17_000_000, 4, 5, 17_000_000, WAD + 5, 7, 3, 11, 0, 0, 0]
    assert layout.snapshots(words, pool) == 6 + 7
    assert layout.snapshots(words[:10], pool) is None
    assert layout.snapshots(words * 2, pool) is None  # two places: neither is taken
    assert over(10, 2 * WAD) == 5 and SHARE == WAD * WAD
