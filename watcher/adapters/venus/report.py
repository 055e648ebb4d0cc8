"""The comptroller's own answers for an account, to be compared with ours. Nothing is accrued in them."""

from __future__ import annotations

from collections.abc import Sequence

from watcher.adapter import Reported, Which
from watcher.adapters.venus.facts import Terms
from watcher.adapters.venus.holding import owner
from watcher.adapters.venus.terms import COMPTROLLER
from watcher.model import PositionKey
from watcher.query import Query, ask, one


def reported(terms: Terms, keys: Sequence[PositionKey]) -> Query[dict[PositionKey, Reported]]:
    """`getAccountLiquidity` by thresholds and `getBorrowingPower` by factors. Whoever gets an error from both is left out."""
    if not keys:
        return {}
    at, accounts = terms.market.address, [(owner(key),) for key in keys]
    lines, powers = yield from ask(
        one(f"{COMPTROLLER}.getAccountLiquidity", at, accounts, optional=True),
        one(f"{COMPTROLLER}.getBorrowingPower", at, accounts, optional=True),
    )
    found = {}
    for key, line, power in zip(keys, lines, powers, strict=True):
        figures: dict[str, int | bool | None] = {}
        if line is not None and not line[0]:
            figures |= {"liquidity": line[1], "shortfall": line[2]}
        if power is not None and not power[0]:
            figures["available"] = power[1]
        if figures:
            found[key] = Reported(key, Which.NONE, figures)
    return found
