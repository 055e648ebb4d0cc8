"""A position's value and prices, as `Comet.isLiquidatable` computes them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Final

from eth_typing import ChecksumAddress

from watcher.adapter import Price
from watcher.adapters.compound_v3.facts import ABSORB, Asset, Holding, Quote, Terms
from watcher.adapters.compound_v3.interest import borrow_rate, supply_rate
from watcher.errors import AnswerError, MissingPrice, Overflow, UsageError
from watcher.formula.comet import factored, owed_value, present, quoted
from watcher.model import Blocked, Doubt, DoubtKind, Leg, Line, Side, Token, Valuation
from watcher.oracle.feed import Feed, doubts
from watcher.units import MAX, WAD, Raw, Ray, Wad, mul_div_down

BASE: Final = -1  # base's place among prices and pulses: the last


@dataclass(frozen=True, slots=True)
class Entry:
    """One collateral of an account: its value, rounded down, and what of it counts for either line.

    `lacks` is what the contract would revert on if it came to read it: it has no value then, and counts for nothing.
    """

    asset: Asset
    amount: int
    value: int
    protects: int
    allows: int
    lacks: MissingPrice | Overflow | None = None


def price_at(quote: Quote, place: int, token: Token) -> int:
    """`MissingPrice` where `getPrice` reverts."""
    answer = quote.prices[place]
    if answer is None:
        raise MissingPrice(token.address, "its feed gives no answer above zero")
    return answer


def debt_of(quote: Quote, holding: Holding) -> int:
    """Raw base owed, rounded down: what the principal is worth by the quote's index."""
    return present(-holding.principal, quote.totals.borrow_index) if holding.principal < 0 else 0


def entries(terms: Terms, quote: Quote, holding: Holding) -> tuple[Entry, ...]:
    """Every collateral that the account has entered, in the contract's order."""
    return tuple(_entry(quote, terms.assets[place], amount) for place, amount in holding.balances)


def _entry(quote: Quote, asset: Asset, amount: int) -> Entry:
    try:
        value = quoted(amount, price_at(quote, asset.place, asset.token), asset.scale)
        return Entry(asset, amount, value, factored(value, asset.liquidate), factored(value, asset.borrow))
    except (MissingPrice, Overflow) as lacks:
        return Entry(asset, amount, 0, 0, 0, lacks)


def read(held: tuple[Entry, ...], owed: int, *, borrowing: bool = False) -> int:
    """What the collaterals come to that the contract looks at: it stops once the debt is covered.

    `MissingPrice` where it would read one that is not there, `Overflow` where its product would leave 256 bits.
    """
    sum = 0
    for entry in held:
        if sum >= owed:
            break
        if entry.lacks is not None:
            raise entry.lacks
        sum += entry.allows if borrowing else entry.protects
    return sum


def value(terms: Terms, quote: Quote, holding: Holding) -> Valuation:
    """`Comet.isLiquidatable`: below the line when Σ ⌊⌊balance·price / scale⌋·factor⌋ < ⌊debt·price / scale⌋, never at equality.

    On an accrued quote that is what `absorb` judges by. Health is the one over the other, a wad rounded down, over all collateral: past
    the one that covers the debt the contract reads no price. So one that is missing there leaves its collateral out, with a doubt, and
    health is at least the figure; `MissingPrice` where the contract would read it. An account that owes nothing is asked no price.
    """
    held = entries(terms, quote, holding)
    debt = debt_of(quote, holding)
    owed = owed_value(debt, price_at(quote, BASE, terms.base), terms.base_scale) if holding.principal < 0 else 0
    read(held, owed)
    lent = _lent(terms, quote, holding)
    weighted = sum(entry.protects for entry in held)
    collateral = sum(entry.value for entry in held)
    allowed = sum(entry.allows for entry in held)
    return Valuation(
        key=holding.key,
        at=quote.moment,
        unit=terms.unit,
        scale=WAD,
        legs=tuple(_legs(terms, quote, holding, held, owed, lent)),
        collateral=collateral,
        debt=owed,
        available=max(0, allowed - owed),
        threshold=mul_div_down(weighted, WAD, collateral) if collateral else 0,
        ltv=mul_div_down(allowed, WAD, collateral) if collateral else 0,
        line=Line(weighted, owed, terms.unit),
        health=Wad(mul_div_down(weighted, WAD, owed)) if owed else None,
        liquidatable=weighted < owed,
        blocked=Blocked.PAUSED if owed and quote.stops(ABSORB) else None,
        doubts=_doubts(terms, quote, holding, held, lent),
    )


def _lent(terms: Terms, quote: Quote, holding: Holding) -> Leg | None:
    """Base that is lent, which the contract does not value: without a price, or beyond 256 bits, it makes nobody unknown."""
    if holding.principal <= 0:
        return None
    amount, price = present(holding.principal, quote.totals.supply_index), quote.prices[BASE]
    if price is None or amount * price > MAX:
        return None
    worth = quoted(amount, price, terms.base_scale)
    return Leg(terms.base, Side.DEPOSIT, Raw(amount), worth, 0, 0, supply_rate(terms, quote))


def _legs(
    terms: Terms, quote: Quote, holding: Holding, held: tuple[Entry, ...], owed: int, lent: Leg | None
) -> list[Leg]:
    legs = [
        Leg(
            entry.asset.token,
            Side.COLLATERAL,
            Raw(entry.amount),
            entry.value,
            entry.asset.liquidate,
            entry.asset.borrow,
            Ray(0),
        )
        for entry in held
        if entry.lacks is None
    ]
    if lent is not None:
        legs.append(lent)
    if holding.principal < 0:
        rate = borrow_rate(terms, quote)
        legs.append(Leg(terms.base, Side.DEBT, Raw(debt_of(quote, holding)), owed, 0, 0, rate))
    return legs


def _doubts(
    terms: Terms, quote: Quote, holding: Holding, held: tuple[Entry, ...], lent: Leg | None
) -> tuple[Doubt, ...]:
    """Of the prices that it hangs on, and of what has none and was not needed."""
    now = quote.moment.timestamp
    found: list[Doubt] = []
    for entry in held:
        symbol = entry.asset.token.symbol
        found.extend(doubts(symbol, quote.pulses[entry.asset.place], now))
        if entry.lacks is not None:
            found.append(
                Doubt(DoubtKind.UNPRICED, f"{symbol} has no price and is left out: Comet does not read it here")
            )
    if holding.principal < 0:
        found.extend(doubts(terms.base.symbol, quote.pulses[BASE], now))
    elif holding.principal > 0 and lent is None:
        found.append(Doubt(DoubtKind.UNPRICED, f"{terms.base.symbol} that is lent has no price and is left out"))
    return tuple(found)


def _priced(terms: Terms) -> list[tuple[Token, Feed]]:
    return [*((asset.token, asset.feed) for asset in terms.assets), (terms.base, terms.base_feed)]


def prices(terms: Terms, quote: Quote) -> tuple[Price, ...]:
    """Every collateral's and base's, for one whole token. The feed's own answer is what Comet takes."""
    now = quote.at.timestamp if quote.at else None
    return tuple(
        Price(
            token=token,
            answer=answer,
            unit=terms.unit,
            source=feed.source,
            description=feed.description,
            path=feed.path,
            updated=pulse.updated or None,
            doubts=doubts(token.symbol, pulse, now),
        )
        for (token, feed), answer, pulse in zip(_priced(terms), quote.prices, quote.pulses, strict=True)
    )


def reprice(terms: Terms, quote: Quote, answers: Mapping[ChecksumAddress, int]) -> Quote:
    """The quote under other answers of feeds; 0 is none. `UsageError` for a token that Comet does not price."""
    found = list(quote.prices)
    places = {token.address: place for place, (token, _) in enumerate(_priced(terms))}
    for token, answer in answers.items():
        if token not in places:
            raise UsageError(f"{token} has no price in {terms.market.name}")
        found[places[token]] = answer if answer > 0 else None
    return replace(quote, prices=tuple(found))


def worth(terms: Terms, quote: Quote, side: Side, token: ChecksumAddress, amount: Raw) -> int:
    """In 1e-8 of the market's unit, rounded down on either side. `MissingPrice` without a price."""
    if token == terms.base.address:
        return quoted(amount, price_at(quote, BASE, terms.base), terms.base_scale)
    for asset in terms.assets:
        if side is not Side.DEBT and token == asset.token.address:
            return quoted(amount, price_at(quote, asset.place, asset.token), asset.scale)
    raise AnswerError(f"{token} is no {side} of {terms.market.name}")
