"""Liquidations and own actions are told apart by the amounts of the logs, for every adapter."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from tests.adapters.situations import AnyPosition
from tests.store.scene import DRAWN
from watcher.adapter import Acted, Liquidated, Repay
from watcher.model import Leg, Side, Valuation
from watcher.risk.explain import Kind, State, explain
from watcher.risk.parted import parted
from watcher.units import Raw

WORTH = pytest.mark.parametrize("name", sorted(DRAWN.keys() - {"morpho_blue"}))  # its drawn position owes one unit


def largest(position: AnyPosition, side: Side) -> Leg:
    return max((leg for leg in position.value().legs if leg.side is side), key=lambda leg: leg.value)


def state(position: AnyPosition, holding: Any) -> State[Any, Any, Any]:
    return State(position.value().at, position.terms, position.quote, holding)


def repaid(position: AnyPosition, amount: int) -> Any:
    acted = position.adapter.act(
        position.terms,
        position.quote,
        position.holding,
        Repay(largest(position, Side.DEBT).token.address, Raw(amount)),
    )
    assert isinstance(acted, Acted)
    return acted.holding


def told(position: AnyPosition, repay: int) -> Liquidated:
    """A liquidation that repaid so much of the largest debt and took nothing."""
    debt, held = (largest(position, side).token.address for side in (Side.DEBT, Side.COLLATERAL))
    return Liquidated(position.holding.key, held, debt, held, Raw(repay), Raw(0), Raw(0), None)


def margin(of: Valuation) -> int:
    return of.line.weighted - of.line.owed


@WORTH
def test_what_the_logs_say_in_full_is_the_liquidation_alone(name: str) -> None:
    position = DRAWN[name]
    quarter = largest(position, Side.DEBT).amount // 4
    (found,) = parted(
        position.adapter,
        state(position, position.holding),
        state(position, repaid(position, quarter)),
        (told(position, quarter),),
    )
    assert found.change is Kind.LIQUIDATION


@WORTH
def test_what_the_logs_do_not_say_is_the_owners(name: str) -> None:
    position = DRAWN[name]
    quarter = largest(position, Side.DEBT).amount // 4
    start, end = state(position, position.holding), state(position, repaid(position, 2 * quarter))
    found = parted(position.adapter, start, end, (told(position, quarter),))
    assert [one.change for one in found] == [Kind.LIQUIDATION, Kind.OWN]
    assert found[-1].holding == end.holding
    pieces = explain(position.adapter, (start, *found))
    whole = margin(pieces[-1].after) - margin(pieces[0].before)
    causes = {cause.kind: cause.margin for piece in pieces for cause in piece.causes}
    assert causes.keys() == {Kind.LIQUIDATION, Kind.OWN}
    assert sum(causes.values()) == whole
    assert min(causes.values()) > 0  # each a quarter of one debt


@WORTH
def test_what_nobody_knows_is_mixed(name: str) -> None:
    position = DRAWN[name]
    half = largest(position, Side.DEBT).amount // 2
    start, end = state(position, position.holding), state(position, repaid(position, half))
    silent = replace(told(position, half), fee=None)
    strange = replace(told(position, half), taken=Raw(2**200))
    for logs in (None, (silent,), (strange,)):
        (found,) = parted(position.adapter, start, end, logs)
        assert (found.change, found.holding) == (Kind.MIXED, end.holding)


@WORTH
def test_without_a_liquidation_the_owner_did_it(name: str) -> None:
    position = DRAWN[name]
    half = largest(position, Side.DEBT).amount // 2
    start, end = state(position, position.holding), state(position, repaid(position, half))
    (found,) = parted(position.adapter, start, end, ())
    assert found.change is Kind.OWN
    assert parted(position.adapter, start, start, (told(position, half),)) == (start,)
