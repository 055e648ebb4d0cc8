"""A Comet as columns: each collateral, and base owed. Deposits of base are no part of anybody's health."""

from __future__ import annotations

from typing import Final

from watcher.adapter import Column, Factor, Linear, Share, Slack
from watcher.adapters.compound_v3.facts import Holding, Quote, Terms
from watcher.adapters.compound_v3.worth import BASE
from watcher.formula.comet import INDEX_SCALE, INT256
from watcher.model import Side
from watcher.units import MAX, WAD

UNREAD: Final = Factor((0, 1), (0, 1), -1)  # whoever has an entry here is valued in integers


def scale(_: Terms) -> int:
    return WAD


def columns(terms: Terms) -> tuple[Column, ...]:
    held = (Column(asset.token, Side.COLLATERAL, asset.token.address) for asset in terms.assets)
    return (*held, Column(terms.base, Side.DEBT, terms.base.address))


def shares(terms: Terms, holding: Holding) -> tuple[Share, ...] | None:
    """Collateral by its balance and liquidation line, debt by its principal; nothing for a deposit of base."""
    held = (Share(place, amount, terms.assets[place].liquidate) for place, amount in holding.balances)
    if holding.principal >= 0:
        return tuple(held)
    return (*held, Share(len(terms.assets), -holding.principal, 0))


def factors(terms: Terms, quote: Quote) -> tuple[Factor | None, ...]:
    """A collateral's value rounds by less than one unit; a debt is rounded down in base and again in value.

    Comet stops at the collateral that covers the debt, so that a price that is missing does not make all unknown who hold that token:
    integers decide. Without base's price everybody who owes is.
    """
    held = (
        UNREAD if price is None else Factor((price, asset.scale), (1, 1), MAX // (price * WAD))
        for asset, price in zip(terms.assets, quote.prices[:BASE], strict=True)
    )
    return (*held, _debt(terms, quote))


def _debt(terms: Terms, quote: Quote) -> Factor | None:
    price, index = quote.prices[BASE], quote.totals.borrow_index
    if price is None:
        return None
    limit = INT256 // (index * price)
    return Factor((index * price, INDEX_SCALE * terms.base_scale), (price + terms.base_scale, terms.base_scale), limit)


def slack(terms: Terms) -> Slack:
    """Each collateral's product with its factor is rounded down once more."""
    return Slack((0, 1), len(terms.assets))


LINEAR: Final[Linear[Terms, Quote, Holding]] = Linear(scale, columns, shares, factors, slack)
