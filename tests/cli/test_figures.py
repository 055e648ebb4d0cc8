"""Figures for people, against `decimal` and `fractions`."""

from __future__ import annotations

from decimal import Decimal, localcontext
from fractions import Fraction
from math import floor

import pytest
from hypothesis import given
from hypothesis import strategies as st

from watcher.cli.figures import age, exact, fixed, health, percent, short

INTEGERS = st.integers(-(10**40), 10**40)


@given(INTEGERS, st.integers(0, 36))
def test_exact_is_the_decimal_it_stands_for(integer: int, decimals: int) -> None:
    text = exact(integer, decimals)
    with localcontext(prec=100):
        assert Decimal(text) == Decimal(integer).scaleb(-decimals)
    assert "e" not in text.lower()
    assert not ("." in text and text.endswith("0"))


@given(INTEGERS, st.integers(0, 36), st.integers(1, 18))
def test_the_last_shown_digit_is_rounded_down(integer: int, decimals: int, places: int) -> None:
    shown = Fraction(fixed(integer, decimals, places).replace(",", ""))
    assert shown == Fraction(floor(Fraction(integer, 10**decimals) * 10**places), 10**places)


@given(st.integers(1, 10**30), st.integers(0, 30))
def test_a_small_amount_is_never_shown_as_zero(integer: int, decimals: int) -> None:
    assert Fraction(short(integer, decimals).replace(",", "")) > 0


def test_a_health_just_below_the_line_does_not_look_like_one() -> None:
    assert health(10**18 - 1) == "0.999999999999999999"
    assert health(10**18) == "1.000000000000000000"
    assert health(1_234_567 * 10**12) == "1.2345"
    assert health(None) == "–"


def test_a_share_of_nothing_is_a_dash() -> None:
    assert percent(8250, 10_000) == "82.50 %"
    assert percent(-1, 3) == "-33.34 %"
    assert percent(1, 0) == "–"


@pytest.mark.parametrize(
    ("seconds", "text"), [(-5, "0 s"), (119, "119 s"), (120, "2 min"), (7200, "2 h"), (172_800, "2 d")]
)
def test_age_is_in_the_largest_unit_that_fits_twice(seconds: int, text: str) -> None:
    assert age(seconds) == text
