"""Everybody in a followed market at past blocks, as the store has it: who, what each held, and which block stands for a time."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from eth_utils.address import to_checksum_address
from sqlalchemy import Connection, func, select

from watcher.model import BlockRef, Market
from watcher.store.members import last_step
from watcher.store.tables import BLOCK, CYCLE, GAP, HOLDING, MARKET, MEMBER, POSITION, READING


@dataclass(frozen=True, slots=True)
class Place:
    """A market's row. `unit` and `decimals` are of its values, None where nothing was ever valued."""

    row: int
    market: Market
    unit: str | None
    decimals: int | None


@dataclass(frozen=True, slots=True)
class Member:
    """`since` is the first block known to name it; `body` its holding at the block asked for, None where none is stored."""

    row: int
    key: bytes
    since: int | None
    body: bytes | None


@dataclass(frozen=True, slots=True)
class Tick:
    """A time of a grid (Unix seconds) and the newest followed block that is not after it; None before the first.

    `reason` says why that block does not stand for the time.
    """

    time: int
    block: BlockRef | None
    reason: str | None = None


def followed(connection: Connection) -> tuple[Place, ...]:
    """Every market with a block at which everybody's holding is known."""
    some = select(CYCLE.c.market_id).where(CYCLE.c.followed)
    rows = connection.execute(select(MARKET).where(MARKET.c.id.in_(some)).order_by(MARKET.c.id))
    return tuple(
        Place(
            row.id,
            Market(row.chain, row.protocol, row.name, to_checksum_address(row.address), bytes.fromhex(row.ident)),
            row.unit,
            row.decimals,
        )
        for row in rows
    )


def ends(connection: Connection, place: Place) -> tuple[BlockRef, BlockRef] | None:
    """The first and the last followed block."""
    first = connection.scalar(select(func.min(CYCLE.c.number)).where(CYCLE.c.market_id == place.row, CYCLE.c.followed))
    begin = None if first is None else last_step(connection, place.row, first)
    end = last_step(connection, place.row)
    return None if begin is None or end is None else (begin, end)


def tick(connection: Connection, place: Place, time: int) -> Tick:
    """What is known of the market at a time: the block at or before it, unless nobody looked or the look failed since."""
    chain = place.market.chain
    newest = connection.scalar(
        select(func.max(BLOCK.c.number)).where(
            BLOCK.c.chain == chain,
            BLOCK.c.timestamp
            == select(func.max(BLOCK.c.timestamp))
            .where(BLOCK.c.chain == chain, BLOCK.c.timestamp <= time)
            .scalar_subquery(),
        )
    )
    block = None if newest is None else last_step(connection, place.row, newest)
    if newest is None or block is None:
        return Tick(time, None, "the market was not followed by then")
    return Tick(time, block, None if block.timestamp == time else _lost(connection, place, block, newest))


def _lost(connection: Connection, place: Place, block: BlockRef, newest: int) -> str | None:
    """What came between the followed block and the time after the `newest` stored one."""
    over = (GAP.c.chain == place.market.chain, GAP.c.first <= newest + 1, GAP.c.last > block.number)
    gap = connection.execute(select(GAP).where(*over)).first()
    if gap is not None:
        return f"nobody watched blocks {gap.first} to {gap.last}: {gap.reason}"
    late = (CYCLE.c.market_id == place.row, CYCLE.c.number > block.number, CYCLE.c.number <= newest)
    failed = connection.execute(
        select(CYCLE.c.number, CYCLE.c.error).where(*late, CYCLE.c.error.is_not(None)).order_by(CYCLE.c.number.desc())
    ).first()
    return None if failed is None else f"it could not be read at block {failed.number}: {failed.error}"


def members(connection: Connection, place: Place, number: int) -> Iterator[Member]:
    """Everybody, with the holding that is true at a followed block."""
    body = (
        select(HOLDING.c.body)
        .where(HOLDING.c.position_id == POSITION.c.id, HOLDING.c.number <= number)
        .order_by(HOLDING.c.number.desc())
        .limit(1)
        .scalar_subquery()
    )
    found = select(POSITION.c.id, POSITION.c.key, MEMBER.c.since, body).select_from(MEMBER.join(POSITION))
    rows = connection.execute(found.where(POSITION.c.market_id == place.row).order_by(POSITION.c.id))
    return (Member(row, bytes.fromhex(key), since, held) for row, key, since, held in rows)


def moved(connection: Connection, place: Place, after: int, upto: int) -> Iterator[tuple[int, bytes]]:
    """Positions whose holding changed in the blocks behind `after`, and what it was at `upto`; in the order of the changes."""
    ours = HOLDING.c.position_id.in_(select(POSITION.c.id).where(POSITION.c.market_id == place.row))
    found = select(HOLDING.c.position_id, HOLDING.c.body).where(
        ours, HOLDING.c.number > after, HOLDING.c.number <= upto
    )
    return (tuple(row) for row in connection.execute(found.order_by(HOLDING.c.number)))


def doubted(connection: Connection, place: Place, number: int) -> set[int]:
    """Positions that endpoints differed about at a followed block."""
    ours = READING.c.position_id.in_(select(POSITION.c.id).where(POSITION.c.market_id == place.row))
    found = select(READING.c.position_id).where(ours, READING.c.number == number, READING.c.exact.is_(False))
    return set(connection.scalars(found))


def program(connection: Connection, place: Place, number: int) -> str | None:
    """The version of watcher that read the market at a block."""
    found = select(CYCLE.c.program).where(CYCLE.c.market_id == place.row, CYCLE.c.number == number)
    return connection.scalar(found)
