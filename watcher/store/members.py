"""The members of a followed market at past blocks: facts that are true there although nothing was read of the position itself."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any, Generic

from sqlalchemy import Connection, Row, Select, func, select

from watcher.adapter import Adapter, H, Q, T
from watcher.model import BlockRef, Market, PositionKey
from watcher.store import trail
from watcher.store.open import Store
from watcher.store.recall import Trail
from watcher.store.tables import BLOCK, CYCLE, HOLDING, MARKET, MEMBER, POSITION, QUOTE, READING, TERMS


@dataclass(frozen=True, slots=True)
class Stood(Generic[T, Q, H]):
    """What a position held at `block`, under the market's words of that block: accrue `quote` to it and value the holding.

    The last three are the blocks since which each had stood.
    """

    key: PositionKey
    block: BlockRef
    terms: T
    quote: Q  # as stored
    holding: H
    terms_since: int
    quote_since: int
    holding_since: int


def steps(connection: Connection, market: int, since: int = 0) -> Iterator[BlockRef]:
    """The blocks from the time `since` on at which every member's stored holding is true, in order."""
    found = _steps(market).where(BLOCK.c.timestamp >= since).order_by(CYCLE.c.number)
    return map(_block, connection.execute(found))


def last_step(connection: Connection, market: int, number: int | None = None) -> BlockRef | None:
    """The newest such block, not after `number` where that is given."""
    found = _steps(market) if number is None else _steps(market).where(CYCLE.c.number <= number)
    row = connection.execute(found.order_by(CYCLE.c.number.desc()).limit(1)).first()
    return None if row is None else _block(row)


def stood(
    store: Store, of: Adapter[T, Q, H], market: Market, key: PositionKey, number: int | None = None
) -> Stood[T, Q, H] | str | None:
    """A member at the newest block up to `number` (of all by default) at which its market was followed; None where there is none, or it
    is no member.

    Where there is one and it is not known what the member held there: the reason.
    """
    with store.read() as connection:
        row = _member(connection, market, key)
        block = None if row is None else last_step(connection, row.market_id, number)
        if row is None or block is None:
            return None
        why = _absent(connection, row, block.number)
        return next(_course(connection, of, row, key, [block])) if why is None else why


def stood_course(
    store: Store, of: Adapter[T, Q, H], market: Market, key: PositionKey, since: int = 0, every: int = 0
) -> Iterator[Stood[T, Q, H]]:
    """A member at every followed block from the time `since` on at which its holding is known, oldest first; the first one in `every`
    seconds, and the newest of all."""
    with store.read() as connection:
        row = _member(connection, market, key)
        if row is None:
            return
        first = connection.scalar(select(func.min(HOLDING.c.number)).where(HOLDING.c.position_id == row.position_id))
        bare = select(READING.c.number).where(READING.c.position_id == row.position_id, READING.c.exact.is_(False))
        doubted = set(connection.scalars(bare))
        known = (
            block
            for block in steps(connection, row.market_id, since)
            if first is not None and block.number >= first and block.number not in doubted
        )
        yield from _course(connection, of, row, key, _thinned(known, every))


def _steps(market: int) -> Select[Any]:
    here = (BLOCK.c.chain == MARKET.c.chain) & (BLOCK.c.number == CYCLE.c.number)
    found = select(BLOCK.c.number, BLOCK.c.timestamp, BLOCK.c.chain, BLOCK.c.hash)
    return found.select_from(CYCLE.join(MARKET).join(BLOCK, here)).where(CYCLE.c.market_id == market, CYCLE.c.followed)


def _block(row: Row[Any]) -> BlockRef:
    return BlockRef(row.number, row.timestamp, row.chain, row.hash)


def _member(connection: Connection, market: Market, key: PositionKey) -> Row[Any, Any, Any] | None:
    found = select(MEMBER.c.position_id, MEMBER.c.since, POSITION.c.market_id).select_from(
        MEMBER.join(POSITION).join(MARKET)
    )
    return connection.execute(
        found.where(
            MARKET.c.chain == market.chain,
            MARKET.c.protocol == market.protocol,
            MARKET.c.address == market.address,
            MARKET.c.ident == market.id.hex(),
            POSITION.c.key == key.key.hex(),
        )
    ).first()


def _absent(connection: Connection, member: Row[Any, Any, Any], number: int) -> str | None:
    """Why it is not known what a member held at a followed block."""
    if trail.last(connection, HOLDING, member.position_id, number) is None:
        return missing(member.since, number)
    bare = select(READING.c.exact).where(READING.c.position_id == member.position_id, READING.c.number == number)
    if connection.scalar(bare) is False:
        return f"at block {number} endpoints differed about it"
    return None


def missing(since: int | None, number: int) -> str:
    """Why there is no holding of a member at a followed block. `since` is the first block known to name it."""
    if since is not None and since > number:
        return f"it had not owed by block {number}: block {since} is the first known to name it"
    return f"what it held at block {number} is not stored: it was found later, or that was pruned"


def _thinned(blocks: Iterable[BlockRef], every: int) -> Iterator[BlockRef]:
    """The first of every period of `every` seconds, and the last of all."""
    period = shown = last = None
    for last in blocks:
        if every == 0 or last.timestamp // every != period:
            period = last.timestamp // every if every else None
            shown = last
            yield last
    if last is not None and last is not shown:
        yield last


def _course(
    connection: Connection,
    of: Adapter[T, Q, H],
    member: Row[Any, Any, Any],
    key: PositionKey,
    blocks: Iterable[BlockRef],
) -> Iterator[Stood[T, Q, H]]:
    """What held at each block, in order; decoded only where it changed."""
    trails: list[Trail] = []
    for block in blocks:
        if not trails:
            owners = ((TERMS, member.market_id), (QUOTE, member.market_id), (HOLDING, member.position_id))
            kinds = (of.terms_type, of.quote_type, of.holding_type)
            trails = [
                Trail(trail.walk(connection, table, owner, block.number), kind)
                for (table, owner), kind in zip(owners, kinds, strict=True)
            ]
        facts = [one.at(block.number) for one in trails]
        yield Stood(key, block, *facts, *(one.since for one in trails))
