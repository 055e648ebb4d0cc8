"""What the store says became of the positions whose chances it has: when each was watched, when at its line, when it moved."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, TypeAlias

from sqlalchemy import Connection, select

from watcher.adapter import Which
from watcher.adapters import adapter
from watcher.errors import WatcherError
from watcher.model import BlockRef, Market, PositionKey, Status
from watcher.risk.realised import Course, Look, watched
from watcher.store.open import Store
from watcher.store.recall import Recalled, facts_at, gaps, markets
from watcher.store.tables import BLOCK, CYCLE, HOLDING, MARKET, POSITION, READING

Block: TypeAlias = tuple[
    int, int, bool, bool
]  # number, time, whether its market was read there, whether it is followed


def markets_of(store: Store) -> dict[str, Market]:
    """Every stored market by its name."""
    with store.read() as connection:
        chains = connection.scalars(select(MARKET.c.chain).distinct().order_by(MARKET.c.chain)).all()
    return {market.name: market for chain in chains for market in markets(store, chain)}


def courses(store: Store, market: Market, keys: Sequence[PositionKey]) -> Iterator[tuple[PositionKey, Course]]:
    """Of positions of one market, one after the other."""
    with store.read() as connection:
        blocks = tuple(_blocks(connection, market))
    for key in keys:
        yield key, _course(store, market, key, blocks)


def _course(store: Store, market: Market, key: PositionKey, blocks: Sequence[Block]) -> Course:
    """Of one position. It was at its line where a reading says so, and where what it held at the reading before would have been under the
    line at the next one's prices: who liquidates, or saves himself, in the very block of a price leaves no other trace.
    """
    with store.read() as connection:
        position = connection.scalar(_position(market, key))
        seen = dict(_readings(connection, market.chain, position))
        changes = connection.scalars(
            select(HOLDING.c.number).where(HOLDING.c.position_id == position).order_by(HOLDING.c.number)
        ).all()
    looks = [Look(number, time, read and (followed or number in seen)) for number, time, read, followed in blocks]
    missed = [(one.first, one.last) for one in gaps(store, market.chain)]
    reached = {time for time, status in seen.values() if status is Status.LIQUIDATABLE}
    unknown = {time for time, status in seen.values() if status is Status.UNKNOWN}
    moved = set()
    for number in changes:
        after = facts_at(store, adapter(market.protocol), market, key, number)
        before = facts_at(store, adapter(market.protocol), market, key, number - 1)
        if after is None or before is None or after.kept.block.number != number:
            continue  # the first it ever held, or a book's: a block at which it was not read
        time = after.kept.block.timestamp
        moved.add(time)
        under = _under(market, after, before.holding)
        if under is None:
            unknown.add(time)
        elif under:
            reached.add(time)
    return Course(watched(looks, missed), tuple(sorted(reached)), tuple(sorted(unknown)), tuple(sorted(moved)))


def _under(market: Market, at: Recalled[Any, Any, Any], holding: Any) -> bool | None:
    """Whether amounts would be under the line by everything else of a reading; None where that cannot be told."""
    of = adapter(market.protocol)
    block: BlockRef = at.kept.block
    try:
        return bool(of.value(at.terms, of.accrue(at.terms, at.quote, block, Which.ALL), holding).liquidatable)
    except WatcherError:
        return None


def _position(market: Market, key: PositionKey) -> Any:
    return (
        select(POSITION.c.id)
        .join(MARKET)
        .where(MARKET.c.chain == market.chain, MARKET.c.name == market.name, POSITION.c.key == key.key.hex())
    )


def _readings(connection: Connection, chain: int, position: int | None) -> Iterator[tuple[int, tuple[int, Status]]]:
    """By block its time, and what the position was there."""
    here = (BLOCK.c.chain == chain) & (BLOCK.c.number == READING.c.number)
    found = select(READING.c.number, BLOCK.c.timestamp, READING.c.status).select_from(READING.join(BLOCK, here))
    for number, time, status in connection.execute(found.where(READING.c.position_id == position)):
        yield number, (time, Status(status))


def _blocks(connection: Connection, market: Market) -> Iterator[Block]:
    """In order. A market that is followed reads who may have moved: whoever was not read there has not changed."""
    here = (BLOCK.c.chain == market.chain) & (BLOCK.c.number == CYCLE.c.number)
    found = select(CYCLE.c.number, BLOCK.c.timestamp, CYCLE.c.error.is_(None), CYCLE.c.followed)
    rows = found.select_from(CYCLE.join(MARKET).join(BLOCK, here)).where(
        MARKET.c.chain == market.chain, MARKET.c.name == market.name
    )
    for number, time, read, followed in connection.execute(rows.order_by(CYCLE.c.number)):
        yield number, time, bool(read), followed
