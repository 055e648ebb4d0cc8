"""An isolated pool as two columns for each vToken: vTokens under exchange rate and price, debts under the borrow index."""

from __future__ import annotations

from typing import Final

from watcher.adapter import Column, Factor, Linear, Share, Slack
from watcher.adapters.venus_isolated.accrual import vtoken_price
from watcher.adapters.venus_isolated.facts import Holding, Quote, Terms
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
            found.append(Share(2 * place + 1, balance.principal * SCALE // balance.since, 0))
    return tuple(found)


def factors(terms: Terms, quote: Quote) -> tuple[Factor | None, ...]:
    """⌊exchange rate · price / 1e18⌋ of a vToken is the contract's own integer; weighing it rounds it once more, for each vToken held.

    A debt rounds by less than one raw unit and its value by less than one unit.
    """
    return tuple(
        factor for place in range(len(terms.vtokens)) for factor in (_held(terms, quote, place), _owed(quote, place))
    )


def _held(terms: Terms, quote: Quote, place: int) -> Factor | None:
    price, state = quote.prices[place], quote.states[place]
    vtoken = terms.vtokens[place]
    unit = vtoken_price(vtoken, state, price) if price else None
    if unit is None or vtoken.threshold * unit > MAX:
        return None
    limit = min(state.books.supply, MAX // unit if unit else MAX)
    return Factor((unit, WAD), (limit + 2 * WAD, WAD), limit)


def _owed(quote: Quote, place: int) -> Factor | None:
    price, index = quote.prices[place], quote.states[place].books.index
    if not price:
        return None
    each = (index * price, SCALE * WAD)
    grain = (price * SCALE + SCALE * WAD + index * price, SCALE * WAD)
    return Factor(each, grain, min((MAX // price - 2) * SCALE // index, MAX // index * SCALE // index - 1))


def slack(_: Terms) -> Slack:
    return Slack((0, 1), 0)


LINEAR: Final[Linear[Terms, Quote, Holding]] = Linear(scale, columns, shares, factors, slack)
