"""What a comptroller's markets store at one block, and interest brought to a moment for all, some or none of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from eth_typing import ChecksumAddress

from watcher.adapter import Accrued, Which
from watcher.adapters.compound_v2.facts import Clock, Listing, Quote, State, Terms
from watcher.adapters.compound_v2.words import CTOKEN
from watcher.errors import UsageError
from watcher.formula.compound.pool import HIGHEST_RATE, Pool, accrued
from watcher.model import Moment
from watcher.oracle import feed
from watcher.query import Query, Read, Rows, ask, each, one

_POOL = ("getCash", "totalBorrows", "totalReserves", "totalSupply", "borrowIndex")
_CLOCKS = {
    Clock.BLOCK: ("accrualBlockNumber", "borrowRatePerBlock"),
    Clock.SECOND: ("accrualBlockTimestamp", "borrowRatePerTimestamp"),
}


def books(tokens: Sequence[ChecksumAddress], clocks: Sequence[Clock]) -> tuple[Read, ...]:
    """Everything that cTokens store for everyone, for `stored`. Each is asked for nothing that it does not have: see `words`."""
    apart = {clock: [token for token, own in zip(tokens, clocks, strict=True) if own is clock] for clock in Clock}
    return (
        *(each(f"{CTOKEN}.{name}", tokens) for name in _POOL),
        each(f"{CTOKEN}.exchangeRateStored", tokens, optional=True),
        *(each(f"{CTOKEN}.{_CLOCKS[clock][0]}", apart[clock]) for clock in Clock),
        *(each(f"{CTOKEN}.{_CLOCKS[clock][1]}", apart[clock], optional=True) for clock in Clock),
    )


def stored(clocks: Sequence[Clock], answers: Sequence[Rows]) -> tuple[State, ...]:
    """One per cToken. The exchange rate matters only where there are no cTokens: else the books tell it."""
    *pools, initials, blocks, seconds, per_block, per_second = answers
    stamps = {Clock.BLOCK: iter(blocks), Clock.SECOND: iter(seconds)}
    rates = {Clock.BLOCK: iter(per_block), Clock.SECOND: iter(per_second)}
    found = []
    for clock, row, initial in zip(clocks, zip(*pools, strict=True), initials, strict=True):
        cash, borrows, reserves, supply, index = (word[0] for word in row)
        pool = Pool(cash, borrows, reserves, supply, index, next(stamps[clock])[0])
        rate = next(rates[clock])
        found.append(State(pool, pool, rate[0] if rate else None, initial[0] if initial and not supply else 0))
    return tuple(found)


def quote(terms: Terms) -> Query[Quote]:
    """Everything that is the same for every account, in one round trip. A price that reverts or is zero is None."""
    tokens = tuple(listing.address for listing in terms.listings)
    clocks = tuple(listing.clock for listing in terms.listings)
    reads = books(tokens, clocks)
    prices, rounds, caps, *answers = yield from ask(
        one("compound_v2/oracle.getUnderlyingPrice", terms.words.head.oracle, ((x,) for x in tokens), optional=True),
        *feed.reads(terms.feeds),
        *reads,
    )
    return Quote(
        at=None,
        states=stored(clocks, answers),
        prices=tuple(row[0] if row and row[0] > 0 else None for row in prices),
        pulses=tuple(feed.pulses(terms.feeds, rounds, caps).values()),
    )


def accrue(terms: Terms, quote: Quote, at: Moment, which: Accrued) -> Quote:
    """Interest up to a moment, from the stored books, in every market, those of some tokens, or none: `CToken.accrueInterest`.

    A liquidator accrues two: the market that is repaid and the one that is seized. A market whose model answers no rate, or one above
    the cToken's highest, stays as it is stored: nobody can accrue it. `Overflow` for a moment before a market's last accrual.
    """
    states = tuple(
        replace(state, now=_grown(listing, state, at) if _wanted(listing, which) else state.stored)
        for listing, state in zip(terms.listings, quote.states, strict=True)
    )
    return replace(quote, at=at, states=states)


def _wanted(listing: Listing, which: Accrued) -> bool:
    if isinstance(which, Which):
        return which is Which.ALL
    return listing.token.address in which or listing.address in which


def stuck(state: State) -> bool:
    """Whether accruing this market reverts."""
    return state.rate is None or state.rate > HIGHEST_RATE


def _grown(listing: Listing, state: State, at: Moment) -> Pool:
    if state.rate is None or stuck(state):
        return state.stored
    return accrued(state.stored, state.rate, listing.reserve_factor, listing.clock.tick(at))


def reprice(terms: Terms, quote: Quote, answers: Mapping[ChecksumAddress, int]) -> Quote:
    """The quote with other answers of the oracle, by underlying. An answer of zero is a missing price.

    `UsageError` for a token that no market of the comptroller has.
    """
    prices = list(quote.prices)
    for token, answer in answers.items():
        listing = terms.find(token)
        if listing is None:
            raise UsageError(f"{token} has no price in {terms.market.name}")
        prices[listing.id] = answer if answer > 0 else None
    return replace(quote, prices=tuple(prices))
