"""A Morpho market as two columns: collateral under the oracle's price, borrow shares under the totals."""

from __future__ import annotations

from watcher.adapter import Column, Factor, Linear, Share, Slack
from watcher.adapters.morpho_blue.facts import Holding, Model, Quote, Terms
from watcher.formula.morpho import PRICE_SCALE, VIRTUAL_ASSETS, VIRTUAL_SHARES
from watcher.model import Side
from watcher.units import MAX, WAD

_COLLATERAL, _DEBT = 0, 1
_ONE = (1, 1)


def scale(_: Terms) -> int:
    return WAD


def columns(terms: Terms) -> tuple[Column, ...]:
    """An idle market has no collateral; whoever holds something there all the same is valued in integers."""
    held = terms.collateral or terms.loan
    return Column(held, Side.COLLATERAL, held.address), Column(terms.loan, Side.DEBT, None)


def shares(terms: Terms, holding: Holding) -> tuple[Share, ...] | None:
    """The collateral also when there is none: the contract reads its price for the debt. Who has a line before this one is valued."""
    lends = holding.supply_shares > 0 or holding.key == terms.recipient
    if lends and (terms.model is Model.OTHER or holding.supply_shares >= 2**128):
        return None
    if not holding.collateral and not holding.borrow_shares:
        return ()
    if terms.collateral is None or (holding.authorised and holding.borrow_shares):
        return None
    secured = Share(_COLLATERAL, holding.collateral, terms.params.lltv)
    return (secured, Share(_DEBT, holding.borrow_shares, 0)) if holding.borrow_shares else (secured,)


def factors(terms: Terms, quote: Quote) -> tuple[Factor | None, ...]:
    """⌊collateral·price / 1e36⌋ and ⌈shares·(assets + 1) / (shares in all + 1e6)⌉ each round by less than one unit.

    A debt whose interest cannot be told is no less unknown than a collateral without a price.
    """
    return _collateral(quote), _debt(terms, quote)


def _collateral(quote: Quote) -> Factor | None:
    if not quote.price:
        return None
    return Factor((quote.price, PRICE_SCALE), _ONE, MAX // quote.price)


def _debt(terms: Terms, quote: Quote) -> Factor | None:
    if terms.model is Model.OTHER and quote.rate is None:
        return None
    assets = quote.totals.borrow.assets + VIRTUAL_ASSETS
    in_all = quote.totals.borrow.shares + VIRTUAL_SHARES
    return Factor((assets, in_all), _ONE, (MAX - in_all) // assets)


def slack(_: Terms) -> Slack:
    """The product with the threshold is rounded down once more."""
    return Slack((0, 1), 1)


LINEAR: Linear[Terms, Quote, Holding] = Linear(scale, columns, shares, factors, slack)
