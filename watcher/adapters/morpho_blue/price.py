"""The one price that a Morpho market hangs on: asked of its oracle, and what of an answer is a price. The unit of values beside it."""

from __future__ import annotations

from eth_typing import ChecksumAddress

from watcher.adapters.morpho_blue.facts import Answer, Quote, Terms
from watcher.errors import AnswerError, CallReverted, MissingPrice, WatcherError
from watcher.model import Unit
from watcher.oracle.feed import NOBODY
from watcher.query import Query, each


def oracle_price(oracle: ChecksumAddress) -> Query[Answer]:
    """The oracle's answer or the reason why there is none. A hostile oracle costs its market the price, not the answer."""
    if oracle == NOBODY:
        return Answer(None, "the market has no oracle")
    (answer,) = yield (each("morpho_blue/oracle.price", [oracle]),)
    if isinstance(answer, CallReverted | AnswerError):
        return Answer(None, str(answer))
    if isinstance(answer, WatcherError):
        raise answer
    return Answer(answer[0][0], None)


def unit(terms: Terms) -> Unit:
    return Unit(terms.loan.symbol, terms.loan.decimals)


def price_of(terms: Terms, quote: Quote) -> int:
    """The oracle's answer, scaled by 1e36: raw loan tokens per raw unit of collateral.

    `MissingPrice` when the oracle reverts or answers what is no price; the contract reverts too. Also when it answers zero, which the
    contract takes at its word: it would hand out all collateral for nothing.
    """
    if quote.price is None:
        raise MissingPrice(terms.params.collateral, quote.no_price or "the oracle was not read")
    if quote.price == 0:
        reason = "the oracle answers zero; the contract takes that for worthless and would allow any liquidation"
        raise MissingPrice(terms.params.collateral, reason)
    return quote.price
