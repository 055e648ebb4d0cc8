"""A local Venus pool as a test sees it: our readings through the product's reader, the truth beside them."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass

from eth_typing import ChecksumAddress
from web3 import AsyncHTTPProvider, AsyncWeb3

from tests.onchain.venus.truth import Truth
from watcher.adapter import Accrued, Reported, Which
from watcher.adapters.venus import ADAPTER
from watcher.adapters.venus.facts import Holding, Quote, Terms
from watcher.chain.reader import Reader
from watcher.localchain import venus_actions as do
from watcher.localchain.scenario import account
from watcher.localchain.venus_pool import NAME, VenusPool
from watcher.model import BlockRef, Moment, PositionKey, Valuation

ADA, BOB, CYD, DAN = (account(name) for name in ("ada", "bob", "cyd", "dan"))


@dataclass(frozen=True, slots=True)
class View:
    """The pool at one block, as we read it."""

    block: BlockRef
    terms: Terms
    quote: Quote  # as stored
    holdings: Mapping[str, Holding]  # by owner

    def accrued(self, which: Accrued = Which.ALL, at: Moment | None = None) -> Quote:
        return ADAPTER.accrue(self.terms, self.quote, at or self.block, which)

    def value(self, who: str, which: Accrued = Which.ALL, quote: Quote | None = None) -> Valuation:
        return ADAPTER.value(self.terms, quote or self.accrued(which), self.holdings[who])

    def token(self, symbol: str) -> ChecksumAddress:
        vai = [self.terms.vai.token] if self.terms.vai else []
        return next(one.address for one in (*(a.token for a in self.terms.assets), *vai) if one.symbol == symbol)


class Scene:
    def __init__(self, pool: VenusPool) -> None:
        self.pool, self.truth = pool, Truth(pool)
        self.w3 = AsyncWeb3(AsyncHTTPProvider(pool.chain.url))
        self.reader = Reader(self.w3)

    async def close(self) -> None:
        await self.truth.close()
        await self.w3.provider.disconnect()

    async def view(self, owners: Sequence[str], terms: Terms | None = None) -> View:
        """At the newest block; `terms` where they are known to be the same."""
        block = await self.reader.head()
        known = terms if terms is not None else await self.reader.run(ADAPTER.terms(self.pool.market()), block)
        quote = await self.reader.run(ADAPTER.quote(known), block)
        keys = [PositionKey(NAME, bytes.fromhex(owner[2:])) for owner in owners]
        held = await self.reader.run(ADAPTER.holdings(known, keys), block)
        return View(block, known, quote, dict(zip(owners, held.values(), strict=True)))

    async def reported(self, view: View) -> dict[PositionKey, Reported]:
        keys = [holding.key for holding in view.holdings.values()]
        return await self.reader.run(ADAPTER.reported(view.terms, keys), view.block)

    async def open_position(
        self, who: str, collateral: Mapping[str, int], debts: Mapping[str, int], *, mode: int = 0
    ) -> None:
        """Raw units supplied, entered, and borrowed or minted."""
        for symbol, amount in collateral.items():
            await do.supply(self.pool, who, symbol, amount)
        await do.enter(self.pool, who, *collateral)
        if mode:
            await do.select_pool(self.pool, who, mode)
        for symbol, amount in debts.items():
            await (
                do.mint_vai(self.pool, who, amount) if symbol == "VAI" else do.borrow(self.pool, who, symbol, amount)
            )


def play(pool: VenusPool, story: Callable[[Scene], Awaitable[None]]) -> None:
    """Run one story on an opened scene."""

    async def told() -> None:
        scene = Scene(pool)
        try:
            await story(scene)
        finally:
            await scene.close()

    asyncio.run(told())
