"""A doubt that comes up later, about a reading that is stored: added to those it has. Nothing else of a reading ever changes."""

from __future__ import annotations

import json

from sqlalchemy import select, update

from watcher.model import Doubt, Market, PositionKey
from watcher.store.open import Store
from watcher.store.tables import MARKET, POSITION, READING


def add(store: Store, market: Market, key: PositionKey, number: int, found: Doubt) -> None:
    """The same doubt again changes nothing, and so does a reading that is not there any more."""
    position = (
        select(POSITION.c.id)
        .join(MARKET)
        .where(
            MARKET.c.chain == market.chain,
            MARKET.c.protocol == market.protocol,
            MARKET.c.address == market.address,
            MARKET.c.ident == market.id.hex(),
            POSITION.c.key == key.key.hex(),
        )
        .scalar_subquery()
    )
    here = (READING.c.position_id == position, READING.c.number == number)
    with store.write() as connection:
        row = connection.execute(select(READING.c.doubts).where(*here)).first()
        if row is None:
            return
        known = json.loads(row.doubts) if row.doubts else []
        if [found.kind, found.text] not in known:
            doubts = json.dumps([*known, [found.kind, found.text]])
            connection.execute(update(READING).where(*here).values(doubts=doubts))
