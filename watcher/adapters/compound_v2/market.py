"""A comptroller as everyone sees it: prices with what stands behind them, one panel per market."""

from __future__ import annotations

from collections.abc import Iterator

from watcher.adapter import Curve, Panel, Price
from watcher.adapters.compound_v2.account import rate_of
from watcher.adapters.compound_v2.facts import Quote, Terms
from watcher.adapters.compound_v2.value import borrow_rate, doubts, supply_rate
from watcher.formula.compound.liquidity import underlying
from watcher.formula.compound.rate import points, utilisation
from watcher.model import Unit
from watcher.units import RAY, WAD, Raw, Ray


def prices(terms: Terms, quote: Quote) -> tuple[Price, ...]:
    """The oracle's answers, one per market. The unit makes `answer` the price of one whole token: 36 decimals less the token's."""
    behind = {known.source: (known, pulse) for known, pulse in zip(terms.feeds, quote.pulses, strict=True)}
    now = quote.at.timestamp if quote.at else None
    found = []
    for listing, answer in zip(terms.listings, quote.prices, strict=True):
        known, pulse = behind.get(listing.feed, (None, None)) if listing.feed else (None, None)
        found.append(
            Price(
                token=listing.token,
                answer=answer,
                unit=Unit(terms.unit.symbol, 36 - listing.token.decimals),
                source=terms.words.head.oracle,
                description=known.description if known else f"price of {listing.symbol} by the comptroller's oracle",
                path=known.path if known else (),
                updated=(pulse.updated or None) if pulse else None,
                doubts=doubts(terms, quote, listing, now),
            )
        )
    return tuple(found)


def panels(terms: Terms, quote: Quote) -> tuple[Panel, ...]:
    """One per market, in the order of listing. Rates are the model's answers for the stored books, over a year of its own length.

    What can be borrowed or withdrawn is all cash, reserves included, as the cToken looks at it. A market that was taken off the list
    counts as frozen.
    """
    return tuple(_panels(terms, quote))


def _panels(terms: Terms, quote: Quote) -> Iterator[Panel]:
    for listing, state in zip(terms.listings, quote.states, strict=True):
        yield Panel(
            token=listing.token,
            supplied=Raw(underlying(rate_of(state), state.now.supply)),
            borrowed=Raw(state.now.borrows),
            free=Raw(state.now.cash),
            utilisation=Ray(utilisation(state.now) * (RAY // WAD)),
            supply_rate=supply_rate(listing, state),
            borrow_rate=borrow_rate(listing, state),
            curve=Curve(points(listing.curve, listing.year) if listing.curve else ()),
            supply_cap=None if listing.supply_cap is None else Raw(listing.supply_cap),
            borrow_cap=None if listing.borrow_cap is None else Raw(listing.borrow_cap),
            paused=terms.words.head.seize_paused,
            frozen=listing.mint_paused or not listing.listed,
            grace_until=None,
        )
