"""``--price WETH=2950`` for a whole market: other answers in the place of the oracle's."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction

from watcher.adapter import Price
from watcher.cli.account.changes import find, price
from watcher.errors import UsageError
from watcher.following.followed import Followed


@dataclass(frozen=True, slots=True)
class Assumed:
    """`answer` is in the price's unit, and put in the place of the price's own."""

    price: Price
    answer: int


def assumed(one: Followed, texts: Sequence[str]) -> tuple[Assumed, ...]:
    """The answers that are meant. `UsageError` for an asset without a price of its own here, or where nothing is left of one."""
    prices = one.of.prices(one.terms, one.accrued())
    return tuple(_assumed(prices, text) for text in texts)


def _assumed(prices: Sequence[Price], text: str) -> Assumed:
    name, change = price(text)
    token = find([known.token for known in prices], name)
    if token is None:
        known = ", ".join(one.token.symbol for one in prices)
        raise UsageError(f"--price {name}: this market reads no such price; it reads those of {known}")
    found = next(one for one in prices if one.token == token)
    if not isinstance(change, Fraction):
        answer = int(Fraction(change) * Fraction(10) ** found.unit.decimals)
    elif found.answer is None:
        raise UsageError(f"--price {name}: there is no present price to change; write an absolute one")
    else:
        answer = int(found.answer * (1 + change) // 1)
    if answer <= 0:
        raise UsageError(f"--price {text}: nothing would be left, and a contract reads 0 as missing")
    return Assumed(found, answer)
