"""The comptroller's own answer for an account, to be compared with ours."""

from __future__ import annotations

from collections.abc import Sequence

from watcher.adapter import Reported, Which
from watcher.adapters.compound_v2.facts import Terms
from watcher.adapters.compound_v2.holding import owner
from watcher.adapters.compound_v2.words import COMPTROLLER
from watcher.model import PositionKey
from watcher.query import Query, ask, one


def reported(terms: Terms, keys: Sequence[PositionKey]) -> Query[dict[PositionKey, Reported]]:
    """`getAccountLiquidity`, which looks at the books as they are stored: nobody's interest is accrued.

    An account for which it reverts or answers an error (a price that is missing) has no answer and is left out.
    """
    if not keys:
        return {}
    asked = ((owner(key),) for key in keys)
    (rows,) = yield from ask(one(f"{COMPTROLLER}.getAccountLiquidity", terms.market.address, asked, optional=True))
    found = {}
    for key, row in zip(keys, rows, strict=True):
        if row is not None and not row[0]:
            _, liquidity, shortfall = row
            found[key] = Reported(key, Which.NONE, {"liquidity": liquidity, "shortfall": shortfall})
    return found
