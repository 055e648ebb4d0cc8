"""A local Compound as a test sees it: our readings through the product's reader, the truth beside them."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass

from eth_typing import ChecksumAddress
from web3 import AsyncHTTPProvider, AsyncWeb3

from tests.onchain.compound_v2.truth import Truth
from watcher.adapter import Accrued, Reported, Which
from watcher.adapters.compound_v2 import ADAPTER
from watcher.adapters.compound_v2.facts import Holding, Quote, Terms
from watcher.chain.reader import Reader
from watcher.localchain import compound_v2_actions as do
from watcher.localchain.compound_v2 import CompoundV2
from watcher.localchain.scenario import account
from watcher.model import BlockRef, Moment, PositionKey, Valuation

ADA, BOB, CYD = (account(name) for name in ("ada", "bob", "cyd"))


@dataclass(frozen=True, slots=True)
class View:
    """One comptroller at one block, as we read it."""

    block: BlockRef
    terms: Terms
    quote: Quote  # as stored
    holdings: Mapping[str, Holding]  # by owner

    def accrued(self, which: Accrued = Which.ALL, at: Moment | None = None) -> Quote:
        return ADAPTER.accrue(self.terms, self.quote, at or self.block, which)

    def value(self, who: str, which: Accrued = Which.ALL, at: Moment | None = None) -> Valuation:
        return ADAPTER.value(self.terms, self.accrued(which, at), self.holdings[who])

    def tokens(self, *symbols: str) -> frozenset[ChecksumAddress]:
        """Underlying addresses."""
        return frozenset(one.token.address for one in self.terms.listings if one.token.symbol in symbols)

    def token(self, symbol: str) -> ChecksumAddress:
        (found,) = self.tokens(symbol)
        return found


class Scene:
    """``scene = await Scene.open(world)`` … ``await scene.close()``"""

    def __init__(self, world: CompoundV2) -> None:
        self.world = world
        self.truth = Truth(world)
        self.w3 = AsyncWeb3(AsyncHTTPProvider(world.chain.url))
        self.reader = Reader(self.w3)
        self.terms: Terms | None = None

    async def close(self) -> None:
        await self.truth.close()
        await self.w3.provider.disconnect()

    async def view(self, *owners: str) -> View:
        """Quote and holdings at the newest block, under terms that still hold there."""
        block = await self.reader.head()
        terms = self.terms
        if terms is None or not await self.reader.run(ADAPTER.fresh(terms), block):
            terms = self.terms = await self.reader.run(ADAPTER.terms(self.world.market()), block)
        keys = [PositionKey(terms.market.name, bytes.fromhex(owner[2:])) for owner in owners]
        quote = await self.reader.run(ADAPTER.quote(terms), block)
        held = await self.reader.run(ADAPTER.holdings(terms, keys), block)
        return View(block, terms, quote, dict(zip(owners, held.values(), strict=True)))

    async def reported(self, view: View) -> dict[PositionKey, Reported]:
        keys = [holding.key for holding in view.holdings.values()]
        return await self.reader.run(ADAPTER.reported(view.terms, keys), view.block)

    async def open_position(self, who: str, collateral: Mapping[str, int], debts: Mapping[str, int]) -> None:
        """Raw units supplied, entered, and borrowed."""
        for symbol, amount in collateral.items():
            await do.supply(self.world, who, symbol, amount)
        await do.enter(self.world, who, *collateral)
        for symbol, amount in debts.items():
            await do.borrow(self.world, who, symbol, amount)

    async def next_moment(self) -> Moment:
        block = await self.reader.head()
        return Moment(block.number + 1, block.timestamp + 12)


def play(world: CompoundV2, story: Callable[[Scene], Awaitable[None]]) -> None:
    """Run one story."""

    async def told() -> None:
        scene = Scene(world)
        try:
            await scene.truth.prepare()
            await story(scene)
        finally:
            await scene.close()

    asyncio.run(told())


def each_pair(debts: Sequence[str], held: Sequence[str]) -> list[tuple[str, str]]:
    return [(debt, collateral) for debt in debts for collateral in held]
