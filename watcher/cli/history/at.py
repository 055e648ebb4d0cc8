"""The health of a position as it was at a block, recomputed from the stored words; unknown where they do not say."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy import Connection, Row, func, select

from watcher.adapter import Position
from watcher.adapters import adapter
from watcher.cli.history.course import Choose, Place, kept, valued
from watcher.errors import StoreError
from watcher.model import Reading, Status
from watcher.store import members, recall, trail
from watcher.store.members import Stood
from watcher.store.open import Store
from watcher.store.recall import Kept, Recalled
from watcher.store.tables import BLOCK, CYCLE, FOLLOW, GAP, HOLDING, MEMBER, QUOTE, READING, TERMS


@dataclass(frozen=True, slots=True)
class Moment:
    """A recomputed reading, and the blocks since which its terms, quote and holding had stood."""

    kept: Kept
    reading: Reading
    position: Position[Any, Any, Any]
    terms: int
    quote: int
    holding: int


def recomputed(found: Recalled[Any, Any, Any], place: Place) -> tuple[Position[Any, Any, Any], Reading]:
    """The stored quote accrued to the reading's block, the holding valued. `StoreError` unless it is what was read, to the last unit."""
    kept = found.kept
    position, reading = valued(place, found, kept.block)
    worth = reading.valuation
    figures = (None, None, None) if worth is None else (worth.health, worth.collateral, worth.debt)
    if figures != (kept.health, kept.collateral, kept.debt):
        raise StoreError(
            f"{place.market.name} at block {kept.block.number}: the stored words give another health than was read then; "
            "the store was written by a watcher with other formulas, or it is damaged (watcher db check)"
        )
    return position, replace(reading, status=kept.status)


def at_block(store: Store, place: Place, number: int, choose: Choose | None = None) -> Moment | str:
    """The newest block up to `number` at which the position is known, out of the facts; or why it is unknown there.

    Where nothing was read of it, but its market was followed, the status is the one that the bands of `choose` give.
    """
    found = members.stood(store, adapter(place.market.protocol), place.market, place.key, number)
    with store.read() as connection:
        seen = _newest(connection, place, number)
        why = _beyond(connection, place, number)
        if isinstance(found, Stood) and (seen is None or seen.number < found.block.number):
            why = why or _interrupted(connection, place, found.block.number, number)
            return why or _recomputed(place, found, choose)
        if seen is None:
            return why or (found if isinstance(found, str) else _never(connection, place, number))
        why = why or _interrupted(connection, place, seen.number, number) or _bare(seen)
    return why or _as_read(store, place, number)


def _recomputed(place: Place, found: Stood[Any, Any, Any], choose: Choose | None) -> Moment:
    position, reading = valued(place, found, found.block)
    seen = kept(found, reading, None if choose is None else choose(place))
    return Moment(seen, reading, position, found.terms_since, found.quote_since, found.holding_since)


def _as_read(store: Store, place: Place, number: int) -> Moment | str:
    found = recall.facts_at(store, adapter(place.market.protocol), place.market, place.key, number)
    if found is None:
        return f"nothing was read of it up to block {number}"
    position, reading = recomputed(found, place)
    block = found.kept.block.number
    with store.read() as connection:
        owners = ((TERMS, place.market_id), (QUOTE, place.market_id), (HOLDING, place.position_id))
        marks = [trail.last(connection, table, owner, block) for table, owner in owners]
    since = [block if mark is None else mark.number for mark in marks]
    return Moment(found.kept, reading, position, *since)


def block_at(store: Store, chain: int, time: int) -> int | None:
    """The latest block that can have been the newest at `time`: the one before the next stored block, whose time is later.

    None where there is none, or where `time` is after the newest stored block.
    """
    with store.read() as connection:
        newest = connection.execute(select(func.max(BLOCK.c.timestamp)).where(BLOCK.c.chain == chain)).scalar()
        if newest is None or time > newest:
            return None
        exactly = select(BLOCK.c.number).where(BLOCK.c.chain == chain, BLOCK.c.timestamp == time)
        found: int | None = connection.execute(exactly.order_by(BLOCK.c.number.desc())).scalar()
        if found is not None:
            return found
        after = select(func.min(BLOCK.c.number)).where(BLOCK.c.chain == chain, BLOCK.c.timestamp > time)
        following: int = connection.execute(after).scalar_one()
    return following - 1


def _beyond(connection: Connection, place: Place, number: int) -> str | None:
    newest = connection.execute(select(func.max(BLOCK.c.number)).where(BLOCK.c.chain == place.market.chain)).scalar()
    if newest is None or number > newest:
        return f"block {number} was not read: the newest stored one is {newest}"
    return None


def _newest(connection: Connection, place: Place, number: int) -> Row[Any, Any, Any, Any] | None:
    """The newest reading of the position up to the block."""
    found = select(READING.c.number, READING.c.exact, READING.c.status, READING.c.reason)
    here = (READING.c.position_id == place.position_id, READING.c.number <= number)
    return connection.execute(found.where(*here).order_by(READING.c.number.desc()).limit(1)).first()


def _interrupted(connection: Connection, place: Place, known: int, number: int) -> str | None:
    """Why what is known at block `known` does not say how it was at the later block `number`, if it does not."""
    chain = place.market.chain
    gap = connection.execute(select(GAP).where(GAP.c.chain == chain, GAP.c.first <= number, GAP.c.last > known)).first()
    if gap is not None and known < number:
        return f"nobody watched blocks {gap.first} to {gap.last}: {gap.reason}; it was last read at block {known}"
    failed = connection.execute(
        select(CYCLE.c.number, CYCLE.c.error)
        .where(CYCLE.c.market_id == place.market_id, CYCLE.c.error.is_not(None))
        .where(CYCLE.c.number > known, CYCLE.c.number <= number)
        .order_by(CYCLE.c.number.desc())
    ).first()
    return None if failed is None else f"it could not be read at block {failed.number}: {failed.error}"


def _bare(seen: Row[Any, Any, Any, Any]) -> str | None:
    """Why a reading cannot be had again, if so."""
    if seen.status == Status.UNKNOWN:
        return f"at block {seen.number}: {seen.reason}"
    if not seen.exact:
        return f"at block {seen.number} it was read, but what it was computed from is not stored (endpoints differed, or pruned)"
    return None


def _never(connection: Connection, place: Place, number: int) -> str:
    """Why nothing at all is known of it up to the block."""
    if connection.execute(select(FOLLOW.c.since).where(FOLLOW.c.market_id == place.market_id)).first() is None:
        return f"nothing was read of it up to block {number}"
    if connection.execute(select(MEMBER).where(MEMBER.c.position_id == place.position_id)).first() is None:
        return "it never owed there: the market is followed, and the book has everybody who ever did"
    return f"the market was not followed by block {number}, or that was pruned"
