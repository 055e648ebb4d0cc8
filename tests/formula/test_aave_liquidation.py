"""How much an Aave V3 liquidation may take: close factor, dust, bonus. The amounts themselves are proved on chain and by vectors."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from watcher.formula.aave import liquidation as liq
from watcher.formula.aave.health import Sums
from watcher.formula.aave.liquidation import Pair, Seizure
from watcher.formula.aave.version import Version
from watcher.units import BPS, RAY, WAD

USD = 10**8
BEFORE_3_3 = [v for v in Version if v < Version.V3_3]
FROM_3_3 = [v for v in Version if v >= Version.V3_3]
NEAR, FAR = WAD * 97 // 100, WAD * 90 // 100


def pair(debt_dollars: int, collateral_dollars: int, *, bonus: int = 10_500, fee: int = 1_000) -> Pair:
    """Dollars of six decimals owed against ether of 2,000 dollars."""
    return Pair(
        debt=debt_dollars * 10**6,
        debt_price=USD,
        debt_unit=10**6,
        scaled=collateral_dollars * 10**18 // 2_000,
        index=RAY,
        price=2_000 * USD,
        unit=10**18,
        bonus=bonus,
        fee=fee,
    )


def sums(collateral_dollars: int, debt_dollars: int) -> Sums:
    return Sums(collateral_dollars * USD, debt_dollars * USD, 0, 0)


@pytest.mark.parametrize("release", BEFORE_3_3)
def test_until_3_2_half_of_a_debt_may_be_repaid_and_in_v3_all_of_it_at_0_95(release: Version) -> None:
    one, whole = pair(5_000, 6_000), sums(6_000, 9_000)
    assert liq.closable(release, one, whole, NEAR) == one.debt // 2
    assert liq.closable(release, one, whole, liq.CLOSE_LINE + 1) == one.debt // 2
    at_line = one.debt // 2 if release is Version.V2 else one.debt
    assert liq.closable(release, one, whole, liq.CLOSE_LINE) == at_line


@pytest.mark.parametrize("release", FROM_3_3)
@pytest.mark.parametrize(
    ("owed", "held", "total", "factor", "dollars"),
    [
        (5_000, 6_000, 5_000, NEAR, 2_500),  # half of everything owed
        (5_000, 6_000, 9_000, NEAR, 4_500),  # still half of everything
        (4_000, 6_000, 9_000, NEAR, 4_000),  # this debt is less than half of everything
        (5_000, 6_000, 5_000, FAR, 5_000),  # too unhealthy to be halved
        (1_999, 6_000, 1_999, NEAR, 1_999),  # a small debt
        (5_000, 1_999, 5_000, NEAR, 5_000),  # a small collateral
        (2_000, 2_000, 2_000, NEAR, 1_000),  # exactly not small
    ],
)
def test_from_3_3_half_of_all_debt_may_be_repaid_unless_a_side_is_small(
    release: Version, owed: int, held: int, total: int, factor: int, dollars: int
) -> None:
    assert liq.closable(release, pair(owed, held), sums(held, total), factor) == dollars * 10**6


@pytest.mark.parametrize("release", FROM_3_3)
def test_what_would_leave_dust_is_cut_to_the_last_unit_that_does_not(release: Version) -> None:
    one = pair(2_600, 20_000)
    taken = liq.largest(release, one, 1_700 * 10**6)  # 900 dollars would be left
    assert taken is not None
    assert taken.repay == 1_600 * 10**6
    assert not liq.leaves_dust(release, one, taken)
    assert liq.leaves_dust(release, one, liq.seizure(release, one, taken.repay + 1))


@pytest.mark.parametrize("release", FROM_3_3)
def test_where_nothing_can_be_left_nothing_can_be_taken(release: Version) -> None:
    assert liq.largest(release, pair(900, 20_000), 300 * 10**6) is None


@given(st.sampled_from(Version), st.integers(1, 10**6), st.integers(1, 10**6), st.data())
def test_a_seizure_is_worth_the_debt_and_its_bonus(release: Version, owed: int, held: int, data: st.DataObject) -> None:
    one = pair(owed, held, bonus=data.draw(st.integers(BPS, 12_000)), fee=data.draw(st.sampled_from((0, 1_000, BPS))))
    cover = data.draw(st.integers(1, one.debt))
    taken = liq.seizure(release, one, cover)
    assert taken.repay <= cover + 1
    assert 0 <= taken.fee <= taken.total <= one.scaled
    assume(taken.total < one.scaled)
    assert taken.repay == cover
    exact = Fraction(cover * one.debt_price * one.unit * one.bonus, one.price * one.debt_unit * BPS)
    assert abs(taken.total - exact) <= Fraction(1, 2) + Fraction(one.bonus, BPS)
    gain = Fraction(taken.total) * (1 - Fraction(BPS, one.bonus))
    assert abs(taken.fee - gain * one.fee / BPS) <= 2


@given(st.sampled_from(Version), st.integers(1, 10**6), st.integers(1, 10**6))
def test_a_liquidator_of_a_whole_balance_pays_for_it(release: Version, owed: int, held: int) -> None:
    one = pair(owed, held)
    taken = liq.seizure(release, one, one.debt)
    if taken.total == one.scaled:
        needed = Fraction(one.price * one.scaled * one.debt_unit * BPS, one.debt_price * one.unit * one.bonus)
        assert abs(taken.repay - needed) <= 2


@pytest.mark.parametrize("release", Version)
def test_the_fee_is_never_more_than_the_scaled_units_left(release: Version) -> None:
    odd = replace(pair(10, 10), scaled=10**15 + 1, index=RAY * 3 // 2)
    taken = liq.seizure(release, odd, odd.debt)
    final = liq.moved(release, odd, replace(taken, fee=taken.fee + 5))
    assert final.collateral == taken.collateral
    assert final.fee <= taken.fee + 2


@pytest.mark.parametrize("release", Version)
def test_an_account_is_empty_when_all_its_collateral_is_in_the_seizure(release: Version) -> None:
    one = pair(5_000, 4_000)
    whole = Seizure(1, one.scaled - 100, 100)
    assert liq.empties(release, one, whole, sums(4_000, 5_000))
    assert not liq.empties(release, one, whole, sums(4_001, 5_000))
    assert not liq.empties(release, one, Seizure(1, one.scaled // 2, 0), sums(4_000, 5_000))
