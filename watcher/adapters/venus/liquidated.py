"""Liquidations as the chain logged them: vTokens of a debt, VAI's controller of VAI. The log says everything."""

from __future__ import annotations

from eth_typing import ChecksumAddress

from watcher.adapter import Event, Liquidated, LogQuery
from watcher.adapters.venus.account import price_of
from watcher.adapters.venus.facts import Quote, Terms
from watcher.adapters.venus.quote import rate
from watcher.errors import AnswerError
from watcher.formula.compound import liquidity
from watcher.model import PositionKey, Side
from watcher.units import Raw


def liquidations(terms: Terms) -> LogQuery[Liquidated]:
    """One per liquidation. The liquidator is given vTokens, all that were seized; a debt that is left stays with the borrower.

    Where liquidations are restricted the liquidator is the contract that may: for whom it did so, and what it kept, is its own affair.
    """
    known = {asset.v: asset.token.address for asset in terms.assets}
    emitters = dict(known)
    if terms.vai is not None:
        emitters[terms.vai.controller] = terms.vai.token.address

    def read(event: Event) -> Liquidated:
        liquidator, borrower, repaid, v, tokens = event.args
        return Liquidated(
            key=PositionKey(terms.market.name, bytes.fromhex(borrower[2:])),
            liquidator=liquidator,
            debt=emitters[event.address],
            collateral=known.get(v, v),
            repay=Raw(repaid),
            taken=Raw(tokens),
            fee=Raw(0),
            written_off=None,
            receipt=v,
        )

    return LogQuery(tuple(emitters), ("venus/vtoken.LiquidateBorrow", "venus/vai.LiquidateVAI"), read)


def worth(terms: Terms, quote: Quote, side: Side, token: ChecksumAddress, amount: Raw) -> int:
    """An amount at the oracle's answer, in wads of a dollar, rounded down: of an underlying, or of vTokens, which liquidators are given.

    VAI, which can only be owed, is a dollar. `MissingPrice` without an answer.
    """
    if terms.vai is not None and token == terms.vai.token.address and side is Side.DEBT:
        return amount
    for place, asset in enumerate(terms.assets):
        if token == asset.token.address:
            return liquidity.debt(price_of(terms, quote, place), amount)
        if token == asset.v and side is not Side.DEBT:
            return liquidity.value(rate(asset, quote.pools[place]), price_of(terms, quote, place), amount)
    raise AnswerError(f"{token} is no {side} of {terms.market.name} in these terms")
