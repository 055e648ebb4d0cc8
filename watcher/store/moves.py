"""When a member of a market's book is known to have moved last."""

from __future__ import annotations

from collections.abc import Collection
from typing import Final

from sqlalchemy import func, select

from watcher.model import Market, PositionKey
from watcher.store.open import Store
from watcher.store.tables import HOLDING, MARKET, POSITION

MANY: Final = 500  # keys in one statement


def changes(store: Store, market: Market, keys: Collection[PositionKey]) -> dict[PositionKey, int]:
    """The block at which each position's newest stored holding took the place of another. Left out is who has had only one: it was
    read there first, and moved nobody knows when before.
    """
    of = (
        MARKET.c.chain == market.chain,
        MARKET.c.protocol == market.protocol,
        MARKET.c.address == market.address,
        MARKET.c.ident == market.id.hex(),
    )
    newest = select(POSITION.c.key, func.max(HOLDING.c.number)).select_from(POSITION.join(MARKET).join(HOLDING))
    newest = newest.where(*of).group_by(POSITION.c.id, POSITION.c.key).having(func.count() > 1)
    words = [key.key.hex() for key in keys]
    found: dict[PositionKey, int] = {}
    with store.read() as connection:
        for start in range(0, len(words), MANY):
            rows = connection.execute(newest.where(POSITION.c.key.in_(words[start : start + MANY])))
            found |= {PositionKey(market.name, bytes.fromhex(key)): number for key, number in rows}
    return found
