"""Liquidations of an Aave V2 pool, those to come and those it logged: there is no fee and nothing is written off, so its log says all.

A fork that pays a fee has code and logs of its own, which are not known here.
"""

from __future__ import annotations

from typing import Final

from eth_typing import ChecksumAddress

from watcher.adapter import Event, Liquidated, Liquidation, LogQuery, Refusal
from watcher.adapters.aave_v2.facts import Holding, Quote, Terms
from watcher.adapters.aave_v3.liquidate import liquidate as liquidation
from watcher.errors import AnswerError
from watcher.model import PositionKey
from watcher.units import Raw

FOREIGN: Final = "pays a fee out of every liquidation that Aave's code does not know: amounts and logs of its own"
CALL: Final = "aave_v2/pool.LiquidationCall"


def liquidate(
    terms: Terms, quote: Quote, holding: Holding, debt: ChecksumAddress, collateral: ChecksumAddress
) -> Liquidation | Refusal:
    """As in V3, by V2's own close factor and order of roundings. Refused for a fork that pays a fee."""
    if terms.fee_to is not None:
        return Refusal(f"the pool {FOREIGN}")
    return liquidation(terms, quote, holding, debt, collateral)


def liquidations(terms: Terms) -> LogQuery[Liquidated]:
    """One per LiquidationCall. What is still owed when no collateral is left stays with the account.

    `AnswerError` for a fork that pays a fee: what it logs has another form, and not to find it would look like no liquidation.
    """
    if terms.fee_to is not None:
        raise AnswerError(f"{terms.market.name} {FOREIGN}")

    def read(event: Event) -> Liquidated:
        collateral, debt, user, repaid, taken, liquidator, _ = event.args
        key = PositionKey(terms.market.name, bytes.fromhex(user[2:]))
        return Liquidated(key, liquidator, debt, collateral, Raw(repaid), Raw(taken), fee=Raw(0), written_off=None)

    return LogQuery((terms.market.address,), (CALL,), read)
