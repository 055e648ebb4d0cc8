"""Facts and readings become rows here and nowhere else: one transaction per chain and block, all of it or nothing."""

from __future__ import annotations

import json
import time
from collections.abc import Sequence
from functools import cache
from importlib.metadata import version
from typing import Any, Final

from sqlalchemy import Connection, bindparam, delete, func, select, update

from watcher.errors import StoreError
from watcher.model import BlockRef, Market, Transition, Unit
from watcher.store import follow, outbox, trail
from watcher.store.entry import Entry, Missed, Seen
from watcher.store.facts import encode
from watcher.store.open import Store
from watcher.store.risk_tables import APPRAISAL
from watcher.store.rows import insert
from watcher.store.tables import (
    BLOCK,
    COVERAGE,
    CURSOR,
    CYCLE,
    DISCOVERY,
    GAP,
    HOLDING,
    MARKET,
    POSITION,
    QUOTE,
    READING,
    SAMPLE,
    TERMS,
)

# What every cycle asks is built once: SQLAlchemy takes three times as long to build such a statement as to run it.
_MARKET: Final = select(MARKET.c.id, MARKET.c.name, MARKET.c.unit, MARKET.c.decimals).where(
    MARKET.c.chain == bindparam("chain"),
    MARKET.c.protocol == bindparam("protocol"),
    MARKET.c.address == bindparam("address"),
    MARKET.c.ident == bindparam("ident"),
)
_HASH: Final = select(BLOCK.c.hash).where(BLOCK.c.chain == bindparam("chain"), BLOCK.c.number == bindparam("number"))
_ERROR: Final = select(CYCLE.c.error).where(
    CYCLE.c.market_id == bindparam("market"), CYCLE.c.number == bindparam("number")
)
_FOLLOWER: Final = select(func.min(CYCLE.c.number)).where(
    CYCLE.c.market_id == bindparam("market"), CYCLE.c.number > bindparam("number"), CYCLE.c.error.is_(None)
)
_NEXT: Final = select(func.min(READING.c.number)).where(
    READING.c.position_id == bindparam("position"), READING.c.number > bindparam("number"), READING.c.exact.is_(True)
)
_HELD: Final = (
    select(HOLDING.c.body)
    .where(HOLDING.c.position_id == POSITION.c.id, HOLDING.c.number <= bindparam("number"))
    .order_by(HOLDING.c.number.desc())
    .limit(1)
    .scalar_subquery()
)
_READ: Final = select(READING.c.number).where(
    READING.c.position_id == POSITION.c.id, READING.c.number == bindparam("number")
)
_KNOWN: Final = select(POSITION.c.key, POSITION.c.id, _READ.exists(), _HELD).where(
    POSITION.c.market_id == bindparam("market"), POSITION.c.key.in_(bindparam("keys", expanding=True))
)
_MANY: Final = 500  # keys in one statement
_FORWARD: Final = (
    update(CURSOR)
    .where(CURSOR.c.chain == bindparam("of"), CURSOR.c.number < bindparam("to"))
    .values(number=bindparam("to"), hash=bindparam("its"), timestamp=bindparam("at"))
)


def record(
    store: Store,
    block: BlockRef,
    entries: Sequence[Entry],
    *,
    read_at: int,
    transitions: Sequence[Transition] = (),
    channels: Sequence[str] = (),
    missed: Missed | None = None,
    backfill: bool = False,
) -> None:
    """Everything that was read at `block`: all markets or none. The same again changes nothing; an error gives way to what was read later.

    `read_at` is the watcher's clock in seconds. Every transition that is to be told goes to all `channels`. A backfill moves no cursor
    and marks its readings. `StoreError` when the block's number is stored with another hash: `orphan` that one first.
    """
    with store.write() as connection:
        stand(connection, block)
        for entry in entries:
            _market(connection, block, entry, read_at, backfill)
        outbox.put(connection, transitions, channels)
        if missed is not None:
            row = (block.chain, missed.first, missed.last, missed.reason, read_at)
            insert(connection, GAP, [row], new=False)
        if not backfill:
            _advance(connection, block)


def record_failure(store: Store, markets: Sequence[Market], error: Exception, *, read_at: int) -> None:
    """A cycle that did not even get a block: one row per market, and nothing else."""
    with store.write() as connection:
        rows = [_cycle(market_id(connection, one), None, read_at, error=error) for one in markets]
        insert(connection, CYCLE, rows)


def orphan(store: Store, chain: int, above: int) -> tuple[Transition, ...]:
    """Undo all that was stored of blocks after `above`, in one transaction. What they caused is marked and returned, oldest first."""
    with store.write() as connection:
        markets = select(MARKET.c.id).where(MARKET.c.chain == chain)
        positions = select(POSITION.c.id).where(POSITION.c.market_id.in_(markets))
        for table, column, owners in (
            (READING, READING.c.position_id, positions),
            (APPRAISAL, APPRAISAL.c.position_id, positions),
            (HOLDING, HOLDING.c.position_id, positions),
            (TERMS, TERMS.c.market_id, markets),
            (QUOTE, QUOTE.c.market_id, markets),
            (CYCLE, CYCLE.c.market_id, markets),
            (COVERAGE, COVERAGE.c.market_id, markets),
            (SAMPLE, SAMPLE.c.market_id, markets),
        ):
            connection.execute(delete(table).where(column.in_(owners), table.c.number > above))
        connection.execute(delete(BLOCK).where(BLOCK.c.chain == chain, BLOCK.c.number > above))
        follow.retreat(connection, chain, above)
        connection.execute(delete(DISCOVERY).where(DISCOVERY.c.market_id.in_(markets), DISCOVERY.c.first > above))
        over = (DISCOVERY.c.market_id.in_(markets), DISCOVERY.c.last > above)
        connection.execute(update(DISCOVERY).where(*over).values(last=above))
        connection.execute(delete(GAP).where(GAP.c.chain == chain, GAP.c.first > above))
        connection.execute(update(GAP).where(GAP.c.chain == chain, GAP.c.last > above).values(last=above))
        connection.execute(delete(CURSOR).where(CURSOR.c.chain == chain, CURSOR.c.number > above))
        newest = select(BLOCK).where(BLOCK.c.chain == chain).order_by(BLOCK.c.number.desc()).limit(1)
        row = connection.execute(newest).first()
        if row is not None:
            insert(connection, CURSOR, [tuple(row)], new=False)
        return outbox.orphan(connection, chain, above)


def surveyed(connection: Connection, market: Market, block: BlockRef, terms: Any, quote: Any, positions: int) -> int:
    """A market's facts as they were read with the holdings of so many members, and the cycle that says so; the market's row.

    A cycle that read the market at this block before stays.
    """
    stand(connection, block)
    of, entry = market_id(connection, market), Entry(market, terms, quote)
    known = connection.execute(_ERROR, {"market": of, "number": block.number}).first()
    if known is not None and known.error is not None:
        connection.execute(delete(CYCLE).where(CYCLE.c.market_id == of, CYCLE.c.number == block.number))
    if known is None or known.error is not None:
        row = _cycle(of, block.number, int(time.time()), entry)
        insert(connection, CYCLE, [(*row[:4], positions, *row[5:])])
    _facts(connection, of, block.number, entry)
    return of


def market_id(connection: Connection, market: Market, unit: Unit | None = None) -> int:
    """The row of a market, made or brought to its present name and unit."""
    identity = {"chain": market.chain, "protocol": market.protocol, "address": market.address, "ident": market.id.hex()}
    known = connection.execute(_MARKET, identity).first()
    symbol, decimals = (None, None) if unit is None else (unit.symbol, unit.decimals)
    if known is None:
        insert(connection, MARKET, [(*identity.values(), market.name, symbol, decimals)])
        return int(connection.execute(_MARKET, identity).one().id)
    found, *words = known
    if words[0] != market.name or (unit is not None and words[1:] != [symbol, decimals]):
        values = {"name": market.name} if unit is None else {"name": market.name, "unit": symbol, "decimals": decimals}
        connection.execute(update(MARKET).where(MARKET.c.id == found).values(values))
    return int(found)


def stand(connection: Connection, block: BlockRef) -> None:
    """The block is the one of its number. `StoreError` where that is stored with another hash."""
    known = connection.execute(_HASH, {"chain": block.chain, "number": block.number}).scalar()
    if known is None:
        insert(connection, BLOCK, [(block.chain, block.number, block.hash, block.timestamp)])
    elif known != block.hash:
        raise StoreError(
            f"block {block.number} of chain {block.chain} is stored as {known}, not {block.hash}: undo that one first"
        )


def _advance(connection: Connection, block: BlockRef) -> None:
    row = (block.chain, block.number, block.hash, block.timestamp)
    insert(connection, CURSOR, [row], new=False)
    words = {"of": block.chain, "to": block.number, "its": block.hash, "at": block.timestamp}
    connection.execute(_FORWARD, words)


def _market(connection: Connection, block: BlockRef, entry: Entry, read_at: int, backfill: bool) -> None:
    unit = next((seen.reading.valuation.unit for seen in entry.seen if seen.reading.valuation is not None), None)
    market = market_id(connection, entry.market, unit)
    known = connection.execute(_ERROR, {"market": market, "number": block.number}).first()
    if known is None or known.error is not None:
        if known is not None:
            connection.execute(delete(CYCLE).where(CYCLE.c.market_id == market, CYCLE.c.number == block.number))
        row = _cycle(market, block.number, read_at, entry, entry.error)
        insert(connection, CYCLE, [row])
        facts = _facts(connection, market, block.number, entry)
    else:
        facts = _agrees(connection, market, block.number, entry)
    _seen(connection, market, block, entry, backfill, facts)
    if entry.followed and facts:
        follow.advance(connection, market, block, entry.joined)


def _cycle(
    market: int, number: int | None, read_at: int, entry: Entry | None = None, error: Exception | None = None
) -> tuple[Any, ...]:
    counts = (0, 0, 0) if entry is None else (len(entry.seen), entry.audited, entry.mismatches)
    said = (None, None) if error is None else (str(error), type(error).__name__)
    return (market, number, read_at, _program(), *counts, *said, False)


@cache
def _program() -> str:
    return version("lending-watcher")


def _facts(connection: Connection, market: int, number: int, entry: Entry) -> bool:
    """Terms and quote where they changed; false where there are none."""
    if entry.terms is None or entry.quote is None:
        return False
    follower = connection.execute(_FOLLOWER, {"market": market, "number": number}).scalar()
    trail.put(connection, TERMS, market, number, encode(entry.terms), follower)
    trail.put(connection, QUOTE, market, number, encode(entry.quote), follower)
    return True


def _agrees(connection: Connection, market: int, number: int, entry: Entry) -> bool:
    """Whether these facts are the ones that were stored for this very block."""
    for table, fact in ((TERMS, entry.terms), (QUOTE, entry.quote)):
        kept = trail.last(connection, table, market, number)
        if fact is None or kept is None or kept.body != encode(fact):
            return False
    return True


def _seen(connection: Connection, market: int, block: BlockRef, entry: Entry, backfill: bool, facts: bool) -> None:
    """Readings of the positions that have none at this block yet, and holdings that changed."""
    number = block.number
    keys = [seen.reading.key.key.hex() for seen in entry.seen]
    known = _known(connection, market, number, keys)
    if any(key not in known for key in keys):
        insert(connection, POSITION, [(market, key) for key in keys], new=False)
        known = _known(connection, market, number, keys)
    readings, holdings = [], []
    for key, seen in zip(keys, entry.seen, strict=True):
        position, read, body = known[key]
        if read:
            continue
        exact = facts and seen.holding is not None
        readings.append(_reading(position, number, seen, exact, backfill))
        if exact and body != (new := encode(seen.holding)):
            if body is not None and (follower := _next(connection, position, number)) is not None:
                holdings.append((position, follower, None, body))
            holdings.append((position, number, None, new))
    insert(connection, READING, readings)
    insert(connection, HOLDING, holdings, new=False)


def _known(
    connection: Connection, market: int, number: int, keys: Sequence[str]
) -> dict[str, tuple[int, bool, bytes | None]]:
    """Those of the market's positions that are known: the row, whether it was read at this block, and the holding that held there."""
    found: dict[str, tuple[int, bool, bytes | None]] = {}
    for start in range(0, len(keys), _MANY):
        some = {"market": market, "number": number, "keys": list(keys[start : start + _MANY])}
        rows = connection.execute(_KNOWN, some)
        found |= {key: (position, bool(read), kept) for key, position, read, kept in rows}
    return found


def _next(connection: Connection, position: int, number: int) -> int | None:
    """The next block at which this position's holding was read."""
    found: int | None = connection.execute(_NEXT, {"position": position, "number": number}).scalar()
    return found


def _reading(position: int, number: int, seen: Seen, exact: bool, backfill: bool) -> tuple[Any, ...]:
    reading, sighting = seen.reading, seen.sighting
    worth = reading.valuation
    amounts = (None, None, None) if worth is None else (worth.health, worth.collateral, worth.debt)
    doubts = json.dumps([[doubt.kind, doubt.text] for doubt in reading.doubts]) if reading.doubts else None
    status = (reading.status if sighting is None else sighting.status).value
    clears = None if sighting is None or sighting.clears is None else sighting.clears.value
    confirmed = sighting is not None and sighting.confirmed
    return (position, number, status, clears, *amounts, confirmed, exact, backfill, reading.reason, doubts)
