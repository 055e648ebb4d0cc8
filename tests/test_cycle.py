"""One cycle over toy markets: cached terms are proved, failures stay in their place, and a missing audit is never silent."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from typing import Any, TypeVar

import pytest

from tests.adapters.paper import Paper
from tests.health.toy import BLOCK, KEY, TOY, A, B, Holding, Quote, Terms
from watcher import cycle as module
from watcher.adapter import Reported, Which
from watcher.cycle import MarketCycle, cycle
from watcher.errors import AnswerError, CallReverted, WatcherError
from watcher.model import BlockRef, DoubtKind, Market, PositionKey
from watcher.query import Query, settled

T = TypeVar("T")
MARKET = Market(1, "toy", KEY.market, A.address)
TERMS = Terms({A.address: 8_000, B.address: 8_000}, False)
HOLDING = Holding({A: 10_000}, {B: 4_000})
HEALTH = 2 * 10**18


class Chainless:
    """Runs queries that ask nothing."""

    async def run(self, query: Query[T], block: BlockRef) -> T:
        try:
            next(query)
        except StopIteration as stop:
            value: T = stop.value
            return value
        raise AssertionError("a toy query asked the chain")


def failing(error: WatcherError) -> Query[Any]:
    yield from ()
    raise error


def said(**figures: int | bool | None) -> dict[PositionKey, Reported]:
    return {KEY: Reported(KEY, Which.ALL, figures)}


@pytest.fixture
def toy(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """The toy's queries by name; a test changes what one of them answers. `read` counts how often terms were read."""
    answers: dict[str, Any] = {"fresh": True, "reported": said(health=HEALTH), "read": 0}

    def terms(market: Market) -> Query[Terms]:
        answers["read"] += 1
        return settled(TERMS) if market.name == KEY.market else failing(CallReverted("pool.POOL_REVISION"))

    def reported(terms: Terms, keys: Sequence[PositionKey]) -> Query[dict[PositionKey, Reported]]:
        given = answers["reported"]
        return failing(given) if isinstance(given, WatcherError) else settled(given)

    adapter = replace(
        TOY,
        terms=terms,
        fresh=lambda terms: settled(answers["fresh"]),
        quote=lambda terms: settled(Quote({A.address: 10_000, B.address: 10_000})),
        positions=lambda terms, owners: settled((KEY,)),
        holdings=lambda terms, keys: settled({KEY: HOLDING}),
        reported=reported,
    )
    monkeypatch.setattr(module, "adapter", lambda name: adapter)
    return answers


def one(known: dict[str, Any] | None = None, audit: bool = True) -> MarketCycle:
    (seen,) = asyncio.run(cycle(Chainless(), BLOCK, [MARKET], [A.address], known, audit=audit))
    return seen


def test_a_position_whose_figures_are_the_contracts_is_audited_and_without_doubt(toy: dict[str, Any]) -> None:
    (row,) = one().rows
    assert row.reading.valuation is not None
    assert (row.reading.valuation.health, row.audited, row.mismatches, row.reading.doubts) == (HEALTH, True, (), ())


def test_a_difference_from_the_contract_is_a_doubt_beside_our_figure(toy: dict[str, Any]) -> None:
    toy["reported"] = said(health=HEALTH - 1, liquidatable=False)
    (row,) = one().rows
    assert row.reading.valuation is not None
    assert row.reading.valuation.health == HEALTH
    assert [mismatch.field for mismatch in row.mismatches] == ["health"]
    assert [doubt.kind for doubt in row.reading.doubts] == [DoubtKind.MISMATCH]


@pytest.mark.parametrize("answer", [{}, AnswerError("the view answered 31 bytes")])
def test_a_contract_that_says_nothing_is_a_doubt(toy: dict[str, Any], answer: Any) -> None:
    toy["reported"] = answer
    (row,) = one().rows
    assert not row.audited
    assert [doubt.kind for doubt in row.reading.doubts] == [DoubtKind.UNAUDITED]


def test_a_cycle_without_audit_doubts_nothing(toy: dict[str, Any]) -> None:
    (row,) = one(audit=False).rows
    assert (row.audited, row.reading.doubts) == (False, ())


def test_known_terms_that_are_fresh_are_not_read_again(toy: dict[str, Any]) -> None:
    assert one({KEY.market: TERMS}).terms == TERMS
    assert toy["read"] == 0


def test_known_terms_that_are_not_fresh_are_read_again(toy: dict[str, Any]) -> None:
    toy["fresh"] = False
    old = replace(TERMS, cuts=True)
    assert one({KEY.market: old}).terms == TERMS
    assert toy["read"] == 1


def test_a_market_that_fails_leaves_the_others_running(toy: dict[str, Any]) -> None:
    broken = replace(MARKET, name="toy/broken")
    lost, found = asyncio.run(cycle(Chainless(), BLOCK, [broken, MARKET], [A.address]))
    assert isinstance(lost.error, CallReverted)
    assert (lost.rows, found.error, len(found.rows)) == ((), None, 1)


@pytest.mark.parametrize(
    ("round_", "kinds"),
    [
        ((1, 0, BLOCK.timestamp - 3_600, 0, 1), []),
        ((2, 1, BLOCK.timestamp - 5, 0, 2), [DoubtKind.SEQUENCER]),
        ((3, 0, BLOCK.timestamp - 5, 0, 3), [DoubtKind.SEQUENCER]),
        (None, [DoubtKind.SEQUENCER]),
    ],
)
def test_f25_what_the_uptime_feed_says_stands_beside_every_reading(
    toy: dict[str, Any], round_: tuple[int, ...] | None, kinds: list[DoubtKind]
) -> None:
    paper = Paper({"chainlink/feed.latestRoundData": round_})

    class OnPaper:
        async def run(self, query: Query[T], block: BlockRef) -> T:
            return paper.run(query)

    (seen,) = asyncio.run(cycle(OnPaper(), BLOCK, [MARKET], [A.address], sequencer=B.address))
    (row,) = seen.rows
    assert row.reading.valuation is not None
    assert [doubt.kind for doubt in row.reading.doubts] == kinds
    assert paper.rounds == 1
