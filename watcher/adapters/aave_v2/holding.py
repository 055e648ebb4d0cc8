"""What an account has in an Aave V2 pool: flags first, then balances; two round trips whatever the number of accounts."""

from __future__ import annotations

from collections.abc import Sequence

from watcher.adapters.aave_v2.facts import Holding, Terms
from watcher.adapters.aave_v3.holding import held, owner
from watcher.model import PositionKey
from watcher.query import Query, ask, one


def holdings(terms: Terms, keys: Sequence[PositionKey]) -> Query[dict[PositionKey, Holding]]:
    """As V3's, without e-modes. Stable debt carries the account's own rate and the time of its own last change."""
    if not keys:
        return {}
    accounts = tuple((owner(key),) for key in keys)
    (flags,) = yield from ask(one("aave_v3/pool.getUserConfiguration", terms.market.address, accounts))
    return (yield from held(terms, keys, [(word, 0) for (word,) in flags]))
