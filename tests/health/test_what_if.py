from __future__ import annotations

from fractions import Fraction

import pytest

from tests.health.toy import NOW, ONE, WEEK, A, B, C, position
from watcher.adapter import Borrow, Refusal, Repay, Supply, Withdraw
from watcher.errors import MissingPrice, UsageError
from watcher.health.what_if import Scenario, Unknown, answers, what_if
from watcher.model import Moment, Valuation
from watcher.units import RAY, WAD, Raw

TOY = position({A: 10_000, B: 100}, {A: 8_000}, {A: 10 * ONE}, {B: 400 * ONE}, rates={B: RAY})


def health(scenario: Scenario) -> int | None:
    after = what_if(TOY, scenario).after
    assert isinstance(after, Valuation)
    return after.health


def test_a_price_a_fifth_lower_lowers_health_by_a_fifth() -> None:
    assert what_if(TOY, Scenario()).before.health == 2 * WAD
    assert health(Scenario({A.address: Fraction(-1, 5)})) == 16 * WAD // 10


def test_a_relative_price_rounds_down_and_an_absolute_one_is_taken_as_it_is() -> None:
    assert answers(TOY, {A.address: Fraction(-1, 3)}) == {A.address: 6_666}
    assert answers(TOY, {A.address: Fraction(1, 3)}) == {A.address: 13_333}
    assert answers(TOY, {A.address: 777}) == {A.address: 777}


def test_actions_follow_one_another() -> None:
    repaid = Repay(B.address, Raw(200 * ONE))
    assert health(Scenario(actions=(repaid,))) == 4 * WAD
    assert health(Scenario(actions=(repaid, Withdraw(A.address, Raw(5 * ONE))))) == 2 * WAD
    assert health(Scenario(actions=(repaid, Repay(B.address, Raw(200 * ONE))))) is None


def test_prices_change_before_anyone_acts() -> None:
    # 300 more are fine at the present price and refused at half of it
    more = Borrow(B.address, Raw(300 * ONE))
    assert health(Scenario(actions=(more,))) == 800 * WAD // 700
    refused = what_if(TOY, Scenario({A.address: Fraction(-1, 2)}, (more,))).after
    assert refused == Refusal("HEALTH_FACTOR_LOWER_THAN_LIQUIDATION_THRESHOLD")


def test_time_passes_after_the_actions() -> None:
    # a week at 100 % a year is 1.9178 %; half is repaid before it starts
    later = Moment(NOW.number, NOW.timestamp + WEEK)
    after = what_if(TOY, Scenario(actions=(Repay(B.address, Raw(200 * ONE)),), at=later)).after
    assert isinstance(after, Valuation)
    assert after.debt == 20_384  # 200.00 and 3.8356.. rounded up to the cent
    assert after.at == later


def test_a_time_that_the_terms_cannot_tell_is_unknown_with_the_reason() -> None:
    after = what_if(TOY, Scenario(at=Moment(NOW.number, NOW.timestamp + WEEK + 1))).after
    assert after == Unknown("the rate is known for a week")


def test_a_refusal_is_the_contracts_own() -> None:
    after = what_if(TOY, Scenario(actions=(Supply(A.address, Raw(0)),))).after
    assert after == Refusal("INVALID_AMOUNT")


@pytest.mark.parametrize(
    ("scenario", "words"),
    [
        (Scenario({C.address: 5}), "no price of"),
        (Scenario({A.address: Fraction(-1)}), "would have no price left"),
        (Scenario({A.address: 0}), "would have no price left"),
        (Scenario(at=Moment(NOW.number, NOW.timestamp - 1)), "looks ahead"),
    ],
)
def test_what_cannot_be_asked_is_said(scenario: Scenario, words: str) -> None:
    with pytest.raises(UsageError, match=words):
        what_if(TOY, scenario)


def test_a_missing_price_cannot_change_by_a_part_of_itself() -> None:
    toy = position({A: 10_000, B: 100, C: 0}, {A: 8_000}, {A: ONE}, {B: ONE})
    with pytest.raises(MissingPrice):
        what_if(toy, Scenario({C.address: Fraction(1, 10)}))
