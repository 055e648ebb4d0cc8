"""A market's own past: its terms and quote at the blocks at which they were certainly read."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Generic

from sqlalchemy import exists, func, or_, select

from watcher.adapter import Adapter, H, Q, T
from watcher.model import Market
from watcher.store.open import Store
from watcher.store.recall import Trail
from watcher.store.tables import BLOCK, CYCLE, MARKET, POSITION, QUOTE, READING, TERMS
from watcher.store.trail import walk


@dataclass(frozen=True, slots=True)
class Quoted(Generic[T, Q]):
    """What held at a block of that time, Unix seconds. `quote` is as stored, not accrued."""

    time: int
    terms: T
    quote: Q


def quoted(
    store: Store, of: Adapter[T, Q, H], market: Market, since: int, until: int, every: int
) -> Iterator[Quoted[T, Q]]:
    """The first certain reading of the market in every `every` seconds from `since` on and before `until`, oldest first.

    A cycle that failed, or that endpoints differed about, is no reading: what was stored before it says nothing of its block.
    """
    at = (QUOTE.c.market_id == CYCLE.c.market_id, QUOTE.c.number == CYCLE.c.number)
    ours = (POSITION.c.market_id == CYCLE.c.market_id, READING.c.position_id == POSITION.c.id)
    exact = exists().where(*ours, READING.c.number == CYCLE.c.number, READING.c.exact.is_(True))
    certain = or_(CYCLE.c.followed, exists().where(*at), exact)
    here = (BLOCK.c.chain == MARKET.c.chain) & (BLOCK.c.number == CYCLE.c.number)
    found = (
        select(func.min(CYCLE.c.number), func.min(BLOCK.c.timestamp), CYCLE.c.market_id)
        .select_from(CYCLE.join(MARKET).join(BLOCK, here))
        .where(
            MARKET.c.chain == market.chain,
            MARKET.c.protocol == market.protocol,
            MARKET.c.address == market.address,
            MARKET.c.ident == market.id.hex(),
            CYCLE.c.error.is_(None),
            certain,
            BLOCK.c.timestamp >= since,
            BLOCK.c.timestamp < until,
        )
        .group_by(CYCLE.c.market_id, BLOCK.c.timestamp - BLOCK.c.timestamp % every)
        .order_by(func.min(CYCLE.c.number))
    )
    with store.read() as connection:
        trails: tuple[Trail, Trail] | None = None
        for number, time, row in connection.execute(found):
            if trails is None:
                terms = Trail(walk(connection, TERMS, row, number), of.terms_type)
                trails = terms, Trail(walk(connection, QUOTE, row, number), of.quote_type)
            facts = [trail.at(number) for trail in trails]
            if None not in facts:  # pruned
                yield Quoted(time, *facts)
