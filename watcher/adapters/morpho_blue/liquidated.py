"""Liquidations as Morpho logged them: one log says everything, bad debt included, and there is no fee."""

from __future__ import annotations

from eth_typing import ChecksumAddress

from watcher.adapter import Event, Liquidated, LogQuery
from watcher.adapters.morpho_blue.facts import Quote, Terms
from watcher.adapters.morpho_blue.price import price_of
from watcher.errors import AnswerError
from watcher.formula.morpho import quoted_down
from watcher.model import PositionKey, Side
from watcher.units import Raw


def liquidations(terms: Terms) -> LogQuery[Liquidated]:
    """One per Liquidate of this market. Bad debt is written off at once, at the lenders' cost."""

    def read(event: Event) -> Liquidated:
        _, caller, borrower, repaid, _, seized, bad, _ = event.args
        return Liquidated(
            key=PositionKey(terms.market.name, bytes.fromhex(borrower[2:])),
            liquidator=caller,
            debt=terms.params.loan,
            collateral=terms.params.collateral,
            repay=Raw(repaid),
            taken=Raw(seized),
            fee=Raw(0),
            written_off=((terms.params.loan, Raw(bad)),) if bad else (),
        )

    return LogQuery((terms.market.address,), ("morpho_blue/morpho.Liquidate",), read, ((terms.market.id,),))


def worth(terms: Terms, quote: Quote, side: Side, token: ChecksumAddress, amount: Raw) -> int:
    """Raw loan tokens as they are; collateral at the oracle's answer, rounded down. `MissingPrice` without one."""
    if side is Side.DEBT and token == terms.params.loan:
        return amount
    if side is not Side.DEBT and token == terms.params.collateral:
        return quoted_down(amount, price_of(terms, quote))
    raise AnswerError(f"{token} is no {side} of {terms.market.name}")
