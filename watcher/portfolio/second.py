"""A second price beside the protocol's own: Chainlink's US dollar feed. It is shown and never used: what liquidates is the protocol's."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from fractions import Fraction

from eth_typing import ChecksumAddress

from watcher.adapter import Price
from watcher.model import Token, Unit
from watcher.oracle.dollar import Dollar, Rates

WHOLE = Fraction(1)


@dataclass(frozen=True, slots=True)
class Second:
    """`price` of one whole token in the protocol's own unit, by `feed`; `deviation` is how far the protocol's lies above it, of one."""

    token: Token
    price: Fraction
    unit: Unit
    deviation: Fraction
    feed: Dollar


def seconds(prices: Iterable[Price], money: ChecksumAddress | None, rates: Rates) -> tuple[Second, ...]:
    """For every price whose token has a US dollar feed that is neither the source itself nor the unit's own: both in the unit of the price.

    A price in another currency, or in a loan token (`money`), is compared over the feeds of both.
    """
    found = []
    for price in prices:
        feed, rate = rates.known.get(price.token.address), rates.of(Unit(price.unit.symbol, 0), money)
        if feed is None or feed.rate is None or not rate.each or not price.answer:
            continue
        if feed.feed == price.source or feed == rate.feed:
            continue
        second = feed.rate * Fraction(rate.each.denominator, rate.each.numerator)
        own = Fraction(price.answer) * Fraction(10) ** -price.unit.decimals
        deviation = own * Fraction(second.denominator, second.numerator) - WHOLE
        found.append(Second(price.token, second, price.unit, deviation, feed))
    return tuple(found)
