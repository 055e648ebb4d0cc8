"""Keeping a store: a check of its own consistency, pruning by table, and how fast it grows."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import Connection, Table, and_, delete, exists, func, select, union_all, update

from watcher.store import schema
from watcher.store.open import Store
from watcher.store.risk_tables import APPRAISAL, PRICE
from watcher.store.tables import (
    BLOCK,
    COVERAGE,
    CURSOR,
    CYCLE,
    DELIVERY,
    FOLLOW,
    HOLDING,
    MARKET,
    MEMBER,
    POSITION,
    QUOTE,
    READING,
    SAMPLE,
    TERMS,
    TRANSITION,
)

TABLES: Final = {  # by the names that watcher.toml has for them
    "readings": READING,
    "quotes": QUOTE,
    "holdings": HOLDING,
    "terms": TERMS,
    "transitions": TRANSITION,
    "cycles": CYCLE,
    "prices": PRICE,
    "appraisals": APPRAISAL,
}
FREE: Final = {
    "prices",
    "appraisals",
}  # say nothing of how long blocks are kept: they stand at none, or it stays for them
MONTH: Final = 30 * 86_400  # seconds
LEAST: Final = 3_600  # seconds of history from which a growth can be told
EACH: Final = 230  # bytes of a member beside its holding, on SQLite with its indexes
LIGHT: Final = 28  # bytes of a price


@dataclass(frozen=True, slots=True)
class Growth:
    """`size` in bytes now; `month` is what a month adds at the pace of the history there is, None where that is too short."""

    size: int
    month: int | None


def problems(store: Store) -> tuple[str, ...]:
    """What is wrong in a store that opens, a line each: rows whose block is not stored, readings without facts. Empty when nothing is."""
    stray = ~exists().where(BLOCK.c.chain == CURSOR.c.chain, BLOCK.c.hash == CURSOR.c.hash)
    bare = ~exists().where(HOLDING.c.position_id == READING.c.position_id, HOLDING.c.number <= READING.c.number)
    with store.read() as connection:
        schema.check(connection, store.name)
        damage = _damage(connection)
        stray_book = ~exists().where(BLOCK.c.hash == FOLLOW.c.hash, BLOCK.c.number == FOLLOW.c.number)
        quoteless = ~exists().where(QUOTE.c.market_id == CYCLE.c.market_id, QUOTE.c.number <= CYCLE.c.number)
        counts = (
            (_count(connection, FOLLOW, stray_book), "books stand at a block that is not stored"),
            (_count(connection, CYCLE, and_(CYCLE.c.followed, quoteless)), "followed blocks have lost their quote"),
            (_strays(connection, READING), "readings stand at a block that is not stored"),
            (_strays(connection, APPRAISAL), "appraisals stand at a block that is not stored"),
            (_strays(connection, CYCLE), "cycles stand at a block that is not stored"),
            (_count(connection, CURSOR, stray), "cursors stand at a block that is not stored"),
            (_count(connection, READING, and_(READING.c.exact.is_(True), bare)), "readings have lost their holding"),
        )
    return (*damage, *(f"{count} {text}" for count, text in counts if count))


def prune(store: Store, keep: Mapping[str, int | None], now: int) -> Mapping[str, int]:
    """Remove what is older than `keep` says, in seconds by table, by the blocks' own time and in one transaction; rows removed by table.

    A fact that still held then stays. Readings whose facts have gone stay readings and are no longer exact. A transition stays while
    it is still to be told. Where every table that is not `FREE` is named, blocks go that nothing stands at. `KeyError` for a name that
    is not in `TABLES`.
    """
    ages = {name: seconds for name, seconds in keep.items() if seconds is not None}
    with store.write() as connection:
        removed = {name: _older(connection, TABLES[name], now - seconds) for name, seconds in ages.items()}
        standing = {name: seconds for name, seconds in ages.items() if name not in FREE}
        if standing.keys() == TABLES.keys() - FREE:
            removed["blocks"] = _bare(connection, now - max(standing.values()))
    return removed


def growth(store: Store) -> Growth:
    """By the size of the whole store and the time between its first and its last cycle. What followed markets began with,
    and prices of before, are not counted again for every month."""
    with store.read() as connection:
        first, last = connection.execute(select(func.min(CYCLE.c.time), func.max(CYCLE.c.time))).one()
        size = _size(connection)
        grown = max(0, size - _begun(connection, first))
    span = 0 if first is None else last - first
    return Growth(size, grown * MONTH // span if span >= LEAST else None)


def _damage(connection: Connection) -> tuple[str, ...]:
    """What SQLite finds wrong in its own file."""
    if connection.dialect.name != "sqlite":
        return ()
    lines = [str(line) for line in connection.exec_driver_sql("PRAGMA integrity_check(10)").scalars()]
    return () if lines == ["ok"] else tuple(lines)


def _size(connection: Connection) -> int:
    if connection.dialect.name == "postgresql":
        return int(connection.exec_driver_sql("SELECT pg_database_size(current_database())").scalar_one())
    pages, free, size = (
        int(connection.exec_driver_sql(f"PRAGMA {name}").scalar_one())
        for name in ("page_count", "freelist_count", "page_size")
    )
    return (pages - free) * size


def _begun(connection: Connection, since: int | None) -> int:
    """About the bytes of the members that books opened with (rows of position and member, and the first holdings), and of prices
    from before the time `since`."""
    first = select(CYCLE.c.market_id, func.min(CYCLE.c.number).label("number")).where(CYCLE.c.followed)
    opened = first.group_by(CYCLE.c.market_id).subquery()
    rows = MEMBER.join(POSITION).join(opened, opened.c.market_id == POSITION.c.market_id)
    held = rows.join(HOLDING, and_(HOLDING.c.position_id == POSITION.c.id, HOLDING.c.number <= opened.c.number))
    sizes = connection.scalars(select(func.length(HOLDING.c.body)).select_from(held))
    past = 0 if since is None else _count(connection, PRICE, PRICE.c.time < since)
    return sum(EACH + int(size) for size in sizes) + LIGHT * past


def _count(connection: Connection, table: Table, where: Any) -> int:
    return int(connection.execute(select(func.count()).select_from(table).where(where)).scalar_one())


def _gone(connection: Connection, statement: Any) -> int:
    return int(connection.execute(statement).rowcount)


def _owner(table: Table) -> Any:
    return table.c.position_id if "position_id" in table.c else table.c.market_id


def _owners(table: Table, chain: int) -> Any:
    """The positions or markets of a chain, as a subquery."""
    markets = select(MARKET.c.id).where(MARKET.c.chain == chain)
    return select(POSITION.c.id).where(POSITION.c.market_id.in_(markets)) if "position_id" in table.c else markets


def _strays(connection: Connection, table: Table) -> int:
    """Rows of readings, appraisals or cycles whose block is not stored."""
    owners = table.join(POSITION).join(MARKET) if "position_id" in table.c else table.join(MARKET)
    here = and_(BLOCK.c.chain == MARKET.c.chain, BLOCK.c.number == table.c.number)
    found = select(func.count()).select_from(owners.outerjoin(BLOCK, here))
    return int(connection.execute(found.where(table.c.number.is_not(None), BLOCK.c.number.is_(None))).scalar_one())


def _ends(connection: Connection, before: int) -> list[tuple[int, int]]:
    """Of every chain the last stored block that was made before a time."""
    last = select(BLOCK.c.chain, func.max(BLOCK.c.number)).where(BLOCK.c.timestamp < before).group_by(BLOCK.c.chain)
    return [(chain, number) for chain, number in connection.execute(last)]


def _older(connection: Connection, table: Table, before: int) -> int:
    if table is TRANSITION:
        return _settled(connection, before)
    if table is PRICE:
        return _gone(connection, delete(PRICE).where(PRICE.c.time < before))
    if table is CYCLE:  # some never got a block
        return _gone(connection, delete(CYCLE).where(CYCLE.c.time < before))
    removed = 0
    for chain, number in _ends(connection, before):
        if table in (READING, APPRAISAL):
            owned = table.c.position_id.in_(_owners(table, chain))
            removed += _gone(connection, delete(table).where(owned, table.c.number <= number))
        else:
            removed += _facts(connection, table, chain, number)
    return removed


def _facts(connection: Connection, table: Table, chain: int, number: int) -> int:
    """Changes that another had replaced by block `number`, market by market; a book that stands at an earlier block keeps what it is."""
    removed = 0
    found = select(MARKET.c.id, FOLLOW.c.number).select_from(MARKET.outerjoin(FOLLOW)).where(MARKET.c.chain == chain)
    for market, stands in connection.execute(found).all():
        upto = number if stands is None else min(number, stands)
        removed += _held(connection, market, upto) if table is HOLDING else _superseded(connection, table, market, upto)
        later = select(func.min(CYCLE.c.number)).where(CYCLE.c.market_id == market, CYCLE.c.followed)
        first = connection.scalar(later.where(CYCLE.c.number >= upto)) or stands
        book = (FOLLOW.c.market_id == market, FOLLOW.c.since < upto)
        connection.execute(update(FOLLOW).where(*book).values(since=first))
    return removed


def _held(connection: Connection, market: int, number: int) -> int:
    """Holdings that another had replaced, all positions at once: a whole market has many."""
    ours = select(POSITION.c.id).where(POSITION.c.market_id == market)
    later = HOLDING.alias()
    still = select(func.max(later.c.number)).where(later.c.number <= number)
    lost = update(READING).where(READING.c.position_id.in_(ours), READING.c.exact.is_(True))
    since = still.where(later.c.position_id == READING.c.position_id).scalar_subquery()
    connection.execute(lost.where(READING.c.number < since).values(exact=False))
    since = still.where(later.c.position_id == HOLDING.c.position_id).scalar_subquery()
    return _gone(connection, delete(HOLDING).where(HOLDING.c.position_id.in_(ours), HOLDING.c.number < since))


def _superseded(connection: Connection, table: Table, market: int, number: int) -> int:
    """Terms or quotes that another had replaced, but those that later differences are made to. What was computed from them, and the
    blocks at which everybody's holding was true under them, cannot be had again."""
    of, at = list(table.primary_key.columns)
    still = connection.scalar(select(func.max(at)).where(of == market, at <= number))
    if still is None:
        return 0
    needed = select(table.c.base).where(of == market, table.c.base < still)
    bases: set[int] = set()
    more = set(connection.scalars(needed.where(at >= still)))
    while more:  # a difference may be to another one
        bases |= more
        more = set(connection.scalars(needed.where(at.in_(more)))) - bases
    removed = _gone(connection, delete(table).where(of == market, at < still, at.not_in(bases)))
    positions = select(POSITION.c.id).where(POSITION.c.market_id == market)
    lost = update(READING).where(READING.c.position_id.in_(positions), READING.c.number < still)
    connection.execute(lost.values(exact=False))
    bare = update(CYCLE).where(CYCLE.c.market_id == market, CYCLE.c.number < still)
    connection.execute(bare.values(followed=False))
    return removed


def _settled(connection: Connection, before: int) -> int:
    """Transitions of that long ago with nothing left to send, with their deliveries; the one by which a position stands now stays."""
    waiting = exists().where(DELIVERY.c.transition_id == TRANSITION.c.id, DELIVERY.c.state == "pending")
    holds = (TRANSITION.c.orphaned.is_(False), TRANSITION.c.retracts.is_(None))
    newest = select(func.max(TRANSITION.c.place)).where(*holds).group_by(TRANSITION.c.position_id)
    where = (TRANSITION.c.timestamp < before, ~waiting, TRANSITION.c.place.not_in(newest))
    old = select(TRANSITION.c.id).where(*where)
    connection.execute(delete(DELIVERY).where(DELIVERY.c.transition_id.in_(old)))
    return _gone(connection, delete(TRANSITION).where(*where))


def _bare(connection: Connection, before: int) -> int:
    """Blocks that nothing stands at any more."""
    removed = 0
    for chain, number in _ends(connection, before):
        used = [
            select(table.c.number).where(_owner(table).in_(_owners(table, chain)), table.c.number <= number)
            for table in (READING, APPRAISAL, HOLDING, TERMS, QUOTE, CYCLE, FOLLOW, COVERAGE, SAMPLE)
        ]
        cursor = select(CURSOR.c.number).where(CURSOR.c.chain == chain)
        old = delete(BLOCK).where(BLOCK.c.chain == chain, BLOCK.c.number <= number)
        removed += _gone(connection, old.where(BLOCK.c.number.not_in(union_all(*used, cursor))))
    return removed
