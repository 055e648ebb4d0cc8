"""What stands behind a market's prices: whether the oracle follows what a token trades at, and so sees a lost peg."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from eth_typing import ChecksumAddress

from watcher.adapter import Price
from watcher.appraisal.held import feed_of
from watcher.connection import Connection
from watcher.following.followed import Followed
from watcher.oracle.path import Quotient, Step
from watcher.oracle.trace import trace
from watcher.risk.drive import Feed


async def feeds(line: Connection, one: Followed) -> dict[ChecksumAddress, Feed]:
    """By token, as far as their sources tell, at the book's block. Raises what the endpoints fail with."""
    prices = one.of.prices(one.terms, one.accrued())
    paths = await line.reader.run(trace(price.source for price in prices if price.answer is not None), one.block)
    money = None if one.of.money is None else one.of.money(one.terms)
    return followed(prices, paths, money)


def followed(
    prices: Sequence[Price], paths: Mapping[ChecksumAddress, Step], money: ChecksumAddress | None
) -> dict[ChecksumAddress, Feed]:
    """One price of collateral in `money` tells of both: where no feed quotes the money, it is taken at a rate."""
    found: dict[ChecksumAddress, Feed] = {}
    for price in prices:
        path = paths.get(price.source)
        if path is None:
            continue
        found[price.token.address] = feed_of(path)
        if money is not None and isinstance(path.rule, Quotient):
            found.setdefault(money, Feed.MARKET if len(path.below) > path.rule.bases else Feed.RATE)
    return found
