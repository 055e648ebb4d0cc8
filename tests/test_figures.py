"""Figures for people, against `decimal` and `fractions`."""

from __future__ import annotations

from decimal import Decimal, localcontext
from fractions import Fraction
from math import ceil, floor

import pytest
from hypothesis import given
from hypothesis import strategies as st

from watcher.figures import age, change, exact, fixed, health, percent, short

INTEGERS = st.integers(-(10**40), 10**40)


@given(INTEGERS, st.integers(-40, 36))
def test_exact_is_the_decimal_it_stands_for(integer: int, decimals: int) -> None:
    text = exact(integer, decimals)
    with localcontext(prec=100):
        assert Decimal(text) == Decimal(integer).scaleb(-decimals)
    assert "e" not in text.lower()
    assert not ("." in text and text.endswith("0"))


@given(INTEGERS, st.integers(-40, 36), st.integers(1, 18))
def test_the_last_shown_digit_is_rounded_the_way_that_is_asked_for(integer: int, decimals: int, places: int) -> None:
    whole = Fraction(integer) / Fraction(10) ** decimals * 10**places
    for up, rounded in ((False, floor(whole)), (True, ceil(whole))):
        assert Fraction(fixed(integer, decimals, places, up=up).replace(",", "")) == Fraction(rounded, 10**places)


@given(INTEGERS, st.integers(-40, 36), st.integers(1, 6))
def test_a_short_figure_is_off_in_one_direction_only(integer: int, decimals: int, places: int) -> None:
    whole = Fraction(integer) / Fraction(10) ** decimals
    low, high = (Fraction(short(integer, decimals, places, up=up).replace(",", "")) for up in (False, True))
    assert low <= whole <= high
    assert high - low <= Fraction(1, 10**places)


@given(INTEGERS, st.integers(1, 10**40), st.integers(1, 6))
def test_a_share_in_per_cent_is_off_in_one_direction_only(part: int, whole: int, places: int) -> None:
    low, high = (
        Fraction(percent(part, whole, places, up=up).removesuffix(" %").replace(",", "")) for up in (False, True)
    )
    assert low <= Fraction(100 * part, whole) <= high
    assert high - low in (0, Fraction(1, 10**places))


def test_a_price_in_a_unit_larger_than_one_is_a_whole_number() -> None:
    assert exact(5, -3) == "5000"
    assert fixed(5, -3, 2) == "5,000.00"


@given(st.integers(1, 10**30), st.integers(0, 30))
def test_a_small_amount_is_never_shown_as_zero(integer: int, decimals: int) -> None:
    assert Fraction(short(integer, decimals).replace(",", "")) > 0


def test_a_health_just_below_the_line_does_not_look_like_one() -> None:
    assert health(10**18 - 1) == "0.999999999999999999"
    assert health(10**18) == "1.000000000000000000"
    assert health(1_234_567 * 10**12) == "1.2345"
    assert health(None) == "–"


@pytest.mark.parametrize(
    ("before", "after", "text"),
    [
        (1_203_456 * 10**12, 1_152_000 * 10**12, "1.2034 → 1.1520"),
        (1_203_456_789 * 10**9, 1_203_456_700 * 10**9, "1.20345678 → 1.20345670"),
        (2 * 10**18, 2 * 10**18 - 1, "2.0000 → 1.9999"),
        (10**18, 10**18, "1.000000000000000000 → 1.000000000000000000"),
        (12 * 10**17, 12 * 10**17, "1.2000 → 1.2000"),
        (None, 12 * 10**17, "– → 1.2000"),
        (12 * 10**17, None, "1.2000 → –"),
    ],
)
def test_a_change_of_health_is_seen_however_small(before: int | None, after: int | None, text: str) -> None:
    assert change(before, after) == text


def test_a_share_of_nothing_is_a_dash() -> None:
    assert percent(8250, 10_000) == "82.50 %"
    assert percent(-1, 3) == "-33.34 %"
    assert percent(1, 0) == "–"


@pytest.mark.parametrize(
    ("seconds", "text"), [(-5, "0 s"), (119, "119 s"), (120, "2 min"), (7200, "2 h"), (172_800, "2 d")]
)
def test_age_is_in_the_largest_unit_that_fits_twice(seconds: int, text: str) -> None:
    assert age(seconds) == text
