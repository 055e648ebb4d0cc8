"""An isolated pool as two columns for each vToken: vTokens under exchange rate and price, debts under the borrow index."""

from __future__ import annotations

from typing import Final

from watcher.adapter import Column, Factor, Linear, Share, Slack
from watcher.adapters.venus_isolated.accrual import vtoken_price
from watcher.adapters.venus_isolated.facts import Holding, Quote, Terms
from watcher.formula.compound.screen import debt_factor, debt_share
from watcher.model import Side
from watcher.units import MAX, WAD

SCALE: Final = (
    10**36
)  # debts are told as principal · SCALE / interest index, so that one factor serves all of a vToken's


def scale(_: Terms) -> int:
    return WAD


def columns(terms: Terms) -> tuple[Column, ...]:
    return tuple(
        Column(vtoken.token, side, vtoken.token.address)
        for vtoken in terms.vtokens
        for side in (Side.COLLATERAL, Side.DEBT)
    )


def shares(terms: Terms, holding: Holding) -> tuple[Share, ...] | None:
    """Of every vToken entered, also where nothing is held: the contract reads its price. None where a debt may be forced to be repaid:
    no sum tells that it is liquidatable."""
    found: list[Share] = []
    places = terms.places()
    for balance in holding.balances:
        place = places.get(balance.vtoken)
        if place is None or not balance.entered:
            continue
        vtoken = terms.vtokens[place]
        found.append(Share(2 * place, balance.tokens, vtoken.threshold))
        if balance.principal:
            if vtoken.forced:
                return None
            found.append(Share(2 * place + 1, debt_share(balance.principal, balance.since), 0))
    return tuple(found)


def factors(terms: Terms, quote: Quote) -> tuple[Factor | None, ...]:
    """Collateral by the contract's own integer for 1e18 vTokens. Weighing it rounds it down once more: less than 1e-18 for each vToken."""
    return tuple(
        factor for place in range(len(terms.vtokens)) for factor in (_held(terms, quote, place), _owed(quote, place))
    )


def _held(terms: Terms, quote: Quote, place: int) -> Factor | None:
    """None also where the contract's products leave 256 bits before the amount comes into them."""
    price, vtoken = quote.prices[place], terms.vtokens[place]
    unit = vtoken_price(vtoken, quote.states[place], price) if price else None
    if unit is None or vtoken.threshold * unit > MAX:
        return None
    return Factor((unit, WAD), (0, 1), MAX // unit if unit else MAX, (1, WAD))


def _owed(quote: Quote, place: int) -> Factor | None:
    price = quote.prices[place]
    return debt_factor(quote.states[place].books.index, price) if price else None


def slack(terms: Terms) -> Slack:
    """The weighted collateral of each vToken is rounded down once."""
    return Slack((0, 1), len(terms.vtokens))


LINEAR: Final[Linear[Terms, Quote, Holding]] = Linear(scale, columns, shares, factors, slack)
