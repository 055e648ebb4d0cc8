"""The block at which a followed market's book stands in the store: moved on with what is recorded, and back when that is undone."""

from __future__ import annotations

from collections.abc import Collection
from typing import Final

from sqlalchemy import Connection, delete, func, select, update

from watcher.model import BlockRef, PositionKey
from watcher.store.rows import insert
from watcher.store.tables import BLOCK, CYCLE, FOLLOW, MARKET, MEMBER, POSITION

MANY: Final = 500  # keys in one statement


def stands(connection: Connection, market: int, block: BlockRef) -> None:
    """A book of this market stands from this block on. To be called once the block's cycle is there."""
    connection.execute(delete(FOLLOW).where(FOLLOW.c.market_id == market))
    insert(connection, FOLLOW, [(market, block.number, block.number, block.hash, block.timestamp)])
    advance(connection, market, block, ())


def advance(connection: Connection, market: int, block: BlockRef, joined: Collection[PositionKey]) -> None:
    """The book, if there is one, has come to this block, and these positions are in it. To be called once the block's cycle is there."""
    keys = [key.key.hex() for key in joined]
    for start in range(0, len(keys), MANY):
        some = POSITION.c.key.in_(keys[start : start + MANY])
        rows = connection.execute(select(POSITION.c.id).where(POSITION.c.market_id == market, some))
        insert(connection, MEMBER, [(row, block.number) for (row,) in rows], new=False)
    words = {"number": block.number, "hash": block.hash, "timestamp": block.timestamp}
    if connection.execute(update(FOLLOW).where(FOLLOW.c.market_id == market).values(words)).rowcount:
        step = (CYCLE.c.market_id == market, CYCLE.c.number == block.number)
        connection.execute(update(CYCLE).where(*step).values(followed=True))


def retreat(connection: Connection, chain: int, above: int) -> None:
    """Every book of the chain back at the newest block up to `above` that it stood at; gone where it stood at none of them.

    To be called once the later cycles and blocks are gone.
    """
    markets = select(MARKET.c.id).where(MARKET.c.chain == chain)
    connection.execute(delete(FOLLOW).where(FOLLOW.c.market_id.in_(markets), FOLLOW.c.since > above))
    late = select(FOLLOW).where(FOLLOW.c.market_id.in_(markets), FOLLOW.c.number > above)
    for row in connection.execute(late).all():
        there = (CYCLE.c.market_id == row.market_id, CYCLE.c.followed, CYCLE.c.number >= row.since)
        newest = connection.scalar(select(func.max(CYCLE.c.number)).where(*there))
        if newest is None:
            connection.execute(delete(FOLLOW).where(FOLLOW.c.market_id == row.market_id))
            continue
        block = connection.execute(select(BLOCK).where(BLOCK.c.chain == chain, BLOCK.c.number == newest)).one()
        words = {"number": block.number, "hash": block.hash, "timestamp": block.timestamp}
        connection.execute(update(FOLLOW).where(FOLLOW.c.market_id == row.market_id).values(words))
