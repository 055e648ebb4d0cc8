"""Liquidations as cTokens logged them. The liquidator is given cTokens; what the protocol keeps of the seizure is in logs beside it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import Final

from eth_typing import ChecksumAddress

from watcher.adapter import Beside, Event, Liquidated, LogQuery
from watcher.adapters.compound_v2.account import rate_of
from watcher.adapters.compound_v2.facts import Quote, Terms
from watcher.adapters.compound_v2.words import CTOKEN
from watcher.errors import AnswerError
from watcher.formula.compound import liquidity
from watcher.model import PositionKey, Side
from watcher.units import Raw

CALL, GIVEN, RESERVED = (f"{CTOKEN}.{name}" for name in ("LiquidateBorrow", "Transfer", "ReservesAdded"))


def liquidations(terms: Terms) -> LogQuery[Liquidated]:
    """One per LiquidateBorrow, which the market that is repaid emits. A debt that is left stays with the borrower."""
    asset = _assets(terms)

    def read(event: Event) -> Liquidated:
        liquidator, borrower, repaid, ctoken, tokens = event.args
        key = PositionKey(terms.market.name, bytes.fromhex(borrower[2:]))
        debt, held = asset(event.address), asset(ctoken)
        return Liquidated(key, liquidator, debt, held, Raw(repaid), Raw(tokens), None, None, receipt=ctoken)

    return LogQuery(tuple(listing.address for listing in terms.listings), (CALL,), read)


def _assets(terms: Terms) -> Callable[[ChecksumAddress], ChecksumAddress]:
    """The underlying of a cToken; one that these terms do not list stands for itself."""
    known = {listing.address: listing.token.address for listing in terms.listings}
    return lambda ctoken: known.get(ctoken, ctoken)


def logs(terms: Terms, _: Sequence[PositionKey]) -> LogQuery[Event]:
    """Every movement of cTokens and reserves in the block: the log of reserves has nobody in a topic."""
    return LogQuery(tuple(listing.address for listing in terms.listings), (GIVEN, RESERVED), lambda event: event)


def settle(terms: Terms, called: Sequence[tuple[Event, Liquidated]], beside: Sequence[Event]) -> tuple[Liquidated, ...]:
    """Each with what the seizure's own logs say, between the liquidation before it and its own log, which comes last.

    The market that is seized logs a transfer to the liquidator and, where the protocol keeps a share, what it adds to the reserves in
    underlying. `AnswerError` where the transfer is not there.
    """
    return tuple(_settled(called, beside))


def _settled(called: Sequence[tuple[Event, Liquidated]], beside: Sequence[Event]) -> Iterator[Liquidated]:
    begin = -1
    for event, told in called:
        own = [log for log in beside if begin < log.index < event.index and log.address == told.receipt]
        begin = event.index
        borrower = told.key.key
        given = [
            log for log in own if log.name == GIVEN and _parties(log) == (borrower, bytes.fromhex(told.liquidator[2:]))
        ]
        if not given:
            raise AnswerError("no seizure was logged before a liquidation")
        kept = [log.args[1] for log in own if log.name == RESERVED and log.index > given[-1].index]
        yield replace(told, taken=Raw(given[-1].args[2]), fee=Raw(kept[-1] if kept else 0))


def _parties(log: Event) -> tuple[bytes, bytes]:
    return bytes.fromhex(log.args[0][2:]), bytes.fromhex(log.args[1][2:])


def worth(terms: Terms, quote: Quote, side: Side, token: ChecksumAddress, amount: Raw) -> int:
    """Of an underlying, or of cTokens, which is what liquidators are given; rounded down. `MissingPrice` without an answer."""
    listing = terms.find(token)
    if listing is None:
        raise AnswerError(f"{token} is no {side} of {terms.market.name}")
    price = quote.price(listing)
    if token == listing.address and side is not Side.DEBT:
        return liquidity.value(rate_of(quote.states[listing.id]), price, amount)
    return liquidity.debt(price, amount)


BESIDE: Final = Beside(logs, settle)
