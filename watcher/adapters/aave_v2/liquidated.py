"""Liquidations as an Aave V2 pool logged them: the pool's log says everything, since there is no fee and nothing is written off."""

from __future__ import annotations

from typing import Final

from watcher.adapter import Event, Liquidated, LogQuery
from watcher.adapters.aave_v2.facts import Terms
from watcher.model import PositionKey
from watcher.units import Raw

CALL: Final = "aave_v2/pool.LiquidationCall"


def liquidations(terms: Terms) -> LogQuery[Liquidated]:
    """One per LiquidationCall. What is still owed when no collateral is left stays with the account."""

    def read(event: Event) -> Liquidated:
        collateral, debt, user, repaid, taken, liquidator, _ = event.args
        key = PositionKey(terms.market.name, bytes.fromhex(user[2:]))
        return Liquidated(key, liquidator, debt, collateral, Raw(repaid), Raw(taken), fee=Raw(0), written_off=None)

    return LogQuery((terms.market.address,), (CALL,), read)
