"""Alarm bands on a figure: worse in its own direction, left only by a fifth more, and never read as fine where it is not told."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.health.toy import KEY
from watcher.errors import ConfigError
from watcher.health.bands import LADDER
from watcher.health.limits import Crossed, Limits, limits_for, worst_of
from watcher.health.measure import End, Figure, Measure
from watcher.model import Status

USED = Measure.MARGIN_UTILISATION
OVER = Measure.EQUITY_OVER_MM
WALLET: Any = "0x87870Bca3F3fD6335C3F4ce8392D69350B4fA4E2"
OTHER: Any = "0xBBBBBbbBBb9cC5e90e3b3Af64bdAF62C37EEFFCb"


def limits(measure: Measure, *numbers: str | None, **about: Any) -> Limits:
    steps = zip((Status.WATCH, Status.WARN, Status.DANGER, Status.CRITICAL), numbers, strict=False)
    return Limits(measure, tuple((status, Fraction(one)) for status, one in steps if one is not None), **about)


RISING = limits(USED, "0.5", "0.7", "0.85", "0.95")
FALLING = limits(OVER, "3", "2", "1.5", "1.2")


def at(measure: Measure, number: str) -> Figure:
    return Figure(measure, Fraction(number))


@pytest.mark.parametrize(
    ("number", "status", "clears"),
    [
        ("0.5", Status.SAFE, Status.WATCH),
        ("0.4", Status.SAFE, Status.SAFE),  # a fifth of 0.5 below it
        ("0.51", Status.WATCH, Status.WATCH),
        ("0.7", Status.WATCH, Status.WARN),
        ("0.66", Status.WATCH, Status.WATCH),  # a fifth of 0.2 below 0.7
        ("0.661", Status.WATCH, Status.WARN),
        ("0.951", Status.CRITICAL, Status.CRITICAL),
        ("7", Status.CRITICAL, Status.CRITICAL),
    ],
)
def test_a_rising_figure_is_worse_above(number: str, status: Status, clears: Status) -> None:
    figure = at(USED, number)
    assert (RISING.level(figure), RISING.cleared(figure)) == (status, clears)


@pytest.mark.parametrize(
    ("number", "status", "clears"),
    [
        ("3.2", Status.SAFE, Status.SAFE),
        ("3", Status.SAFE, Status.WATCH),
        ("2.99", Status.WATCH, Status.WATCH),
        ("1.23", Status.DANGER, Status.CRITICAL),  # 1.2 is left at 1.24: a fifth of its distance to 1
        ("1.24", Status.DANGER, Status.DANGER),
        ("-5", Status.CRITICAL, Status.CRITICAL),
    ],
)
def test_a_falling_figure_is_worse_below(number: str, status: Status, clears: Status) -> None:
    figure = at(OVER, number)
    assert (FALLING.level(figure), FALLING.cleared(figure)) == (status, clears)


@given(st.fractions(0, 4), st.sampled_from([RISING, FALLING]))
def test_what_clears_is_never_better_than_the_level(number: Fraction, of: Limits) -> None:
    level, clears = (found(Figure(of.measure, number)) for found in (of.level, of.cleared))
    assert level is not None
    assert clears is not None
    assert LADDER.index(clears) >= LADDER.index(level)


def test_an_end_is_the_worst_step_none_or_not_told() -> None:
    mild = limits(USED, "0.5", "0.7")
    assert mild.level(Figure(USED, None, End.WORST)) is mild.cleared(Figure(USED, None, End.WORST)) is Status.WARN
    assert RISING.level(Figure(USED, None, End.WORST)) is Status.CRITICAL
    assert FALLING.level(Figure(OVER, None, End.BEST)) is Status.SAFE
    assert RISING.level(Figure(USED, None, End.UNTOLD)) is RISING.cleared(Figure(USED, None, End.UNTOLD)) is None


def test_one_step_is_enough_and_none_is_refused() -> None:
    one = limits(Measure.CHANCE_1D, None, "0.05")
    assert one.level(at(Measure.CHANCE_1D, "0.06")) is Status.WARN
    assert one.level(at(Measure.CHANCE_1D, "0.9")) is Status.WARN
    with pytest.raises(ConfigError, match="write at least one of watch, warn, danger, critical"):
        Limits(USED, ())


@pytest.mark.parametrize(
    ("measure", "numbers", "said"),
    [
        (USED, ("0.5", "0.5"), "margin_utilisation: warn must lie above watch"),
        (OVER, ("2", "3"), "equity_over_mm: warn must lie below watch"),
        (OVER, ("2", "1"), "equity_over_mm: every number must lie above 1"),
        (Measure.LEVERAGE, ("1",), "leverage: every number must lie above 1"),
        (Measure.FALL, ("0",), "fall: every number must lie above 0"),
        (Measure.CHANCE_7D, ("0", "0.1"), "chance_7d: every number must lie above 0"),
    ],
)
def test_numbers_that_make_no_band_are_refused(measure: Measure, numbers: tuple[str, ...], said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        limits(measure, *numbers)


def test_a_wallets_word_counts_before_a_markets_and_that_before_everybodys() -> None:
    everybody, here = limits(USED, "0.5"), limits(USED, "0.6", market=KEY.market)
    mine, elsewhere = limits(USED, "0.7", wallet=WALLET), limits(USED, "0.8", market="other")
    fall = limits(Measure.FALL, "0.1")
    every = (everybody, elsewhere, here, fall, mine, limits(USED, "0.9"))
    assert limits_for(every, WALLET, KEY.market) == (mine, fall)
    assert limits_for(every, OTHER, KEY.market) == (here, fall)
    assert limits_for(every, OTHER, "third") == (everybody, fall)
    assert limits_for((mine,), OTHER, KEY.market) == ()


def test_the_figure_that_made_it_so_is_the_worst_and_only_if_nothing_else_did() -> None:
    used = Crossed(at(USED, "0.8"), Status.WARN, Fraction("0.7"))
    over = Crossed(at(OVER, "1.1"), Status.CRITICAL, Fraction("1.2"))
    assert worst_of([used, over], Status.SAFE) == over
    assert worst_of([used, over], Status.CRITICAL) is None
    assert worst_of([], Status.SAFE) is None
