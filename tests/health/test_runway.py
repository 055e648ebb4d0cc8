from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from tests.adapters.situations import SITUATIONS
from tests.health.toy import ONE, A, B, C, position
from watcher.adapter import Curve, Panel, Which
from watcher.health.runway import DAY, by_clock, cleared_by_clock, runway
from watcher.model import Moment, Runway, Status, Token, Valuation
from watcher.units import RAY, WAD, YEAR, Raw, Ray

PERCENT = RAY // 100


def panel(token: Token, full: int) -> Panel:
    """An asset that costs `full` per cent a year when all of it is lent out."""
    curve = Curve(((Ray(0), Ray(0)), (Ray(9 * RAY // 10), Ray(PERCENT)), (Ray(RAY), Ray(full * PERCENT))))
    none, zero = Raw(0), Ray(0)
    return Panel(token, none, none, none, zero, zero, zero, curve, None, None, False, False, None)


def loop(collateral: int, debt: int, rate: int, earned: int = 0) -> Valuation:
    """So many whole A at 90 % against so many whole B, both at 1,000.00, that cost `rate` and earn `earned` per cent a year."""
    toy = position(
        {A: 100_000, B: 100_000}, {A: 9_000}, {A: collateral * ONE}, {B: debt * ONE}, rates={B: rate * PERCENT}
    )
    seen = toy.value()
    legs = tuple(leg if leg.token == B else replace(leg, rate=Ray(earned * PERCENT)) for leg in seen.legs)
    return replace(seen, legs=legs)


def test_a_debt_that_grows_by_a_tenth_a_year_eats_one_per_cent_in_36_days() -> None:
    # 1010 · 0.9 against 900: the debt may grow by 1 %, which takes ln(1.01) / 0.1 years; Taylor's third term leaves out x⁴/24
    years = Decimal("1.01").ln() / Decimal("0.1")
    seconds = runway(loop(1_010, 900, 10), [panel(B, 10)]).present
    assert seconds is not None
    assert abs(seconds - years * YEAR) < 2
    assert 36 < Decimal(seconds) / DAY < 37


def test_what_the_collateral_earns_counts_and_what_earns_more_never_ends() -> None:
    # earning 5 % on 909 weighted against paying 10 % on 900: about twice as long; earning 11 % the straight growth loses in the end
    slow = runway(loop(1_010, 900, 10, earned=5), [panel(B, 10)]).present
    assert slow is not None
    assert 68 < slow / DAY < 76
    assert runway(loop(1_010, 900, 0, earned=5), [panel(B, 0)]) == Runway(None, None)


def test_full_utilisation_stands_beside_and_only_the_debt_is_fully_used() -> None:
    found = runway(loop(1_010, 900, 2), [panel(A, 90), panel(B, 40)])
    assert found.present is not None
    assert found.full is not None
    assert abs(found.full - Decimal("1.01").ln() / Decimal("0.4") * YEAR) < 2
    assert found.present > 19 * found.full


def test_where_no_curve_is_known_full_utilisation_cannot_be_told_and_says_so() -> None:
    blank = replace(panel(B, 40), curve=Curve(()))
    for panels in ([], [blank], [panel(A, 10)]):
        found = runway(loop(1_010, 900, 2), panels)
        assert (found.full, found.reason) == (None, "no rate curve is known for T2")
        assert found.present is not None


def test_nothing_owed_has_no_clock_and_past_the_line_it_has_run_out() -> None:
    assert runway(position({A: 100}, {A: 8_000}, {A: ONE}, {}).value(), []) == Runway(None, None)
    assert runway(loop(900, 900, 10), [panel(B, 10)]) == Runway(0, 0)


def test_a_deposit_that_does_not_protect_the_debt_earns_nothing_towards_it() -> None:
    toy = position({A: 100_000, B: 100_000, C: 100_000}, {A: 9_000}, {A: 1_010 * ONE, C: 9_999 * ONE}, {B: 900 * ONE})
    seen = toy.value()
    legs = tuple(replace(leg, rate=Ray((50 if leg.token == C else 10) * PERCENT)) for leg in seen.legs)
    bare = replace(seen, legs=tuple(replace(leg, rate=Ray(0)) if leg.token == A else leg for leg in legs))
    assert runway(bare, [panel(B, 10)]).present == runway(loop(1_010, 900, 10), [panel(B, 10)]).present


@given(st.data())
@settings(deadline=None, suppress_health_check=[HealthCheck.filter_too_much])
def test_the_real_pool_is_at_its_line_in_that_second(data: st.DataObject) -> None:
    """By Aave's own accrual at unchanged rates, dear ones.

    Where the average threshold is cut, growth may shift it by a bp; and the pool's polynomial starts at its last update, not now.
    """
    drawn = data.draw(SITUATIONS["aave_v3"].positions)
    states = [replace(s, rate=Ray(s.rate // 20), debt_rate=Ray(s.debt_rate + RAY // 20)) for s in drawn.quote.states]
    large = [replace(b, deposit=b.deposit * 10**9, debt=b.debt * 10**9) for b in drawn.holding.balances]
    whole = replace(
        drawn,
        quote=replace(drawn.quote, states=tuple(states)),
        holding=replace(drawn.holding, balances=tuple(large)),  # else one raw unit may be more than a bp
    )
    seen = whole.value()
    assume(seen.health is not None and not seen.liquidatable)
    left = runway(seen, whole.adapter.panels(whole.terms, whole.quote)).present
    assume(left is not None and left < YEAR)
    assert left is not None
    at = Moment(seen.at.number, seen.at.timestamp + left)
    later = replace(whole, quote=whole.adapter.accrue(whole.terms, whole.quote, at, Which.ALL)).value()
    assert later.health is not None
    assert abs(later.health - WAD) <= 2 * WAD // min(seen.threshold, later.threshold) + WAD // 10**4


@pytest.mark.parametrize(
    ("days", "now", "clears"),
    [
        ("30", Status.SAFE, Status.WARN),
        ("29.99", Status.WARN, Status.WARN),
        ("60", Status.SAFE, Status.SAFE),
        ("7", Status.WARN, Status.DANGER),
        ("14", Status.WARN, Status.WARN),
        ("6.99", Status.DANGER, Status.DANGER),
        ("1", Status.DANGER, Status.CRITICAL),
        ("2", Status.DANGER, Status.DANGER),
        ("0.99", Status.CRITICAL, Status.CRITICAL),
    ],
)
def test_the_clock_has_limits_of_its_own_and_clears_at_twice_that(days: str, now: Status, clears: Status) -> None:
    seconds = int(Decimal(days) * DAY)
    assert (by_clock(seconds), cleared_by_clock(seconds)) == (now, clears)


def test_a_clock_that_never_runs_out_is_no_reason_to_worry() -> None:
    assert (by_clock(None), cleared_by_clock(None)) == (Status.SAFE, Status.SAFE)
    assert by_clock(0) is Status.CRITICAL
