"""Figures of margin, exactly: worked examples, the same in floats elsewhere, and what stands where a denominator is gone."""

from __future__ import annotations

from dataclasses import replace
from fractions import Fraction

import pytest
from hypothesis import given

from tests.health.positions import positions
from tests.health.toy import ONE, A, B, Holding, Quote, Terms, position
from watcher.adapter import Position
from watcher.health.measure import CHANCES, RUNWAYS, End, Figure, Measure, measure, sums
from watcher.model import Runway, Side, Valuation
from watcher.risk.exposure import Exposure, exposure
from watcher.risk.margin import margin

RATIOS = [one for one in Measure if one not in CHANCES | RUNWAYS]


def r32(debt: int = 12_000, collateral: int = 10) -> Valuation:
    """C = 20,000 at a threshold of 0.83 and a ltv of 0.805, D = 12,000."""
    held = position({A: 200_000, B: 100}, {A: 8_300}, {A: collateral * ONE}, {B: debt * ONE} if debt else {}).value()
    legs = tuple(replace(leg, ltv=8_050) if leg.side is Side.COLLATERAL else leg for leg in held.legs)
    return replace(held, legs=legs)


def exposed(valuation: Valuation) -> Exposure:
    """The same in floats, leg by leg."""
    whole, scale = 10**valuation.unit.decimals, valuation.scale
    return exposure(
        [
            (
                leg.token.symbol,
                leg.value / whole if leg.side is Side.COLLATERAL else 0.0,
                leg.value / whole if leg.side is Side.DEBT else 0.0,
                leg.threshold / scale,
                leg.ltv / scale,
            )
            for leg in valuation.legs
        ]
    )


def test_r32_every_figure_of_a_margin_as_a_fraction() -> None:
    held = r32()
    of = sums(held)
    assert [of.equity, of.maintenance, of.initial] == [8000, 3400, 3900]
    assert {one: measure(held, one).value for one in RATIOS} == {
        Measure.EQUITY_OVER_MM: Fraction(8000, 3400),
        Measure.MM_OVER_EQUITY: Fraction(3400, 8000),
        Measure.MARGIN_UTILISATION: Fraction(3900, 8000),
        Measure.BORROW_UTILISATION: Fraction(12_000, 16_100),
        Measure.LEVERAGE: Fraction(5, 2),
        Measure.LTV: Fraction(3, 5),
        Measure.FALL: Fraction(4600, 16_600),
    }


@given(positions())
def test_the_same_figures_come_out_in_floats(held: Position[Terms, Quote, Holding]) -> None:
    held = replace(
        held, terms=replace(held.terms, cuts=False)
    )  # the average that is cut is the contract's own, and not Σ threshold · value
    valuation = held.value()
    found, floats = {one: measure(valuation, one) for one in RATIOS}, margin(exposed(valuation))
    for one, expected in (
        (Measure.EQUITY_OVER_MM, floats.equity_over_mm),
        (Measure.MM_OVER_EQUITY, floats.mm_over_equity),
        (Measure.MARGIN_UTILISATION, floats.utilisation),
        (Measure.BORROW_UTILISATION, floats.borrowed),
        (Measure.LEVERAGE, floats.leverage),
        (Measure.LTV, floats.ltv),
    ):
        value = found[one].value
        if value is not None and abs(value) < 10**6:
            assert expected is not None
            assert float(value) == pytest.approx(expected, rel=1e-6, abs=1e-9)


@given(positions())
def test_equity_meets_the_requirement_exactly_where_the_line_is_not_crossed(
    held: Position[Terms, Quote, Holding],
) -> None:
    valuation = held.value()
    of, over = sums(valuation), measure(valuation, Measure.EQUITY_OVER_MM)
    safe = valuation.line.weighted >= valuation.line.owed
    assert (of.equity >= of.maintenance) == safe
    assert (over.value >= 1 if over.value is not None else over.end is End.BEST) == safe
    inverse = measure(valuation, Measure.MM_OVER_EQUITY)
    if of.equity > 0:
        assert inverse.value is not None
        assert (inverse.value <= 1) == safe
    else:  # also at the line itself, where nothing is required and nothing is left
        assert inverse.end is End.WORST or of.debt == 0


@pytest.mark.parametrize("wanted", [Measure.MM_OVER_EQUITY, Measure.MARGIN_UTILISATION, Measure.LEVERAGE])
@pytest.mark.parametrize("debt", [20_000, 25_000])
def test_no_equity_is_worse_than_any_number(wanted: Measure, debt: int) -> None:
    found = measure(r32(debt), wanted)
    assert (found.value, found.end) == (None, End.WORST)
    assert "no equity" in found.reason


@pytest.mark.parametrize("wanted", RATIOS)
def test_debt_with_nothing_behind_it_is_never_fine(wanted: Measure) -> None:
    assert measure(r32(collateral=0), wanted).end is End.WORST


@pytest.mark.parametrize("wanted", RATIOS)
def test_where_nothing_is_owed_nothing_is_wrong(wanted: Measure) -> None:
    idle, empty = measure(r32(debt=0), wanted), measure(r32(debt=0, collateral=0), wanted)
    assert empty == Figure(wanted, None, End.BEST, "nothing is owed")
    assert idle.end is None


def test_a_runway_is_seconds_never_or_not_told() -> None:
    held = r32()
    assert measure(held, Measure.RUNWAY, Runway(90, 7)).value == 90
    assert measure(held, Measure.RUNWAY_FULL, Runway(90, 7)).value == 7
    assert measure(held, Measure.RUNWAY, Runway(None, 7)).end is End.BEST
    untold = measure(held, Measure.RUNWAY_FULL, Runway(None, None, "no rate curve is known for T2"))
    assert (untold.end, untold.reason) == (End.UNTOLD, "no rate curve is known for T2")


@pytest.mark.parametrize("wanted", sorted(CHANCES | RUNWAYS))
def test_what_a_valuation_alone_cannot_say_is_a_bug_of_the_caller(wanted: Measure) -> None:
    with pytest.raises(ValueError, match=r"foretold|without a runway"):
        measure(r32(), wanted)
