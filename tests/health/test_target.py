"""The smallest repayment or deposit is compared with trying every amount."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.health.positions import positions
from tests.health.toy import ONE, A, B, Holding, Quote, Terms, act, position, value
from watcher.adapter import Position, Refusal, Repay, Supply
from watcher.health.target import Remedy, remedies
from watcher.health.walk import Goal
from watcher.model import Side
from watcher.units import WAD, Raw, Wad

Toy = Position[Terms, Quote, Holding]
SAFE = Wad(WAD * 3 // 2)


def reached(toy: Toy, remedy: Remedy, amount: int, health: Wad) -> bool:
    if amount == 0:
        return Goal(health).reached(toy.value())
    action = Repay if remedy.side is Side.DEBT else Supply
    acted = act(toy.terms, toy.quote, toy.holding, action(remedy.token.address, Raw(amount)))
    return not isinstance(acted, Refusal) and Goal(health).reached(value(toy.terms, acted.quote, acted.holding))


@settings(max_examples=25, deadline=None)
@given(positions(top=60_000, most=400), st.sampled_from((1_000, 1_050, 1_500, 3_000)))
def test_the_amount_is_the_smallest_there_is(toy: Toy, thousandths: int) -> None:
    health = Wad(WAD * thousandths // 1_000)
    for remedy in remedies(toy, health):
        if remedy.reason == "it does not count as collateral":  # though rounding may lift a dust position's health
            assert toy.terms.thresholds[remedy.token.address] == 0
            continue
        tried = next((x for x in range(1_500) if reached(toy, remedy, x, health)), None)
        assert remedy.amount == tried or (tried is None and (remedy.amount is None or remedy.amount >= 1_500))


def test_a_repayment_on_paper() -> None:
    # 10 A at 100.00 and 80 % allow 800.00: health 1.5 at 533.33 owed, so 166.67 of 700.00 go (rounded up to the raw unit)
    toy = position({A: 10_000, B: 100}, {A: 8_000}, {A: 10 * ONE}, {B: 700 * ONE})
    deposit, repay = remedies(toy, SAFE)
    assert (repay.side, repay.token, repay.amount) == (Side.DEBT, B, 1_666_700)
    # and 1050.00 / 80.00 = 13.125 A are needed: 3.125 more
    assert (deposit.side, deposit.token, deposit.amount) == (Side.COLLATERAL, A, 31_250)
    assert repay.after is not None
    assert repay.after.health is not None
    assert repay.after.health >= SAFE


def test_repaying_one_of_two_debts_may_not_be_enough_and_says_so() -> None:
    toy = position({A: 10_000, B: 100}, {A: 8_000}, {A: 10 * ONE}, {A: 7 * ONE, B: 100 * ONE})
    repay = next(r for r in remedies(toy, Wad(2 * WAD)) if r.token == B)
    assert (repay.amount, repay.reason) == (None, "repaying all of it is not enough")


def test_a_deposit_above_the_cap_is_the_contracts_refusal() -> None:
    toy = position({A: 10_000, B: 100}, {A: 8_000}, {A: 10 * ONE}, {B: 700 * ONE}, cap=13 * ONE)
    deposit, _ = remedies(toy, SAFE)
    assert (deposit.amount, deposit.reason) == (None, "SUPPLY_CAP_EXCEEDED")
    exactly = position({A: 10_000, B: 100}, {A: 8_000}, {A: 10 * ONE}, {B: 700 * ONE}, cap=131_250)
    assert remedies(exactly, SAFE)[0].amount == 31_250


def test_an_asset_without_threshold_cannot_help_and_says_so() -> None:
    toy = position({A: 10_000, B: 100}, {A: 8_000, B: 0}, {A: 10 * ONE, B: ONE}, {B: 700 * ONE})
    useless = next(r for r in remedies(toy, SAFE) if r.token == B and r.side is Side.COLLATERAL)
    assert (useless.amount, useless.reason) == (None, "it does not count as collateral")


def test_a_target_already_met_costs_nothing() -> None:
    toy = position({A: 10_000, B: 100}, {A: 8_000}, {A: 10 * ONE}, {B: 100 * ONE})
    assert [remedy.amount for remedy in remedies(toy, SAFE)] == [0, 0]


def test_without_debt_there_is_nothing_to_lift() -> None:
    assert remedies(position({A: 100}, {A: 8_000}, {A: ONE}, {}), SAFE) == ()
