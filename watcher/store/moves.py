"""When a member of a market's book is known to have moved last."""

from __future__ import annotations

from sqlalchemy import func, select

from watcher.model import Market, PositionKey
from watcher.store.open import Store
from watcher.store.tables import HOLDING, MARKET, POSITION


def changes(store: Store, market: Market) -> dict[PositionKey, int]:
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
    with store.read() as connection:
        return {PositionKey(market.name, bytes.fromhex(key)): number for key, number in connection.execute(newest)}
