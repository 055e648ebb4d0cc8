from __future__ import annotations

from dataclasses import replace

from tests.health.toy import ONE, UNIT, A, B, position
from watcher.health.carry import Carry, carry
from watcher.model import Leg, Side, Valuation
from watcher.units import RAY, Raw, Ray

VALUATION = position({A: 10_000, B: 100}, {A: 8_000}, {A: 10 * ONE}, {B: 400 * ONE}, rates={B: RAY // 20}).value()


def earning(valuation: Valuation, rate: int) -> Valuation:
    legs = tuple(replace(leg, rate=Ray(rate)) if leg.side is not Side.DEBT else leg for leg in valuation.legs)
    return replace(valuation, legs=legs)


def test_what_is_paid_counts_against_what_is_earned() -> None:
    # 1,000.00 earn 3 % and 400.00 cost 5 %: 10.00 a year on 600.00
    assert carry(earning(VALUATION, 3 * RAY // 100)) == Carry(1_000, UNIT, 60_000, 166)


def test_a_loss_rounds_away_from_the_owner() -> None:
    # 400.00 at 5 % and a ray less on 1,000.00: a little under −20.00 + 0
    assert carry(VALUATION) == Carry(-2_000, UNIT, 60_000, -334)
    assert carry(earning(VALUATION, 1)).net == -2_000


def test_a_deposit_that_protects_nothing_earns_too() -> None:
    lent = Leg(B, Side.DEPOSIT, Raw(100 * ONE), 10_000, 0, 0, Ray(RAY // 10))
    assert carry(replace(VALUATION, legs=(*VALUATION.legs, lent))) == Carry(-1_000, UNIT, 70_000, -143)


def test_without_equity_there_is_nothing_to_relate_it_to() -> None:
    sunk = position({A: 10_000, B: 100}, {A: 8_000}, {A: ONE}, {B: 100 * ONE}, rates={B: RAY // 20}).value()
    assert carry(sunk) == Carry(-500, UNIT, 0, None)
