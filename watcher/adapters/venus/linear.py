"""A Venus pool as two columns for each vToken: vTokens under exchange rate and price, debts under the borrow index."""

from __future__ import annotations

from typing import Final

from watcher.adapter import Column, Factor, Linear, Share, Slack
from watcher.adapters.venus.account import factors as weights
from watcher.adapters.venus.facts import CORE, Holding, Quote, Terms
from watcher.adapters.venus.quote import rate
from watcher.errors import Overflow
from watcher.formula.compound.screen import collateral_factor, debt_factor, debt_share
from watcher.model import Side
from watcher.units import WAD


def scale(_: Terms) -> int:
    return WAD


def columns(terms: Terms) -> tuple[Column, ...]:
    sides = (Side.COLLATERAL, Side.DEBT)
    return tuple(Column(asset.token, side, asset.token.address) for asset in terms.assets for side in sides)


def shares(terms: Terms, holding: Holding) -> tuple[Share, ...] | None:
    """Of what is entered and not empty. None for whoever owes VAI, whose interest has an index of its own, for debts whose liquidation is
    forced, which no sum tells, and for a pool that the terms do not know.
    """
    if holding.vai is not None or (holding.mode != CORE and terms.category(holding.mode) is None):
        return None
    found: list[Share] = []
    for entry in holding.entered():
        if entry.principal and (entry.forced or terms.assets[entry.place].forced):
            return None
        if entry.tokens:
            weight = weights(terms, holding.mode, entry.place).threshold
            found.append(Share(2 * entry.place, entry.tokens, weight))
        if entry.principal:
            found.append(Share(2 * entry.place + 1, debt_share(entry.principal, entry.index), 0))
    return tuple(found)


def factors(terms: Terms, quote: Quote) -> tuple[Factor | None, ...]:
    """None without a price, or where the exchange rate would end the contract's arithmetic: whoever has an entry there is unknown."""
    return tuple(factor for place in range(len(terms.assets)) for factor in _both(terms, quote, place))


def _both(terms: Terms, quote: Quote, place: int) -> tuple[Factor | None, Factor | None]:
    price, pool = quote.prices[place], quote.pools[place]
    if not price:
        return None, None
    try:
        held = collateral_factor(rate(terms.assets[place], pool), price)
    except Overflow:
        held = None
    return held, debt_factor(pool.index, price)


def slack(terms: Terms) -> Slack:
    """Each weighted amount is rounded down once more, whatever its weight."""
    return Slack((0, 1), len(terms.assets))


LINEAR: Final[Linear[Terms, Quote, Holding]] = Linear(scale, columns, shares, factors, slack)
