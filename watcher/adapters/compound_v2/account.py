"""An account as the comptroller sums it up: the loop of `getHypotheticalAccountLiquidityInternal`."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from watcher.adapters.compound_v2.facts import Entry, Holding, Listing, Quote, State, Terms
from watcher.errors import AnswerError
from watcher.formula.compound import liquidity
from watcher.formula.compound.pool import exchange_rate, owed


@dataclass(frozen=True, slots=True)
class Sums:
    """Wads of the oracle's currency, as the comptroller compares them."""

    weighted: int
    owed: int

    @property
    def liquidity(self) -> int:
        return max(0, self.weighted - self.owed)

    @property
    def shortfall(self) -> int:
        return max(0, self.owed - self.weighted)


@dataclass(frozen=True, slots=True)
class Part:
    """What one market that the account has entered comes to. Amounts are raw underlying units."""

    listing: Listing
    entry: Entry
    rate: int
    price: int
    supplied: int
    debt: int
    weighted: int
    owed: int


def rate_of(state: State) -> int:
    """The exchange rate at the quote's moment, a wad. `AnswerError` where a what-if has taken the last cTokens away."""
    if not state.now.supply and not state.initial:
        raise AnswerError("the exchange rate that a market without cTokens begins with is not known")
    return exchange_rate(state.now, state.initial)


def debt_of(listing: Listing, state: State, entry: Entry) -> int:
    """What is owed at the quote's moment, raw. `AnswerError` where only the contract's own balance at some block is known."""
    if not entry.principal:
        return 0
    if not entry.index:
        raise AnswerError(f"where {listing.symbol} keeps an account's debt is not known: it cannot be told to the unit")
    return owed(entry.principal, entry.index, state.now.index)


def parts(terms: Terms, quote: Quote, holding: Holding) -> Iterator[Part]:
    """One for every market entered, empty ones too: the comptroller reads their prices all the same."""
    bits = holding.entered
    for listing in terms.listings:
        if bits >> listing.id & 1:
            yield _part(terms, quote, listing, holding.entry(listing.id))


def _part(terms: Terms, quote: Quote, listing: Listing, entry: Entry) -> Part:
    state, price = quote.states[listing.id], quote.price(listing)
    rate, debt = rate_of(state), debt_of(listing, state, entry)
    return Part(
        listing=listing,
        entry=entry,
        rate=rate,
        price=price,
        supplied=liquidity.underlying(rate, entry.tokens),
        debt=debt,
        weighted=liquidity.collateral(terms.library, listing.factor, rate, price, entry.tokens),
        owed=liquidity.debt(price, debt),
    )


def sums(terms: Terms, quote: Quote, holding: Holding) -> Sums:
    """`MissingPrice` where the comptroller answers PRICE_ERROR, `Overflow` where its arithmetic ends."""
    weighted = owing = 0
    for part in parts(terms, quote, holding):
        weighted += part.weighted
        owing += part.owed
    return Sums(weighted, owing)
