"""One chain, one block, all its markets and owners: read → value → audit, as one line of arrows.

The reader is given, the block is pinned by it, everything between is pure. A market that fails is its error in its place; the others
are not touched.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Protocol, TypeVar

from eth_typing import ChecksumAddress

from watcher.adapter import Adapter, Position, Price, Reported, Which
from watcher.adapters import adapter
from watcher.errors import WatcherError
from watcher.health.audit import Mismatch, compare
from watcher.health.status import read
from watcher.model import BlockRef, Doubt, DoubtKind, Market, Moment, PositionKey, Reading
from watcher.oracle.uptime import Uptime, uptime
from watcher.oracle.uptime import doubt as doubted
from watcher.query import Query, together

T = TypeVar("T")


class Runner(Protocol):
    """What a cycle needs of `chain.reader.Reader`."""

    async def run(self, query: Query[T], block: BlockRef) -> T: ...


@dataclass(frozen=True, slots=True)
class Facts:
    """What was read of one market for some owners at one block; `quote` is as stored, not accrued."""

    terms: Any
    quote: Any
    holdings: Mapping[PositionKey, Any]
    reported: Mapping[PositionKey, Reported] | WatcherError | None  # None: no audit was asked for


@dataclass(frozen=True, slots=True)
class Row:
    """One position of a cycle: what it holds, what that comes to, and where the contract's own answer differs."""

    market: Market
    position: Position[Any, Any, Any]
    reading: Reading
    audited: bool
    mismatches: tuple[Mismatch, ...]


def priced(row: Row) -> tuple[Price, ...]:
    """The prices of what a position holds and owes; none of one that is unknown."""
    worth, position = row.reading.valuation, row.position
    if worth is None:
        return ()
    held = {leg.token.address for leg in worth.legs}
    prices = position.adapter.prices(position.terms, position.quote)
    return tuple(price for price in prices if price.token.address in held)


@dataclass(frozen=True, slots=True)
class MarketCycle:
    """One market at one block. `error` is set, and `rows` is empty, when it could not be read."""

    market: Market
    block: BlockRef
    terms: Any = None
    quote: Any = None  # accrued to the block
    stored: Any = None  # the quote as the chain stores it
    rows: tuple[Row, ...] = ()
    error: WatcherError | None = None


def facts(
    market: Market,
    owners: Sequence[ChecksumAddress],
    known: Any = None,
    *,
    audit: bool = True,
    also: Sequence[PositionKey] = (),
) -> Query[Facts]:
    """Everything about `owners` in `market`. `known` terms are proved fresh in the first trip, and read again where they are not.

    The contract's own answers travel in the trips of the holdings: an audit costs no trip of its own. `also` are positions that are
    read even where nothing is held any more.
    """
    of = adapter(market.protocol)
    if known is None:
        terms = yield from of.terms(market)
        return (yield from _state(of, terms, owners, audit, also))
    fresh, state = yield from together([of.fresh(known), _state(of, known, owners, audit, also)])
    if fresh is True and isinstance(state, Facts):
        return state
    if fresh is True and isinstance(state, WatcherError):
        raise state
    return (yield from facts(market, owners, audit=audit, also=also))


def _state(
    of: Adapter[Any, Any, Any],
    terms: Any,
    owners: Sequence[ChecksumAddress],
    audit: bool,
    also: Sequence[PositionKey],
) -> Query[Facts]:
    held = yield from of.positions(terms, owners)
    keys = tuple(dict.fromkeys((*held, *also)))
    reports = [of.reported(terms, keys)] if audit else []
    answers: tuple[Any, ...] = yield from together([of.quote(terms), of.holdings(terms, keys), *reports])
    for answer in answers[:2]:
        if isinstance(answer, WatcherError):
            raise answer
    quote, holdings = answers[:2]
    return Facts(terms, quote, holdings, answers[2] if audit else None)


def value(market: Market, found: Facts, block: BlockRef) -> MarketCycle:
    """Facts to rows: accrue to the block, value each position, compare with the contract's own answer."""
    of = adapter(market.protocol)
    accrued = of.accrue(found.terms, found.quote, block, Which.ALL)
    rows = []
    for key, holding in found.holdings.items():
        position = Position(of, found.terms, accrued, holding)
        rows.append(_audited(market, position, read(key, block, position), found))
    return MarketCycle(market, block, found.terms, accrued, found.quote, tuple(rows))


def _audited(market: Market, position: Position[Any, Any, Any], reading: Reading, found: Facts) -> Row:
    """The row of one position, with every difference from the contract as a doubt beside its status."""
    if found.reported is None or reading.valuation is None:
        return Row(market, position, reading, False, ())
    reported = found.reported.get(reading.key) if isinstance(found.reported, Mapping) else None
    if reported is None:
        why = found.reported if isinstance(found.reported, WatcherError) else "it has none for this position"
        doubt = Doubt(DoubtKind.UNAUDITED, f"the contract's own figures could not be read: {why}")
        return Row(market, position, replace(reading, doubts=(*reading.doubts, doubt)), False, ())
    seen = reading.valuation
    if reported.which is not Which.ALL:
        of, at = position.adapter, Moment(reading.block.number, reading.block.timestamp)
        seen = of.value(found.terms, of.accrue(found.terms, found.quote, at, reported.which), position.holding)
    mismatches = compare(seen, reported)
    doubts = (*reading.doubts, *(mismatch.doubt() for mismatch in mismatches))
    return Row(market, position, replace(reading, doubts=doubts), True, mismatches)


async def cycle(
    reader: Runner,
    block: BlockRef,
    markets: Sequence[Market],
    owners: Sequence[ChecksumAddress],
    known: Mapping[str, Any] | None = None,
    *,
    audit: bool = True,
    also: Mapping[str, Sequence[PositionKey]] | None = None,
    sequencer: ChecksumAddress | None = None,
) -> tuple[MarketCycle, ...]:
    """All `markets` at one block, in the round trips of the longest; one entry per market, in their order.

    `known` are terms of an earlier cycle, `also` positions of one, by market name. What the uptime feed `sequencer` says against the
    chain's prices stands beside every reading. Raises `ChainError` only where the chain as a whole cannot be read (`BlockChanged`:
    repeat at another block).
    """
    terms, kept = known or {}, also or {}
    queries = [
        facts(market, owners, terms.get(market.name), audit=audit, also=kept.get(market.name, ())) for market in markets
    ]
    asked: list[Query[Any]] = [*queries, uptime(sequencer)]
    *answers, state = await reader.run(together(asked), block)
    doubt = doubted(Uptime(None, 0) if isinstance(state, WatcherError) else state, block.timestamp)
    cycles = (_market(market, answer, block) for market, answer in zip(markets, answers, strict=True))
    return tuple(cycles) if doubt is None else tuple(_beside(one, doubt) for one in cycles)


def _beside(found: MarketCycle, doubt: Doubt) -> MarketCycle:
    """The doubt beside every reading that has none of its kind: a protocol that asks the sequencer itself has said it better."""
    rows = tuple(
        row
        if any(one.kind is doubt.kind for one in row.reading.doubts)
        else replace(row, reading=replace(row.reading, doubts=(*row.reading.doubts, doubt)))
        for row in found.rows
    )
    return replace(found, rows=rows)


def _market(market: Market, answer: Facts | WatcherError, block: BlockRef) -> MarketCycle:
    if isinstance(answer, WatcherError):
        return MarketCycle(market, block, error=answer)
    try:
        return value(market, answer, block)
    except WatcherError as error:
        return MarketCycle(market, block, error=error)
