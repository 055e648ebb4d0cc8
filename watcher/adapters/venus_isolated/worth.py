"""What a position is worth to the comptroller (`_getHypotheticalLiquiditySnapshot`), in USD with 18 decimals; prices, and other prices."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Final

from eth_typing import ChecksumAddress

from watcher.adapter import Price
from watcher.adapters.venus_isolated.accrual import exchange_rate
from watcher.adapters.venus_isolated.facts import Balance, Holding, Quote, Terms
from watcher.errors import AnswerError, MissingPrice
from watcher.formula.compound.exponential import times
from watcher.formula.compound.pool import owed
from watcher.model import Side, Unit
from watcher.oracle.feed import doubts
from watcher.units import Raw, checked

USD: Final = Unit("USD", 18)
DIGITS: Final = 36  # of a price, less those of the underlying


@dataclass(frozen=True, slots=True)
class Part:
    """One entered vToken of a position. `price` is of a raw underlying unit, `unit` ⌊exchange rate · price / 1e18⌋ of a vToken.

    `collateral`, `weighted` (by the liquidation threshold), `borrowable` (by the collateral factor) and `debt` are values; `owes` is in
    raw underlying units.
    """

    place: int
    balance: Balance
    price: int
    rate: int
    unit: int
    owes: int
    collateral: int
    weighted: int
    borrowable: int
    debt: int


@dataclass(frozen=True, slots=True)
class Sums:
    """`AccountLiquiditySnapshot` under both weights."""

    parts: tuple[Part, ...]
    collateral: int
    weighted: int
    borrowable: int
    debt: int

    @property
    def short(self) -> bool:
        """There is a shortfall: at equality there is none."""
        return self.weighted < self.debt


def price_of(terms: Terms, quote: Quote, place: int) -> int:
    """The resilient oracle's answer after `updatePrice`; `MissingPrice` where it reverts or answers zero, as the comptroller does."""
    price = quote.prices[place]
    if not price:
        reason = quote.reasons[place] or "the oracle answers zero"
        raise MissingPrice(terms.vtokens[place].token.address, reason)
    return price


def sums(terms: Terms, quote: Quote, holding: Holding) -> Sums:
    """Over every entered vToken that is listed, held or not: the contract reads all their prices. Each step rounds down.

    unit = exchange rate · price        collateral = unit · tokens        weighted = (threshold · unit) · tokens
    debt = price · (principal · index / interest index)
    """
    places = terms.places()
    parts = tuple(
        _part(terms, quote, places[balance.vtoken], balance)
        for balance in holding.balances
        if balance.entered and balance.vtoken in places
    )
    return (
        Sums(
            parts,
            *(
                checked(sum(column))
                for column in zip(*((p.collateral, p.weighted, p.borrowable, p.debt) for p in parts), strict=True)
            ),
        )
        if parts
        else Sums((), 0, 0, 0, 0)
    )


def _part(terms: Terms, quote: Quote, place: int, balance: Balance) -> Part:
    vtoken, state, price = terms.vtokens[place], quote.states[place], price_of(terms, quote, place)
    rate = exchange_rate(vtoken, state)
    unit = times(rate, price)
    owes = owed(balance.principal, balance.since, state.books.index)
    return Part(
        place=place,
        balance=balance,
        price=price,
        rate=rate,
        unit=unit,
        owes=owes,
        collateral=times(unit, balance.tokens),
        weighted=times(times(vtoken.threshold, unit), balance.tokens),
        borrowable=times(times(vtoken.factor, unit), balance.tokens),
        debt=times(price, owes),
    )


def worth(terms: Terms, quote: Quote, side: Side, token: ChecksumAddress, amount: Raw) -> int:
    """⌊price · amount / 1e18⌋ of an underlying; of a vToken, which is what liquidators are given, at its exchange rate."""
    place = terms.places().get(token)
    if place is not None and side is not Side.DEBT:
        price = price_of(terms, quote, place)
        return times(times(exchange_rate(terms.vtokens[place], quote.states[place]), price), amount)
    for place, one in enumerate(terms.vtokens):
        if one.token.address == token:
            return times(price_of(terms, quote, place), amount)
    raise AnswerError(f"{token} is no {side} of {terms.market.name}")


def prices(terms: Terms, quote: Quote) -> tuple[Price, ...]:
    """Every underlying in USD; the unit makes `answer` the price of one whole token."""
    now = quote.at.timestamp if quote.at else None
    found = []
    for place, (vtoken, source, pulse) in enumerate(zip(terms.vtokens, terms.sources, quote.pulses, strict=True)):
        others = (("pivot", source.pivot), ("fallback", source.fallback))
        feed = source.feed
        found.append(
            Price(
                token=vtoken.token,
                answer=quote.prices[place] or None,
                unit=Unit("USD", DIGITS - vtoken.token.decimals),
                source=source.main,
                description=feed.description if feed else "",
                path=(
                    "resilient oracle",
                    f"main {source.main}",
                    *(feed.path if feed else ()),
                    *(f"{role} {address}" for role, address in others if address),
                ),
                updated=(pulse.updated or None) if pulse else None,
                doubts=doubts(vtoken.token.symbol, pulse, now),
            )
        )
    return tuple(found)


def reprice(terms: Terms, quote: Quote, answers: Mapping[ChecksumAddress, int]) -> Quote:
    """The quote under other answers, by underlying. `UsageError` for a token that the pool does not list."""
    prices, reasons = list(quote.prices), list(quote.reasons)
    for token, answer in answers.items():
        place = terms.place(token)
        prices[place], reasons[place] = answer, None
    return replace(quote, prices=tuple(prices), reasons=tuple(reasons))
