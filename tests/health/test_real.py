"""The searches on the real adapters: what they find is re-checked by `value`, and nothing nearer is liquidatable.

Every price in between cannot be tried here (`test_liquidation_price.py` does that with small numbers); the nearest ones and a random
sample are, and where the protocol's formula can be turned round on paper, the answer is the one on paper.
"""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from tests.adapters.situations import SITUATIONS, AnyPosition
from watcher.adapter import Acted, Liquidation, Repay, Supply
from watcher.health.carry import carry
from watcher.health.fall import fall, fallen
from watcher.health.largest import largest
from watcher.health.liquidation_price import liquidation_price
from watcher.health.mover import movers
from watcher.health.target import remedies
from watcher.health.walk import Goal, revalued
from watcher.model import Side
from watcher.units import WAD, Raw, Wad, mul_div_up

EVERY = pytest.mark.parametrize("name", sorted(SITUATIONS))
LIGHT = settings(max_examples=15, deadline=None)
NEAR = 20  # steps before the found one that are tried one by one


def between(data: st.DataObject, near: int, far: int) -> list[int]:
    """Steps from `near` to `far`, both left out: the last ones, and some at random over every order of magnitude."""
    last = range(max(near + 1, far - NEAR), far)
    if far - near < 2:
        return list(last)
    distances = [data.draw(st.integers(1, max(1, (far - near - 1) >> bits))) for bits in range(0, 60, 3)]
    return [*last, *(far - distance for distance in distances)]


@EVERY
@LIGHT
@given(data=st.data())
def test_no_price_before_the_liquidation_price_is_liquidatable(name: str, data: st.DataObject) -> None:
    position = data.draw(SITUATIONS[name].positions)
    seen = position.value()
    assume(not seen.liquidatable)
    for mover in movers(position):
        asset = mover.price.token.address
        found = liquidation_price(position, mover)
        if found.answer is None:
            assert found.reason is not None
            both = mover.on(Side.COLLATERAL) and mover.on(
                Side.DEBT
            )  # may nearly cancel: then the search may give up, and says so
            assert both or "not found exactly" not in found.reason
            continue
        assert revalued(position, {asset: found.answer}).liquidatable
        way = 1 if found.answer > mover.answer else -1
        for step in between(data, 0, abs(found.answer - mover.answer)):
            assert not revalued(position, {asset: mover.answer + way * step}).liquidatable


@EVERY
@LIGHT
@given(data=st.data())
def test_no_smaller_fall_is_liquidatable(name: str, data: st.DataObject) -> None:
    position = data.draw(SITUATIONS[name].positions)
    assume(not position.value().liquidatable)
    found = fall(position)
    if found.steps is None:
        assert found.reason is not None
        both = any(m.on(Side.COLLATERAL) and m.on(Side.DEBT) for m in movers(position))
        assert both or "not found exactly" not in found.reason
        return
    answers = {m.price.token.address: m.answer for m in movers(position) if m.on(Side.COLLATERAL)}
    assert revalued(position, fallen(answers, found.steps)).liquidatable
    for steps in between(data, 0, found.steps):
        assert not revalued(position, fallen(answers, steps)).liquidatable


@EVERY
@LIGHT
@given(data=st.data())
def test_one_raw_unit_less_than_the_remedy_is_not_enough(name: str, data: st.DataObject) -> None:
    position = data.draw(SITUATIONS[name].positions)
    health = Wad(data.draw(st.integers(WAD, 2 * WAD)))
    goal = Goal(health)

    def reached(action: Any) -> bool:
        acted = position.adapter.act(position.terms, position.quote, position.holding, action)
        return isinstance(acted, Acted) and goal.reached(
            position.adapter.value(position.terms, acted.quote, acted.holding)
        )

    for remedy in remedies(position, health):
        if not remedy.amount:
            assert remedy.reason is not None or goal.reached(position.value())
            continue
        action = Repay if remedy.side is Side.DEBT else Supply
        assert reached(action(remedy.token.address, remedy.amount))
        for amount in between(data, 0, remedy.amount):
            assert not reached(action(remedy.token.address, Raw(amount)))


@LIGHT
@given(SITUATIONS["morpho_blue"].positions)
def test_morpho_falls_below_the_smallest_price_that_allows_the_debt(position: AnyPosition) -> None:
    # ⌊⌊c·p/1e36⌋·lltv/1e18⌋ ≥ debt turned round: p ≥ ⌈⌈debt·1e18/lltv⌉·1e36/c⌉
    seen = position.value()
    assume(seen.debt and seen.collateral and not seen.liquidatable)
    (mover,) = movers(position)
    allowance = mul_div_up(seen.debt, WAD, position.terms.params.lltv)
    lowest = mul_div_up(allowance, 10**36, position.holding.collateral)
    assert liquidation_price(position, mover).answer == (lowest - 1 or None)


@EVERY
@LIGHT
@given(data=st.data())
def test_the_largest_liquidation_repays_the_most_of_all_pairs(name: str, data: st.DataObject) -> None:
    position = data.draw(SITUATIONS[name].positions)
    seen = position.value()
    found = largest(position)
    values = {leg.token.address: leg for leg in seen.legs if leg.side is Side.DEBT}
    others = [
        position.adapter.liquidation(position.terms, position.quote, position.holding, debt, collateral.token.address)
        for debt in values
        for collateral in seen.legs
        if collateral.side is Side.COLLATERAL
    ]
    sizes = [
        other.repay * values[other.debt.address].value // values[other.debt.address].amount
        for other in others
        if isinstance(other, Liquidation)
    ]
    if isinstance(found, Liquidation):
        leg = values[found.debt.address]
        assert found.repay * leg.value // leg.amount == max(sizes)
    else:
        assert sizes == []


@EVERY
@LIGHT
@given(data=st.data())
def test_carry_lies_between_paying_all_and_earning_all(name: str, data: st.DataObject) -> None:
    seen = data.draw(SITUATIONS[name].positions).value()
    paid = sum(leg.value * leg.rate for leg in seen.legs if leg.side is Side.DEBT)
    earned = sum(leg.value * leg.rate for leg in seen.legs if leg.side is not Side.DEBT)
    net = carry(seen).net
    assert net * 10**27 <= earned - paid < (net + 1) * 10**27
