"""The health of a position as it was at a block, recomputed from the stored words; unknown where they do not say."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy import Connection, func, select

from watcher.adapter import Position, Which
from watcher.adapters import adapter
from watcher.cli.history.course import Place
from watcher.errors import StoreError
from watcher.health.status import read
from watcher.model import Reading, Status
from watcher.store import recall, trail
from watcher.store.open import Store
from watcher.store.recall import Kept, Recalled
from watcher.store.tables import BLOCK, CYCLE, GAP, HOLDING, QUOTE, READING, TERMS


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
    of, kept = adapter(place.market.protocol), found.kept
    quote = of.accrue(found.terms, found.quote, kept.block, Which.ALL)
    position = Position(of, found.terms, quote, found.holding)
    reading = read(kept.key, kept.block, position)
    worth = reading.valuation
    figures = (None, None, None) if worth is None else (worth.health, worth.collateral, worth.debt)
    if figures != (kept.health, kept.collateral, kept.debt):
        raise StoreError(
            f"{place.market.name} at block {kept.block.number}: the stored words give another health than was read then; "
            "the store was written by a watcher with other formulas, or it is damaged (watcher db check)"
        )
    return position, replace(reading, status=kept.status)


def at_block(store: Store, place: Place, number: int) -> Moment | str:
    """The newest reading not after block `number`, out of its facts; or why the position is unknown there."""
    with store.read() as connection:
        why = _unknown(connection, place, number)
    if why is not None:
        return why
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


def _unknown(connection: Connection, place: Place, number: int) -> str | None:
    """Why the newest exact reading up to block `number` does not say how it was there, if it does not."""
    chain = place.market.chain
    newest = connection.execute(select(func.max(BLOCK.c.number)).where(BLOCK.c.chain == chain)).scalar()
    if newest is None or number > newest:
        return f"block {number} was not read: the newest stored one is {newest}"
    row = connection.execute(
        select(READING.c.number, READING.c.exact, READING.c.status, READING.c.reason)
        .where(READING.c.position_id == place.position_id, READING.c.number <= number)
        .order_by(READING.c.number.desc())
        .limit(1)
    ).first()
    if row is None:
        return f"nothing was read of it up to block {number}"
    gap = connection.execute(
        select(GAP).where(GAP.c.chain == chain, GAP.c.first <= number, GAP.c.last > row.number)
    ).first()
    if gap is not None and row.number < number:
        return f"nobody watched blocks {gap.first} to {gap.last}: {gap.reason}; it was last read at block {row.number}"
    failed = connection.execute(
        select(CYCLE.c.number, CYCLE.c.error)
        .where(CYCLE.c.market_id == place.market_id, CYCLE.c.error.is_not(None))
        .where(CYCLE.c.number > row.number, CYCLE.c.number <= number)
        .order_by(CYCLE.c.number.desc())
    ).first()
    if failed is not None:
        return f"it could not be read at block {failed.number}: {failed.error}"
    if row.status == Status.UNKNOWN:
        return f"at block {row.number}: {row.reason}"
    if not row.exact:
        return f"at block {row.number} it was read, but what it was computed from is not stored (endpoints differed, or pruned)"
    return None
