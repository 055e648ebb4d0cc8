from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.health.heads import at_health, wad
from watcher.errors import ConfigError
from watcher.health.bands import CORRELATED, LADDER, VOLATILE, Bands, cleared, level, raised, reaches, worst
from watcher.model import Status
from watcher.units import WAD, Wad


@pytest.mark.parametrize(
    ("threshold", "bands", "above", "below"),
    [
        ("1.5", VOLATILE, Status.SAFE, Status.WATCH),
        ("1.25", VOLATILE, Status.WATCH, Status.WARN),
        ("1.1", VOLATILE, Status.WARN, Status.DANGER),
        ("1.03", VOLATILE, Status.DANGER, Status.CRITICAL),
        ("1.05", CORRELATED, Status.SAFE, Status.WATCH),
        ("1.03", CORRELATED, Status.WATCH, Status.WARN),
        ("1.02", CORRELATED, Status.WARN, Status.DANGER),
        ("1.01", CORRELATED, Status.DANGER, Status.CRITICAL),
    ],
)
def test_each_threshold_is_the_first_health_of_the_better_band(
    threshold: str, bands: Bands, above: Status, below: Status
) -> None:
    assert level(at_health(wad(threshold)), bands) is above
    assert level(at_health(Wad(wad(threshold) - 1)), bands) is below


def test_the_line_is_the_contracts_own_comparison_and_not_the_rounded_health() -> None:
    # Aave rounds health half up: the contract may call 1.0 liquidatable, and another may let less than 1 stand
    exactly, under = at_health(WAD_ONE := Wad(WAD)), at_health(Wad(WAD - 1))
    assert exactly.health == WAD_ONE
    assert level(exactly, VOLATILE) is Status.CRITICAL
    assert level(replace(exactly, liquidatable=True), VOLATILE) is Status.LIQUIDATABLE
    assert level(under, VOLATILE) is Status.LIQUIDATABLE
    assert level(replace(under, liquidatable=False), VOLATILE) is Status.CRITICAL


def test_f41_nothing_owed_is_no_band_and_dust_is_as_safe_as_it_can_be() -> None:
    assert level(at_health(None), VOLATILE) is Status.NO_DEBT
    assert cleared(at_health(None), VOLATILE) is Status.NO_DEBT
    assert level(at_health(Wad(2**256 - 1)), VOLATILE) is Status.SAFE
    assert level(at_health(Wad(0)), VOLATILE) is Status.LIQUIDATABLE


def test_a_loop_at_health_1_03_is_only_watched_when_correlated() -> None:
    assert level(at_health(wad("1.03")), CORRELATED) is Status.WATCH
    assert level(at_health(wad("1.03")), VOLATILE) is Status.DANGER


@pytest.mark.parametrize(
    ("needed", "bands", "cleared_to", "else_"),
    [
        # threshold + 20 % of its distance to 1; from the line, 20 % of the way to critical
        ("1.6", VOLATILE, Status.SAFE, Status.WATCH),
        ("1.3", VOLATILE, Status.WATCH, Status.WARN),
        ("1.12", VOLATILE, Status.WARN, Status.DANGER),
        ("1.036", VOLATILE, Status.DANGER, Status.CRITICAL),
        ("1.006", VOLATILE, Status.CRITICAL, Status.LIQUIDATABLE),
        ("1.06", CORRELATED, Status.SAFE, Status.WATCH),
        ("1.002", CORRELATED, Status.CRITICAL, Status.LIQUIDATABLE),
    ],
)
def test_rising_takes_a_fifth_of_the_thresholds_distance_more(
    needed: str, bands: Bands, cleared_to: Status, else_: Status
) -> None:
    assert cleared(at_health(wad(needed)), bands) is cleared_to
    assert cleared(at_health(Wad(wad(needed) - 1)), bands) is else_


def test_what_must_be_cleared_rounds_up() -> None:
    assert [raised(WAD + over) - WAD for over in (1, 4, 5, 6, 10)] == [2, 5, 6, 8, 12]


thresholds = st.lists(st.integers(WAD + 1, 3 * WAD), min_size=4, max_size=4, unique=True).map(
    lambda steps: Bands(*(Wad(step) for step in sorted(steps, reverse=True)))
)


@given(bands=thresholds, health=st.integers(0, 4 * WAD))
def test_what_clears_is_never_better_than_the_band_and_agrees_with_fractions(bands: Bands, health: int) -> None:
    valuation = at_health(Wad(health))
    status, clears = level(valuation, bands), cleared(valuation, bands)
    assert worst(status, clears) is clears
    lines = [Fraction(t, WAD) for t in (bands.watch, bands.warn, bands.danger, bands.critical)]
    needed = [t + (t - 1) / 5 for t in lines] + [1 + (lines[-1] - 1) / 5]
    assert LADDER.index(clears) == 1 + sum(Fraction(health, WAD) < step for step in needed)


@given(bands=thresholds, one=st.integers(0, 4 * WAD), other=st.integers(0, 4 * WAD))
def test_less_health_is_never_a_better_band(bands: Bands, one: int, other: int) -> None:
    low, high = sorted((one, other))
    for of in (level, cleared):
        assert reaches(of(at_health(Wad(low)), bands), of(at_health(Wad(high)), bands))


@pytest.mark.parametrize(
    ("steps", "said"),
    [
        (("1.25", "1.5", "1.1", "1.03"), "watch must lie above warn"),
        (("1.5", "1.25", "1.25", "1.03"), "warn must lie above danger"),
        (("1.5", "1.25", "1.02", "1.03"), "danger must lie above critical"),
        (("1.5", "1.25", "1.1", "1.0"), "critical must lie above the contract's line at 1"),
        (("1.5", "1.25", "1.1", "0"), "critical must lie above the contract's line at 1"),
    ],
)
def test_f58_bands_that_cannot_be_are_refused(steps: tuple[str, ...], said: str) -> None:
    with pytest.raises(ConfigError, match=said):
        Bands(*(wad(step) for step in steps))


def test_a_band_is_reached_by_itself_and_by_everything_worse_and_never_by_the_unknown() -> None:
    assert [s for s in Status if reaches(s, Status.DANGER)] == [Status.DANGER, Status.CRITICAL, Status.LIQUIDATABLE]
