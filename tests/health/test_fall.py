"""A fall in millionths is compared with taking every step."""

from __future__ import annotations

import pytest
from hypothesis import given, settings

from tests.adapters.situations import AnyPosition, morpho_terms
from tests.health.positions import positions
from tests.health.toy import NOW, ONE, A, B, C, Holding, Quote, Terms, position
from watcher.adapter import Position
from watcher.adapters import adapter
from watcher.adapters.morpho_blue import facts as morpho
from watcher.formula.morpho import Pot, Totals
from watcher.health.fall import STEPS, fall, fall_of, fallen, within
from watcher.health.mover import movers
from watcher.health.outlook import outlook
from watcher.health.walk import revalued
from watcher.model import PositionKey, Side
from watcher.oracle.feed import Pulse
from watcher.units import MAX, WAD

Toy = Position[Terms, Quote, Holding]


def tried(toy: Toy, tokens: frozenset[str]) -> int | None:
    """Every distinct set of floored prices, in order: between two of them nothing can change."""
    answers = {mover.price.token.address: mover.answer for mover in movers(toy) if mover.price.token.address in tokens}
    steps = {0}
    for answer in answers.values():
        steps |= {(answer - left - 1) * STEPS // answer + 1 for left in range(answer)}
    for k in sorted(steps):
        prices = fallen(answers, k)
        if min(prices.values()) < 1:
            return None
        if revalued(toy, prices).liquidatable:
            return k
    return None


@settings(deadline=None)
@given(positions(top=200))
def test_the_fall_of_all_collateral_is_the_first_step_there_is(toy: Toy) -> None:
    if toy.value().debt:
        tokens = frozenset(m.price.token.address for m in movers(toy) if m.on(Side.COLLATERAL))
        assert fall(toy).steps == tried(toy, tokens)


@settings(deadline=None)
@given(positions(top=200))
def test_the_fall_of_a_group_is_the_first_step_there_is(toy: Toy) -> None:
    moved = within(movers(toy), frozenset((A.address, B.address)))
    if toy.value().debt and moved:
        assert fall_of(toy, moved).steps == tried(toy, frozenset(m.price.token.address for m in moved))


def test_half_of_the_health_above_one_is_a_fall_of_a_half() -> None:
    # 10 A at 80 % against 400.00: the price may halve from 100.00 and one step more liquidates
    toy = position({A: 10_000_000, B: 100}, {A: 8_000}, {A: 10 * ONE}, {B: 400_000 * ONE})
    assert fall(toy).steps == 500_001
    answers = {A.address: 10_000_000}
    assert revalued(toy, fallen(answers, 500_001)).liquidatable
    assert not revalued(toy, fallen(answers, 500_000)).liquidatable


def test_a_looped_asset_takes_its_debt_along_and_no_fall_liquidates() -> None:
    toy = position({A: 1_000_000}, {A: 9_000}, {A: 10 * ONE}, {A: 5 * ONE})
    answer = fall(toy)
    assert answer.steps is None
    assert answer.reason == "no fall does it before a price would be 0"


def test_over_the_line_the_fall_is_zero() -> None:
    toy = position({A: 100, B: 100}, {A: 8_000}, {A: 10 * ONE}, {B: 9 * ONE})
    assert fall(toy).steps == 0


def test_a_trembling_average_is_not_stepped_over() -> None:
    # 8,000 and 8,002 in nearly equal parts: floored values push the average below 8,001 for a step or two on the way
    toy = position(
        {A: 108_108, B: 108_109, C: 1}, {A: 8_000, B: 8_002}, {A: 140_000, B: 139_999}, {C: 2_421_502 * ONE}, cuts=True
    )
    answers = {A.address: 108_108, B.address: 108_109}
    steps = [revalued(toy, fallen(answers, k)).liquidatable for k in range(200)]
    assert not all(steps[steps.index(True) :]), "the average does not tremble: nothing was proved"
    assert fall(toy).steps == steps.index(True)


@pytest.mark.parametrize("collateral", [1, 3, 5])
def test_an_answer_as_large_as_the_contract_can_bear_still_has_a_fall(collateral: int) -> None:
    """One more unit of price and Morpho's own product leaves 256 bits. Any fall but the last ones leaves more than this debt."""
    terms = morpho_terms((6, 18), WAD * 86 // 100)
    pot = Pot(10**15, 10**21)
    quote = morpho.Quote(Totals(pot, pot), 0, NOW.timestamp, MAX // collateral, None, Pulse(None, False), at=NOW)
    holding = morpho.Holding(PositionKey("toy", bytes(20)), 0, 10**12, collateral)
    rich: AnyPosition = Position(adapter("morpho_blue"), terms, quote, holding)
    assert rich.value().collateral > 10**40
    found = fall(rich)
    assert found.steps is None
    assert found.reason == "no fall does it before a price would be 0"
    assert outlook(rich).fall == found
