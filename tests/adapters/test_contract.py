"""The laws that every adapter keeps, whatever the protocol. A new adapter is found by its folder and must enter `SITUATIONS`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import permutations
from typing import Any

import pytest
from eth_typing import ChecksumAddress
from eth_utils.address import is_address
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from tests.adapters.situations import NOW, OWNERS, SITUATIONS, Situation, key
from watcher.adapter import Acted, Liquidation, Refusal, Repay, Supply, Which
from watcher.adapters import adapter, names
from watcher.errors import ConfigError, MissingPrice
from watcher.health.mover import movers
from watcher.health.walk import revalued
from watcher.model import DoubtKind, Moment, PositionKey, Side, Valuation
from watcher.query import Batch, Query, Read, Slot
from watcher.units import WAD, Raw

EVERY = pytest.mark.parametrize("name", sorted(SITUATIONS))
LIGHT = settings(max_examples=25, deadline=None)


def ended(query: Query[Any], situation: Situation) -> tuple[Any, int]:
    """The query's result on the situation's chain, and how many rows it asked for."""
    asked = 0
    answers = None
    while True:
        try:
            reads = next(query) if answers is None else query.send(answers)
        except StopIteration as stop:
            return stop.value, asked
        answers = tuple(
            [situation.answer(function, target, args) for function, target, args in _asked(read)] for read in reads
        )
        asked += sum(len(rows) for rows in answers)


def _asked(read: Read) -> list[tuple[str, ChecksumAddress, tuple[Any, ...]]]:
    """Function, target and arguments of every row; a storage word is the function "slot" of its place."""
    if isinstance(read, Slot):
        return [("slot", target, (place,)) for target, place in zip(read.targets, read.slots, strict=True)]
    assert isinstance(read, Batch), "the laws know batches and slots only"
    return [(read.function, target, args) for target, args in zip(read.targets, read.args, strict=True)]


def healthier(after: Valuation, before: Valuation, rounding: int, truncates: bool) -> bool:
    """Whether weighted collateral over debt did not fall by more than the formula's grain.

    That is `rounding` units of value on either side, two of health, and one step of the average threshold where the contract cuts it.
    A debt so small that it was rounded to nothing may come to be one by as much.
    """
    if after.health is None:
        return True
    if before.health is None:
        return after.debt <= rounding
    step = before.collateral if truncates else 0  # value × scale
    noise = (rounding + 1) * before.scale + step
    owed = max(1, before.debt) * before.scale
    return (
        after.health + noise * WAD // owed + rounding * (before.health // max(1, before.debt) + 1) + 2 >= before.health
    )


def test_every_adapter_has_a_situation() -> None:
    assert tuple(sorted(SITUATIONS)) == names()


@EVERY
def test_nothing_is_asked_for_no_positions(name: str) -> None:
    situation, one = SITUATIONS[name], adapter(name)
    for query in (one.holdings(situation.terms, ()), one.reported(situation.terms, ())):
        assert ended(query, situation) == ({}, 0)
    assert ended(one.positions(situation.terms, ()), situation) == ((), 0)


@EVERY
def test_the_order_of_positions_does_not_matter(name: str) -> None:
    situation, one = SITUATIONS[name], adapter(name)

    def held(keys: Sequence[PositionKey]) -> Any:
        return ended(one.holdings(situation.terms, keys), situation)

    keys = [key(situation.terms.market, owner) for owner in OWNERS]
    first, asked = held(keys)
    assert asked > 0
    assert first.keys() == set(keys)
    assert all(held(order) == (first, asked) for order in permutations(keys))
    found = {frozenset(ended(one.positions(situation.terms, order), situation)[0]) for order in permutations(OWNERS)}
    assert len(found) == 1


@EVERY
@LIGHT
@given(data=st.data())
def test_the_sums_are_those_of_the_legs(name: str, data: st.DataObject) -> None:
    seen = data.draw(SITUATIONS[name].positions).value()
    assert seen.collateral == sum(leg.value for leg in seen.legs if leg.side is Side.COLLATERAL)
    assert seen.debt == sum(leg.value for leg in seen.legs if leg.side is Side.DEBT)
    assert (seen.health is None) == (seen.debt == 0)
    assert seen.liquidatable == (seen.line.weighted < seen.line.owed)
    assert seen.at == NOW


@EVERY
@LIGHT
@given(data=st.data())
def test_values_are_in_a_currency_or_in_a_token_that_is_named_by_its_address(name: str, data: st.DataObject) -> None:
    """A symbol is anybody's choice: a token that calls itself USD must not be summed as dollars."""
    position = data.draw(SITUATIONS[name].positions)
    money, unit = position.adapter.money, position.value().unit.symbol
    assert unit in ("USD", "ETH") or is_address(unit) or money is not None
    assert money is None or is_address(money(position.terms))


@EVERY
@LIGHT
@given(data=st.data())
def test_a_rising_price_of_collateral_that_is_not_owed_does_no_harm(name: str, data: st.DataObject) -> None:
    position = data.draw(SITUATIONS[name].positions)
    before = position.value()
    for mover in movers(position):
        if not mover.on(Side.DEBT):
            rise = data.draw(
                st.integers(1, 1 + (mover.answer >> data.draw(st.sampled_from((0, 4, 11, 12, 13, 14, 20)))))
            )
            after = revalued(position, {mover.price.token.address: mover.answer + rise})
            assert healthier(after, before, 1, position.adapter.truncates(position.terms))


@EVERY
@LIGHT
@given(data=st.data())
def test_repaying_and_depositing_do_no_harm(name: str, data: st.DataObject) -> None:
    position = data.draw(SITUATIONS[name].positions)
    one, before = position.adapter, position.value()
    for leg in before.legs:
        if leg.side is Side.DEPOSIT:
            continue
        amount = Raw(data.draw(st.integers(1, leg.amount)))
        action = Repay(leg.token.address, amount) if leg.side is Side.DEBT else Supply(leg.token.address, amount)
        acted = one.act(position.terms, position.quote, position.holding, action)
        if isinstance(acted, Acted):
            after = one.value(position.terms, acted.quote, acted.holding)
            raw = leg.value // leg.amount + 1  # what a raw unit is worth: balances round too
            cuts = one.truncates(position.terms) and leg.side is Side.COLLATERAL
            assert healthier(after, before, 2 * raw + 1, cuts)


@EVERY
@LIGHT
@given(data=st.data())
def test_twice_of_everything_is_as_healthy(name: str, data: st.DataObject) -> None:
    situation = SITUATIONS[name]
    position = data.draw(situation.positions)
    before = position.value()
    after = replace(position, holding=situation.doubled(position.holding)).value()
    raw = sum(leg.value // leg.amount + 1 for leg in before.legs)
    cuts = position.adapter.truncates(position.terms)
    assert healthier(after, before, raw, cuts)
    assert healthier(before, after, raw, cuts)


@EVERY
@LIGHT
@given(data=st.data())
def test_a_price_that_the_contract_reads_and_that_is_missing_is_never_a_number(name: str, data: st.DataObject) -> None:
    """Where the contract does not come to read it, what hangs on it is left out, which is said and never makes anybody worse."""
    position = data.draw(SITUATIONS[name].positions)
    for mover in movers(position):
        token = mover.price.token.address
        try:
            seen = revalued(position, {token: 0})
        except MissingPrice as missing:
            assert missing.token == token
        else:
            assert token not in {leg.token.address for leg in seen.legs}
            assert DoubtKind.UNPRICED in {doubt.kind for doubt in seen.doubts}
            assert not seen.liquidatable


@EVERY
@LIGHT
@given(data=st.data())
def test_the_present_prices_put_back_change_nothing(name: str, data: st.DataObject) -> None:
    position = data.draw(SITUATIONS[name].positions)
    answers = {
        price.token.address: price.answer
        for price in position.adapter.prices(position.terms, position.quote)
        if price.answer is not None
    }
    assert position.adapter.reprice(position.terms, position.quote, answers) == position.quote


@EVERY
@LIGHT
@given(data=st.data())
def test_time_raises_debts_and_accruing_to_the_same_moment_changes_nothing(name: str, data: st.DataObject) -> None:
    position = data.draw(SITUATIONS[name].positions)
    one = position.adapter
    assert one.accrue(position.terms, position.quote, NOW, Which.ALL) == position.quote
    later = one.accrue(position.terms, position.quote, Moment(NOW.number + 1, NOW.timestamp + 86_400), Which.ALL)
    assert one.value(position.terms, later, position.holding).debt >= position.value().debt


@EVERY
@LIGHT
@given(data=st.data())
def test_a_liquidation_is_there_only_below_the_line_and_takes_no_more_than_there_is(
    name: str, data: st.DataObject
) -> None:
    position = data.draw(SITUATIONS[name].positions)
    seen = position.value()
    owed = [leg for leg in seen.legs if leg.side is Side.DEBT]
    held = [leg for leg in seen.legs if leg.side is Side.COLLATERAL]
    for debt in owed:
        for collateral in held:
            tokens = debt.token.address, collateral.token.address
            found = position.adapter.liquidation(position.terms, position.quote, position.holding, *tokens)
            if not seen.liquidatable:
                assert isinstance(found, Refusal)
            elif isinstance(found, Liquidation):
                assert 0 < found.repay <= debt.amount
                assert 0 <= found.fee <= found.seize <= collateral.amount


@EVERY
@LIGHT
@given(data=st.data())
def test_an_action_of_nothing_is_refused(name: str, data: st.DataObject) -> None:
    position = data.draw(SITUATIONS[name].positions)
    legs = position.value().legs
    assume(legs)
    for leg in legs:
        acted = position.adapter.act(
            position.terms, position.quote, position.holding, Supply(leg.token.address, Raw(0))
        )
        assert isinstance(acted, Refusal)


def test_an_adapter_that_does_not_exist_is_named_with_those_that_do() -> None:
    with pytest.raises(ConfigError, match="no adapter called 'compound'"):
        adapter("compound")
