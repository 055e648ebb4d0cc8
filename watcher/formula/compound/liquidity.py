"""What an account's balances are worth to the comptroller: the terms of `getHypotheticalAccountLiquidityInternal`.

Prices are wads per raw underlying unit, shifted so that values are wads of the oracle's currency: 10 ** (36 − decimals) is 1.
"""

from __future__ import annotations

from watcher.formula.compound.exponential import Library, product, times
from watcher.units import WAD


def collateral(library: Library, weight: int, rate: int, price: int, tokens: int) -> int:
    """⌊tokensToDenom · tokens / 1e18⌋ with tokensToDenom = (weight · rate) · price, rounded after each product.

    `weight` is the collateral factor, or a fork's liquidation threshold; `rate` the exchange rate; all wads.
    """
    return times(product(library, product(library, weight, rate), price), tokens)


def debt(price: int, amount: int) -> int:
    """⌊price · amount / 1e18⌋ of an amount owed in raw underlying units."""
    return times(price, amount)


def underlying(rate: int, tokens: int) -> int:
    """What cTokens stand for, in raw units of the underlying, rounded down."""
    return rate * tokens // WAD


def value(rate: int, price: int, tokens: int) -> int:
    """cTokens at their full worth: their underlying, rounded down, at the price, rounded down.

    No contract computes this one, so it has no end at 256 bits.
    """
    return price * underlying(rate, tokens) // WAD
