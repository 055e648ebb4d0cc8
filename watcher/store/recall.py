"""What was stored, as it was: facts that held at a block, readings of an account, blocks, gaps, and where a chain had got to."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any, Final, Generic

from eth_utils.address import to_checksum_address
from msgspec.json import decode as decoded
from sqlalchemy import Connection, Row, select

from watcher.adapter import Adapter, H, Q, T
from watcher.model import BlockRef, Doubt, DoubtKind, Market, PositionKey, Sighting, Status
from watcher.store import trail
from watcher.store.entry import Missed
from watcher.store.facts import decode
from watcher.store.open import Store
from watcher.store.tables import BLOCK, CURSOR, CYCLE, GAP, HOLDING, MARKET, POSITION, QUOTE, READING, TERMS
from watcher.units import Wad

MANY: Final = 500  # keys in one statement
DOUBTS: Final = tuple[tuple[DoubtKind, str], ...]


@dataclass(frozen=True, slots=True)
class Kept:
    """A reading as it was stored. Amounts are in the market's `unit`; all are None when the status is unknown.

    `exact` says that the stored facts give it again to the last unit.
    """

    key: PositionKey
    block: BlockRef
    status: Status
    health: Wad | None
    collateral: int | None
    debt: int | None
    reason: str | None
    doubts: tuple[Doubt, ...]
    exact: bool
    backfilled: bool


@dataclass(frozen=True, slots=True)
class Recalled(Generic[T, Q, H]):
    """The facts that held at the block of a reading: accrue `quote` to `kept.block` and value the holding to have it again."""

    kept: Kept
    terms: T
    quote: Q  # as stored
    holding: H


def facts_at(
    store: Store, of: Adapter[T, Q, H], market: Market, key: PositionKey, number: int | None = None
) -> Recalled[T, Q, H] | None:
    """The newest exact reading not after block `number` (of all by default) with its facts; None where there is none."""
    with store.read() as connection:
        found = _readings(connection, _of(market, key), until=number, exact=True, newest=1)
        for row in found:
            return next(_recalled(connection, of, [row]))
    return None


def course(
    store: Store, of: Adapter[T, Q, H], market: Market, key: PositionKey, since: int = 0, every: int = 0
) -> Iterator[Recalled[T, Q, H]]:
    """Every exact reading from the time `since` on with its facts, oldest first; at most one in `every` seconds."""
    with store.read() as connection:
        rows = _readings(connection, _of(market, key), since=since, exact=True)
        yield from _recalled(connection, of, _thinned(rows, every))


def readings(store: Store, account: bytes, since: int = 0, every: int = 0) -> Iterator[Kept]:
    """All readings of the account's positions from the time `since` on, market by market, oldest first; at most one in `every` seconds."""
    with store.read() as connection:
        positions = connection.scalars(
            select(POSITION.c.id).where(POSITION.c.key == account.hex()).order_by(POSITION.c.id)
        )
        for position in positions.all():
            for row in _thinned(_readings(connection, [POSITION.c.id == position], since=since), every):
                yield _kept(row)


def sightings(store: Store, key: PositionKey, chain: int, since: int = 0) -> tuple[Sighting, ...]:
    """The canonical readings of a position from block `since` on, as the fold of transitions needs them.

    Not among them are backfilled ones, and those whose cycle was pruned: nobody knows when they were read.
    """
    return lately(store, [key], chain, since).get(key, ())


def lately(
    store: Store, keys: Iterable[PositionKey], chain: int, since: int
) -> dict[PositionKey, tuple[Sighting, ...]]:
    """The same for many positions. Those that have none are not in it."""
    by_market: dict[str, list[str]] = {}
    for key in keys:
        by_market.setdefault(key.market, []).append(key.key.hex())
    counted = [READING.c.backfilled.is_(False), READING.c.number >= since, CYCLE.c.time.is_not(None)]
    found: dict[PositionKey, list[Sighting]] = {}
    with store.read() as connection:
        for market, names in by_market.items():
            for start in range(0, len(names), MANY):
                some = POSITION.c.key.in_(names[start : start + MANY])
                where = [MARKET.c.chain == chain, MARKET.c.name == market, some, *counted]
                for row in _readings(connection, where):
                    seen = _sighting(row)
                    found.setdefault(seen.key, []).append(seen)
    return {key: tuple(seen) for key, seen in found.items()}


def third(store: Store, chain: int, market: str) -> int:
    """The number of the third newest block that the market was read at: what was read before it no longer matters to the fold. Blocks
    at which the market alone was not read do not count.
    """
    found = select(CYCLE.c.number).join(MARKET).where(MARKET.c.chain == chain, MARKET.c.name == market)
    read = found.where(CYCLE.c.number.is_not(None), CYCLE.c.error.is_(None))
    with store.read() as connection:
        return connection.scalar(read.order_by(CYCLE.c.number.desc()).offset(2).limit(1)) or 0


def _sighting(row: Row[Any]) -> Sighting:
    kept = _kept(row)
    clears = None if row.clears is None else Status(row.clears)
    return Sighting(kept.key, kept.block, row.time, kept.status, clears, kept.health, row.confirmed, kept.reason)


def blocks(store: Store, chain: int, since: int = 0) -> tuple[BlockRef, ...]:
    """Every stored block from number `since` on, newest first."""
    found = select(BLOCK).where(BLOCK.c.chain == chain, BLOCK.c.number >= since).order_by(BLOCK.c.number.desc())
    with store.read() as connection:
        return tuple(BlockRef(row.number, row.timestamp, row.chain, row.hash) for row in connection.execute(found))


def cursor(store: Store, chain: int) -> BlockRef | None:
    """The newest block that was watched."""
    with store.read() as connection:
        row = connection.execute(select(CURSOR).where(CURSOR.c.chain == chain)).first()
    return None if row is None else BlockRef(row.number, row.timestamp, row.chain, row.hash)


def markets(store: Store, chain: int) -> tuple[Market, ...]:
    """Every market of the chain that something was read of, by its latest name; where its logs begin is not stored."""
    with store.read() as connection:
        rows = connection.execute(select(MARKET).where(MARKET.c.chain == chain).order_by(MARKET.c.id))
        return tuple(
            Market(row.chain, row.protocol, row.name, to_checksum_address(row.address), bytes.fromhex(row.ident))
            for row in rows
        )


def gaps(store: Store, chain: int) -> tuple[Missed, ...]:
    with store.read() as connection:
        rows = connection.execute(select(GAP).where(GAP.c.chain == chain).order_by(GAP.c.first))
        return tuple(Missed(row.first, row.last, row.reason) for row in rows)


def _of(market: Market, key: PositionKey) -> list[Any]:
    return [
        MARKET.c.chain == market.chain,
        MARKET.c.protocol == market.protocol,
        MARKET.c.address == market.address,
        MARKET.c.ident == market.id.hex(),
        POSITION.c.key == key.key.hex(),
    ]


def _readings(
    connection: Connection,
    where: list[Any],
    *,
    since: int = 0,
    until: int | None = None,
    exact: bool = False,
    newest: int | None = None,
) -> Iterator[Row[Any]]:
    """Rows of `reading` with their market, block and cycle, in the order of blocks, or the `newest` ones from the end."""
    if until is not None:
        where = [*where, READING.c.number <= until]
    if exact:
        where = [*where, READING.c.exact.is_(True)]
    here = (BLOCK.c.chain == MARKET.c.chain) & (BLOCK.c.number == READING.c.number)
    cycle = (CYCLE.c.market_id == MARKET.c.id) & (CYCLE.c.number == READING.c.number)
    order = READING.c.number if newest is None else READING.c.number.desc()
    found = (
        select(READING, MARKET.c.name, MARKET.c.chain, POSITION.c.market_id, POSITION.c.key)
        .add_columns(BLOCK.c.hash, BLOCK.c.timestamp, CYCLE.c.time)
        .select_from(READING.join(POSITION).join(MARKET).join(BLOCK, here).outerjoin(CYCLE, cycle))
        .where(*where, BLOCK.c.timestamp >= since)
        .order_by(order)
        .limit(newest)
    )
    yield from connection.execute(found)


def _thinned(rows: Iterator[Row[Any]], every: int) -> Iterator[Row[Any]]:
    """The first row of every period of `every` seconds."""
    period = None
    for row in rows:
        if every == 0 or row.timestamp // every != period:
            period = row.timestamp // every if every else None
            yield row


def _recalled(connection: Connection, of: Adapter[T, Q, H], rows: Any) -> Iterator[Recalled[T, Q, H]]:
    """Rows of one position in the order of blocks, each with the facts that held there; decoded only where they changed."""
    trails: list[Trail] = []
    for row in rows:
        if not trails:
            owners = ((TERMS, row.market_id), (QUOTE, row.market_id), (HOLDING, row.position_id))
            kinds = (of.terms_type, of.quote_type, of.holding_type)
            trails = [
                Trail(trail.walk(connection, table, owner, row.number), kind)
                for (table, owner), kind in zip(owners, kinds, strict=True)
            ]
        yield Recalled(_kept(row), *(one.at(row.number) for one in trails))


class Trail:
    """A fact followed forwards. It holds since block `since`; None before the first."""

    def __init__(self, marks: Iterator[trail.Mark], kind: type) -> None:
        self._marks = marks
        self._kind = kind
        self._next = next(marks, None)
        self._fact: Any = None
        self.since = -1

    def at(self, number: int) -> Any:
        held = None
        while self._next is not None and self._next.number <= number:
            held, self._next = self._next, next(self._marks, None)
        if held is not None:
            self._fact, self.since = decode(self._kind, held.body), held.number
        return self._fact


def _kept(row: Row[Any]) -> Kept:
    return Kept(
        key=PositionKey(row.name, bytes.fromhex(row.key)),
        block=BlockRef(row.number, row.timestamp, row.chain, row.hash),
        status=Status(row.status),
        health=None if row.health is None else Wad(row.health),
        collateral=row.collateral,
        debt=row.debt,
        reason=row.reason,
        doubts=() if row.doubts is None else tuple(Doubt(*one) for one in decoded(row.doubts, type=DOUBTS)),
        exact=row.exact,
        backfilled=row.backfilled,
    )
