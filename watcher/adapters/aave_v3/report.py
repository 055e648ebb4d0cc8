"""The pool's own answer for an account, to be compared with ours."""

from __future__ import annotations

from collections.abc import Sequence

from watcher.adapter import Reported, Which
from watcher.adapters.aave_v3.facts import Terms
from watcher.adapters.aave_v3.holding import owner
from watcher.model import PositionKey
from watcher.query import Query, ask, one
from watcher.units import MAX


def reported(terms: Terms, keys: Sequence[PositionKey]) -> Query[dict[PositionKey, Reported]]:
    """getUserAccountData, which accrues every reserve in memory. An account for which it reverts has no answer and is left out."""
    if not keys:
        return {}
    (rows,) = yield from ask(
        one("aave_v3/pool.getUserAccountData", terms.market.address, ((owner(key),) for key in keys), optional=True)
    )
    return {key: _reported(key, row) for key, row in zip(keys, rows, strict=True) if row is not None}


def _reported(key: PositionKey, row: tuple[int, ...]) -> Reported:
    collateral, debt, available, threshold, ltv, factor = row
    figures = {
        "collateral": collateral,
        "debt": debt,
        "available": available,
        "threshold": threshold,
        "ltv": ltv,
        "health": None if factor == MAX else factor,
    }
    return Reported(key=key, which=Which.ALL, figures=figures)
