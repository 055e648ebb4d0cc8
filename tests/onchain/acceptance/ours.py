"""Our side as the product goes it: the client, its provider, the reader and the cycle, with the terms of the cycle before."""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from eth_typing import ChecksumAddress

from watcher.adapters.aave_v3 import holding
from watcher.chain.endpoint import Endpoint
from watcher.chain.provider import web3_over
from watcher.chain.reader import Reader
from watcher.chain.rpc import Rpc
from watcher.cycle import MarketCycle, Row, cycle
from watcher.localchain.aave_market import AaveMarket
from watcher.model import BlockRef, Market, Valuation


@dataclass
class Product:
    """`renewed` counts the cycles in which known terms were found to be out of date and read again."""

    reader: Reader
    market: Market
    known: dict[str, Any] = field(default_factory=dict)
    renewed: int = 0

    async def cycle(self, owners: Sequence[ChecksumAddress], *, audit: bool = False) -> MarketCycle:
        """At the newest block."""
        block: BlockRef = await self.reader.head()
        (seen,) = await cycle(self.reader, block, [self.market], owners, self.known, audit=audit)
        if seen.error is not None:
            raise seen.error
        self.renewed += self.market.name in self.known and seen.terms is not self.known[self.market.name]
        self.known[self.market.name] = seen.terms
        return seen


@asynccontextmanager
async def product(local: AaveMarket, url: str | None = None) -> AsyncIterator[Product]:
    """A client of the local node, or of what stands before it at `url`."""
    async with Rpc([Endpoint("local", url or local.chain.url)], local.chain.chain_id) as rpc:
        yield Product(Reader(web3_over(rpc)), local.market())


def owner(row: Row) -> ChecksumAddress:
    return holding.owner(row.reading.key)


def valued(row: Row) -> Valuation:
    """The valuation of a row that has one; a position that could not be valued fails the test."""
    assert row.reading.valuation is not None, row.reading.reason
    return row.reading.valuation
