"""A market's state at any past block, read through the reader at that block: terms, quote and the holdings of some positions."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from watcher.adapter import Position, Price, Which
from watcher.adapters import adapter
from watcher.chain.reader import Reader
from watcher.errors import WatcherError
from watcher.model import BlockRef, Market, PositionKey
from watcher.query import Query, together


@dataclass(frozen=True, slots=True)
class State:
    """At the end of `block`; `quote` is accrued to it."""

    block: BlockRef
    terms: Any
    positions: dict[PositionKey, Position[Any, Any, Any]]
    prices: tuple[Price, ...]
    quote: Any


@dataclass(slots=True)
class Past:
    """`terms` are the last ones read: they are proved at every block, and read again where they do not hold."""

    reader: Reader
    market: Market
    terms: Any = None

    async def at(self, number: int, keys: Sequence[PositionKey]) -> State:
        """The state at the end of block `number`. Raises `WatcherError` where no endpoint has it, or the market is not to be read."""
        of, block = adapter(self.market.protocol), await self.reader.head(number)
        terms, quote, holdings = await self.reader.run(facts(self.market, keys, self.terms), block)
        self.terms = terms
        accrued = of.accrue(terms, quote, block, Which.ALL)
        positions = {key: Position(of, terms, accrued, held) for key, held in holdings.items()}
        return State(block, terms, positions, of.prices(terms, accrued), accrued)


def facts(market: Market, keys: Sequence[PositionKey], known: Any) -> Query[tuple[Any, Any, Any]]:
    """Terms, quote as stored, holdings; `known` terms are proved in the first trip."""
    of = adapter(market.protocol)
    if known is not None:
        asked: list[Query[Any]] = [of.fresh(known), _state(market, known, keys)]
        fresh, state = yield from together(asked)
        if isinstance(fresh, WatcherError):
            raise fresh
        if fresh is True:
            if isinstance(state, WatcherError):
                raise state
            quote, holdings = state
            return known, quote, holdings
    terms = yield from of.terms(market)
    quote, holdings = yield from _state(market, terms, keys)
    return terms, quote, holdings


def _state(market: Market, terms: Any, keys: Sequence[PositionKey]) -> Query[tuple[Any, Any]]:
    of = adapter(market.protocol)
    queries: list[Query[Any]] = [of.quote(terms), of.holdings(terms, keys)]
    answers: tuple[Any, ...] = yield from together(queries)
    for answer in answers:
        if isinstance(answer, WatcherError):
            raise answer
    quote, holdings = answers
    return quote, holdings
