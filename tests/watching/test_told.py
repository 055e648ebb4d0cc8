"""What an alert says of why it came: the largest cause first, with what it did to health."""

from __future__ import annotations

import re
from dataclasses import replace
from typing import Any

from eth_typing import HexStr

from tests.adapters.situations import AnyPosition
from tests.store.scene import DRAWN
from watcher.adapter import Acted, Repay, Which
from watcher.cycle import Row
from watcher.health.status import read
from watcher.model import BlockRef, Side, Token
from watcher.risk.explain import Kind, State, explain
from watcher.units import WAD, Raw
from watcher.watching.told import cause

DRAW = DRAWN["aave_v3"]
YEAR = 31_536_000


def row(draw: AnyPosition = DRAW, later: int = 0, **changed: Any) -> Row:
    """The position so many seconds later, some of its facts changed."""
    found, began = replace(draw, **changed), draw.value().at
    at = BlockRef(began.number + 1, began.timestamp + later, 1, HexStr("0x01"))
    aged = replace(found, quote=found.adapter.accrue(found.terms, found.quote, at, Which.ALL))
    return Row(found.terms.market, aged, read(found.holding.key, at, aged), False, ())


def health(of: Row) -> int:
    assert of.reading.valuation is not None
    assert of.reading.valuation.health is not None
    return of.reading.valuation.health


def cheaper(token: Token, parts: int) -> Any:
    """The quote after a price fell by so many hundredths."""
    price = next(one for one in DRAW.adapter.prices(DRAW.terms, DRAW.quote) if one.token == token)
    assert price.answer is not None
    return DRAW.adapter.reprice(DRAW.terms, DRAW.quote, {token.address: price.answer * (100 - parts) // 100})


def strongest() -> Token:
    """The one whose price moves health most."""
    tokens = [leg.token for leg in DRAW.value().legs]
    return max(tokens, key=lambda token: abs(health(row(quote=cheaper(token, 10))) - health(row())))


def repaid(parts: int) -> Any:
    """The holding after so many hundredths of the largest debt are repaid."""
    debt = max((leg for leg in DRAW.value().legs if leg.side is Side.DEBT), key=lambda leg: leg.value)
    wanted = Repay(debt.token.address, Raw(debt.amount * parts // 100))
    acted = DRAW.adapter.act(DRAW.terms, DRAW.quote, DRAW.holding, wanted)
    assert isinstance(acted, Acted)
    return acted.holding


def test_a_price_is_told_with_its_change_and_what_it_did_to_health() -> None:
    before, after = row(), row(quote=cheaper(strongest(), 10))
    found = re.fullmatch(
        rf"the price of {strongest().symbol} −1\d\.\d\d % \(health ([+−]\d\.\d{{4}})\d*\)", cause(before, after)
    )
    assert found is not None
    moved = health(after) - health(before)
    assert found[1] == f"{'+' if moved > 0 else '−'}{abs(moved) // WAD}.{abs(moved) % WAD // 10**14:04d}"


def test_the_larger_cause_comes_first() -> None:
    words = {Kind.PRICE: "the price of", Kind.OWN: "its amounts"}
    for parts in (1, 20, 40):
        now = row(quote=cheaper(strongest(), parts), holding=repaid(60 - parts))
        ends = (State(one.reading.block, DRAW.terms, one.position.quote, one.position.holding) for one in (row(), now))
        (piece,) = explain(DRAW.adapter, tuple(ends))
        largest = max(piece.causes, key=lambda one: abs(one.margin))
        assert cause(row(), now).startswith(words[largest.kind])


def test_a_change_of_rules_is_a_cause() -> None:
    stricter = replace(
        DRAW.terms,
        reserves=tuple(
            replace(one, rules=replace(one.rules, threshold=one.rules.threshold // 2)) for one in DRAW.terms.reserves
        ),
    )
    assert cause(row(), row(terms=stricter)).startswith("the market's terms were changed (health −")


def test_time_alone_is_interest() -> None:
    costly = [draw for draw in DRAWN.values() if 0 < health(row(draw, YEAR)) < health(row(draw))]
    assert costly
    for draw in costly:
        assert cause(row(draw), row(draw, YEAR)).startswith("interest (health −")


def test_where_nothing_is_owed_any_more_the_margin_is_told() -> None:
    draw = DRAWN["compound_v3"]
    (debt,) = (leg for leg in draw.value().legs if leg.side is Side.DEBT)
    acted = draw.adapter.act(draw.terms, draw.quote, draw.holding, Repay(debt.token.address, debt.amount))
    assert isinstance(acted, Acted)
    unit = draw.value().line.unit
    owed = f"{debt.value // 10**unit.decimals:,} {unit.symbol}"
    assert cause(row(draw), row(draw, holding=acted.holding)) == (
        f"its amounts were changed by a transaction (margin +{owed})"
    )


def test_without_a_value_nothing_is_said() -> None:
    blind = replace(row(), reading=replace(row().reading, valuation=None))
    assert cause(blind, row()) == cause(row(), blind) == cause(row(), row()) == ""
