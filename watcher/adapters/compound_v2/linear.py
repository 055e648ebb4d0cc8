"""A comptroller as columns: each market as collateral, as debt, and as a deposit whose price is only read. Debts are counted in shares of
the index, which stay the same while interest runs."""

from __future__ import annotations

from typing import Final

from watcher.adapter import Column, Factor, Linear, Share, Slack
from watcher.adapters.compound_v2.account import rate_of
from watcher.adapters.compound_v2.facts import Entry, Holding, Listing, Quote, Terms
from watcher.errors import AnswerError
from watcher.formula.compound.screen import collateral_factor, debt_factor, debt_share
from watcher.model import Side
from watcher.units import MAX, WAD

_SIDES: Final = (Side.COLLATERAL, Side.DEBT, Side.DEPOSIT)


def scale(_: Terms) -> int:
    return WAD


def columns(terms: Terms) -> tuple[Column, ...]:
    return tuple(Column(one.token, side, one.token.address) for one in terms.listings for side in _SIDES)


def shares(terms: Terms, holding: Holding) -> tuple[Share, ...] | None:
    """None where only integers can tell: a debt in a deprecated market, which needs no shortfall, or one not known to the unit."""
    found: list[Share] = []
    for listing in terms.listings:
        if holding.counts(listing.id):
            entry = holding.entry(listing.id)
            if entry.principal and (listing.deprecated or not entry.index):
                return None
            found.extend(_shares(listing, entry))
    return tuple(found)


def _shares(listing: Listing, entry: Entry) -> tuple[Share, ...]:
    """Markets that were entered without anything in them, too: the comptroller reads their prices."""
    first = 3 * listing.id
    held = Share(first, entry.tokens, listing.factor) if listing.factor else Share(first + 2, entry.tokens, 0)
    return (held, Share(first + 1, debt_share(entry.principal, entry.index), 0)) if entry.principal else (held,)


def factors(terms: Terms, quote: Quote) -> tuple[Factor | None, ...]:
    """None without a price, and where the exchange rate cannot be computed: the comptroller answers an error for both."""
    found: list[Factor | None] = []
    for listing, state in zip(terms.listings, quote.states, strict=True):
        price = quote.prices[listing.id]
        try:
            rate = rate_of(state)
        except AnswerError:
            price = None
        if price is None:
            found += [None, None, None]
        else:
            held = collateral_factor(rate, price)
            found += [
                held,
                debt_factor(state.now.index, price),
                Factor(held.value, held.grain, MAX if held.limit >= 0 else -1),
            ]
    return tuple(found)


def slack(terms: Terms) -> Slack:
    """Each market's weighted collateral is rounded down once more at the end."""
    return Slack((0, 1), len(terms.listings))


LINEAR: Final[Linear[Terms, Quote, Holding]] = Linear(scale, columns, shares, factors, slack)
