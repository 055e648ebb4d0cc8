"""Aave V3's arithmetic against exact rationals: what rounds which way, and by how little. The vectors say that it is Aave's own."""

from __future__ import annotations

from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from watcher.errors import AnswerError, Overflow
from watcher.formula.aave import health, interest, rate, token
from watcher.formula.aave.health import Sums
from watcher.formula.aave.version import REVISIONS, Version, version
from watcher.units import BPS, MAX, RAY, WAD, YEAR, Ray

VERSIONS = st.sampled_from(Version)
OLD = st.sampled_from([v for v in Version if v < Version.V3_5])
NEW = st.sampled_from([v for v in Version if v >= Version.V3_5])
RATES = st.integers(0, 20 * RAY)
SECONDS = st.integers(0, 3 * YEAR)
INDICES = st.integers(RAY, 50 * RAY)
AMOUNTS = st.integers(0, 10**32)
BASE = st.integers(0, 10**26)


def test_an_unknown_revision_is_named_and_not_guessed() -> None:
    assert {revision: version(revision) for revision in REVISIONS} == REVISIONS
    with pytest.raises(AnswerError, match="revision 12 is not known"):
        version(12)


@given(RATES, SECONDS)
def test_linear_interest_is_the_exact_line_rounded_down(yearly: int, seconds: int) -> None:
    exact = RAY * (1 + Fraction(yearly, RAY) * Fraction(seconds, YEAR))
    assert interest.linear(yearly, seconds) == exact.numerator // exact.denominator


@given(st.integers(0, 2 * RAY), st.integers(0, YEAR))
def test_debt_grows_by_the_first_terms_of_the_exponential_from_3_4(yearly: int, seconds: int) -> None:
    x = Fraction(yearly, RAY) * Fraction(seconds, YEAR)
    exact = RAY * (1 + x + x**2 / 2 + x**3 / 6)
    assert abs(interest.exponential(yearly, seconds) - exact) <= 4 + 2 * x


@given(st.integers(0, 2 * RAY), st.integers(0, YEAR))
def test_debt_grew_by_the_binomial_theorem_until_3_3(yearly: int, seconds: int) -> None:
    per_second, t = Fraction(yearly, RAY * YEAR), seconds
    exact = RAY * (
        1
        + t * per_second
        + Fraction(t * max(t - 1, 0), 2) * per_second**2
        + Fraction(t * max(t - 1, 0) * max(t - 2, 0), 6) * per_second**3
    )
    lost = t * t + t**3  # a unit in the square and in the cube of the rate weighs that much
    assert -lost <= interest.binomial(yearly, seconds) - exact <= lost


@given(VERSIONS, INDICES, RATES)
def test_no_time_leaves_an_index_as_it_is_stored(release: Version, index: int, yearly: int) -> None:
    assert interest.income(index, yearly, 0) == index
    assert interest.owed(release, index, yearly, 0) == index


@pytest.mark.parametrize(
    ("yearly", "seconds", "index"),
    [  # getReserveNormalizedVariableDebt of the bytecode of @aave/protocol-v2 1.0.1, from a stored index of one
        (51944444444444444444444444, 1, 1000000001647147528045549354),
        (51944444444444444444444444, 86_400, 1000142323673308643745208000),
        (32666666666666666666666667, 2_592_000, 1002688538836430376366976000),
        (51944444444444444444444444, 31_536_000, 1053314465827602535640920000),
        (32666666666666666666666667, 94_608_000, 1102943134167546669298624000),
    ],
)
def test_v2_cuts_the_rate_to_a_second_before_it_takes_powers(yearly: int, seconds: int, index: int) -> None:
    assert interest.owed(Version.V2, RAY, yearly, seconds) == index
    assert interest.owed(Version.V3_0, RAY, yearly, seconds) != index or seconds == 1


def test_time_does_not_run_backwards() -> None:
    with pytest.raises(Overflow):
        interest.linear(RAY, -1)
    with pytest.raises(Overflow):
        interest.compounded(Version.V3_0, RAY, -1)
    with pytest.raises(Overflow):
        interest.compounded(Version.V3_7, RAY, -1)


@given(NEW, AMOUNTS, INDICES)
def test_from_3_5_every_rounding_is_the_accounts_loss(release: Version, amount: int, index: int) -> None:
    exact = Fraction(amount * index, RAY)
    assert exact - 1 < token.deposit(release, amount, index) <= exact
    assert exact <= token.debt(release, amount, index) < exact + 1
    assert token.deposit(release, token.minted_deposit(release, amount, index), index) <= amount
    assert token.debt(release, token.minted_debt(release, amount, index), index) >= amount
    assert token.deposit(release, token.burnt_deposit(release, amount, index), index) >= amount
    assert token.debt(release, token.burnt_debt(release, amount, index), index) <= amount


@given(OLD, AMOUNTS, INDICES)
def test_until_3_4_every_rounding_is_to_the_nearest(release: Version, amount: int, index: int) -> None:
    exact = Fraction(amount * index, RAY)
    for balance in (token.deposit(release, amount, index), token.debt(release, amount, index)):
        assert exact - Fraction(1, 2) < balance <= exact + Fraction(1, 2)
    scaled = Fraction(amount * RAY, index)
    for convert in (token.minted_deposit, token.burnt_deposit, token.minted_debt, token.burnt_debt):
        assert abs(convert(release, amount, index) - scaled) <= Fraction(1, 2)


@st.composite
def accounts(draw: st.DrawFn, debts: st.SearchStrategy[int] = BASE) -> Sums:
    parts = draw(st.lists(st.tuples(BASE, st.integers(0, BPS), st.integers(0, BPS)), max_size=4))
    return Sums(
        collateral=sum(value for value, _, _ in parts),
        debt=draw(debts),
        weighted=sum(value * threshold for value, threshold, _ in parts),
        lendable=sum(value * ltv for value, _, ltv in parts),
    )


@given(NEW, accounts(st.integers(1, 10**26)))
def test_from_3_5_health_is_weighted_collateral_over_debt(release: Version, sums: Sums) -> None:
    factor = health.health_factor(release, sums)
    assert factor is not None
    exact = Fraction(sums.weighted * WAD, BPS * sums.debt)
    assert exact - 1 < factor <= exact + 1


@given(OLD, accounts(st.integers(1, 10**26)))
def test_until_3_4_health_sees_the_average_threshold_cut_to_a_basis_point(release: Version, sums: Sums) -> None:
    factor = health.health_factor(release, sums)
    assert factor is not None
    cut = sums.weighted // sums.collateral if sums.collateral else 0
    exact = Fraction(sums.collateral * cut * WAD, BPS * sums.debt)
    assert abs(factor - exact) <= Fraction(WAD, 2 * sums.debt) + Fraction(1, 2)


def test_who_owes_nothing_has_no_health() -> None:
    for release in Version:
        assert health.health_factor(release, Sums(10, 0, 80_000, 70_000)) is None


@given(VERSIONS, st.data())
def test_the_line_compares_exactly_as_the_health_factor_does(release: Version, data: st.DataObject) -> None:
    debt = data.draw(st.one_of(st.integers(1, 10**12), st.integers(10**17, 10**24)))
    bps = BPS if release >= Version.V3_5 else 1
    weighted = max(debt * bps + data.draw(st.integers(-5_000_000, 5_000_000)), 0)
    # Collateral whose average threshold is whole, so that both generations can stand at any weight.
    sums = Sums(weighted, debt, weighted, 0) if release >= Version.V3_5 else Sums(weighted, debt, weighted * BPS, 0)
    factor = health.health_factor(release, sums)
    left, right = health.line(release, sums)
    assert factor is not None
    assert (left < right) == (factor < health.LIQUIDATION_LINE)


@given(VERSIONS, accounts())
def test_free_borrowing_never_exceeds_the_average_loan_to_value(release: Version, sums: Sums) -> None:
    room = max(Fraction(sums.collateral * sums.ltv, BPS) - sums.debt, Fraction(0))
    free = health.available(release, sums)
    assert free >= 0
    assert free <= room + Fraction(1, 2)
    assert release < Version.V3_5 or free <= room


def test_what_does_not_fit_256_bits_reverts() -> None:
    with pytest.raises(Overflow):
        health.deposit_value(MAX, 2, 1)
    with pytest.raises(Overflow):
        health.health_factor(Version.V3_6, Sums(1, 1, MAX // WAD + 1, 0))


STRATEGY = rate.Strategy(Ray(RAY * 8 // 10), Ray(RAY // 100), Ray(RAY * 4 // 100), Ray(RAY * 75 // 100))


@pytest.mark.parametrize("release", Version)
def test_the_borrow_rate_passes_through_the_points_of_its_curve(release: Version) -> None:
    units = 10**24
    for used, expected in STRATEGY.points:
        debt = units * used // RAY
        pooled = rate.Pooled(units - debt, debt, 0, Ray(0), 0, 1_000)
        assert rate.rates(release, STRATEGY, pooled)[1] == expected


@given(VERSIONS, st.integers(1, 10**30), st.integers(0, 10**30), st.integers(0, BPS))
def test_depositors_never_earn_more_than_borrowers_pay(release: Version, debt: int, free: int, factor: int) -> None:
    pooled = rate.Pooled(free, debt, 0, Ray(0), 0, factor)
    earned, paid = rate.rates(release, STRATEGY, pooled)
    share = Fraction(debt, debt + free) * Fraction(BPS - factor, BPS)
    widened = Fraction(RAY, 2 * debt * 10**9) if release < Version.V3_2 else 0  # two roundings of small debts
    assert abs(earned - paid * share) <= 3 + widened


def test_utilisation_is_debt_over_all_there_is() -> None:
    assert rate.utilisation(0, 10) == 0
    assert rate.utilisation(10, 0) == RAY
    assert rate.utilisation(1, 3) == RAY // 4
