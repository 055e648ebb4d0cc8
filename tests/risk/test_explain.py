"""Why health moved, for every adapter: parts add up in both orders, and a single cause gets all of it."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.adapters.situations import NOW, SITUATIONS, AnyPosition
from watcher.adapter import Acted, Repay, Which
from watcher.health.mover import movers
from watcher.model import Moment, Side, Valuation
from watcher.risk.explain import Kind, Piece, State, explain, summed
from watcher.units import Raw

EVERY = pytest.mark.parametrize("name", sorted(SITUATIONS))
SOME = settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.too_slow])
LATER = Moment(NOW.number + 7_200, NOW.timestamp + 86_400)


def state(position: AnyPosition, at: Moment = NOW, **changed: Any) -> State[Any, Any, Any]:
    facts = {"quote": position.quote, "holding": position.holding} | changed
    return State(at, position.terms, facts["quote"], facts["holding"], facts.get("change", Kind.OWN))


def margin(of: Valuation) -> int:
    return of.line.weighted - of.line.owed


def adds_up(piece: Piece) -> None:
    """Both orders, margin and health, from end to end."""
    for causes in (piece.causes, piece.reverse):
        assert margin(piece.before) + sum(cause.margin for cause in causes) == margin(piece.after)
        if piece.before.health is not None and all(cause.health is not None for cause in causes):
            assert piece.before.health + sum(cause.health or 0 for cause in causes) == piece.after.health


def repriced(position: AnyPosition, data: st.DataObject) -> Any:
    """Every price that matters moved by its own part."""
    answers = {
        mover.price.token.address: max(1, mover.answer * data.draw(st.integers(80, 125)) // 100)
        for mover in movers(position)
    }
    return position.adapter.reprice(position.terms, position.quote, answers)


def repaid(position: AnyPosition) -> Any:
    """The holding after half of a debt is repaid."""
    debt = next((leg for leg in position.value().legs if leg.side is Side.DEBT and leg.amount > 1), None)
    if debt is None:
        return position.holding
    action = Repay(debt.token.address, Raw(debt.amount // 2))
    acted = position.adapter.act(position.terms, position.quote, position.holding, action)
    return acted.holding if isinstance(acted, Acted) else position.holding


@EVERY
@SOME
@given(data=st.data())
def test_the_parts_of_everything_at_once_add_up_in_both_orders(name: str, data: st.DataObject) -> None:
    position = data.draw(SITUATIONS[name].positions)
    end = state(position, LATER, quote=repriced(position, data), holding=repaid(position))
    (piece,) = explain(position.adapter, (state(position), end))
    adds_up(piece)
    assert margin(piece.before) == margin(position.value())
    aged = position.adapter.accrue(end.terms, end.quote, LATER, Which.ALL)
    assert piece.after == position.adapter.value(end.terms, aged, end.holding)


@EVERY
@SOME
@given(data=st.data())
def test_a_stretch_with_one_cause_attributes_all_of_it_to_that(name: str, data: st.DataObject) -> None:
    position = data.draw(SITUATIONS[name].positions)
    start = state(position)
    ends = {
        Kind.TIME: state(position, LATER),
        Kind.PRICE: state(position, quote=repriced(position, data)),
        Kind.OWN: state(position, holding=repaid(position)),
        Kind.LIQUIDATION: state(position, holding=repaid(position), change=Kind.LIQUIDATION),
    }
    for kind, end in ends.items():
        (piece,) = explain(position.adapter, (start, end))
        assert {cause.kind for cause in (*piece.causes, *piece.reverse)} <= {kind}
        adds_up(piece)


@EVERY
@SOME
@given(data=st.data())
def test_several_pieces_are_one_stretch(name: str, data: st.DataObject) -> None:
    position = data.draw(SITUATIONS[name].positions)
    middle = state(position, quote=repriced(position, data))
    end = state(position, LATER, quote=middle.quote, holding=repaid(position))
    pieces = explain(position.adapter, (state(position), middle, end))
    causes = [cause for piece in pieces for cause in piece.causes]
    assert pieces[0].after == pieces[1].before
    assert sum(cause.margin for cause in summed(causes)) == margin(pieces[1].after) - margin(pieces[0].before)
    sizes = [abs(cause.margin) for cause in summed(causes)]
    assert sizes == sorted(sizes, reverse=True)
    assert len({(cause.kind, cause.token) for cause in summed(causes)}) == len(summed(causes))


@SOME
@given(data=st.data())
def test_a_change_of_terms_is_a_cause_of_its_own(data: st.DataObject) -> None:
    position = data.draw(SITUATIONS["aave_v3"].positions)
    stricter = replace(
        position.terms,
        reserves=tuple(
            replace(one, rules=replace(one.rules, threshold=one.rules.threshold // 2))
            for one in position.terms.reserves
        ),
    )
    end = replace(state(position), terms=stricter)
    (piece,) = explain(position.adapter, (state(position), end))
    assert {cause.kind for cause in (*piece.causes, *piece.reverse)} <= {Kind.TERMS}
    adds_up(piece)


@SOME
@given(data=st.data())
def test_margins_in_two_units_are_not_compared(data: st.DataObject) -> None:
    position = data.draw(SITUATIONS["morpho_blue"].positions)
    other = replace(position.terms, loan=replace(position.terms.loan, symbol="OTHER"))
    with pytest.raises(ValueError, match="one unit"):
        explain(position.adapter, (state(position), replace(state(position), terms=other)))
