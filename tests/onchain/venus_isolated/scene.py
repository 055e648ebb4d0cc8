"""Local isolated pools as a test sees them: our readings through the product's reader, the truth beside them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from web3 import AsyncHTTPProvider, AsyncWeb3

from tests.onchain.venus_isolated.truth import Truth
from watcher.adapter import Accrued, Reported, Which
from watcher.adapters.venus_isolated import ADAPTER
from watcher.adapters.venus_isolated.facts import Holding, Quote, Terms
from watcher.chain.reader import Reader
from watcher.localchain import venus_isolated_actions as do
from watcher.localchain.scenario import account
from watcher.localchain.venus_isolated import VenusIsolated, VenusPool
from watcher.model import BlockRef, Moment, PositionKey, Valuation

ADA, BOB, CYD, DAN = (account(name) for name in ("ada", "bob", "cyd", "dan"))


@dataclass(frozen=True, slots=True)
class View:
    """One pool at one block, as we read it."""

    block: BlockRef
    terms: Terms
    quote: Quote  # as stored
    holdings: Mapping[str, Holding]  # by owner

    def accrued(self, which: Accrued = Which.ALL, at: Moment | None = None) -> Quote:
        return ADAPTER.accrue(self.terms, self.quote, at or self.block, which)

    def value(self, who: str, which: Accrued = Which.ALL) -> Valuation:
        return ADAPTER.value(self.terms, self.accrued(which), self.holdings[who])

    def underlying(self, *symbols: str) -> frozenset[str]:
        return frozenset(one.token.address for one in self.terms.vtokens if one.token.symbol in symbols)


class Scene:
    """``scene = await Scene.open(world)`` … ``await scene.close()``"""

    def __init__(self, world: VenusIsolated) -> None:
        self.world = world
        self.truth = Truth(world)
        self.w3 = AsyncWeb3(AsyncHTTPProvider(world.chain.url))
        self.reader = Reader(self.w3)

    @classmethod
    async def open(cls, world: VenusIsolated) -> Scene:
        scene = cls(world)
        await scene.truth.prepare()
        return scene

    async def close(self) -> None:
        await self.truth.close()
        await self.w3.provider.disconnect()

    async def view(self, slug: str, owners: Sequence[str]) -> View:
        """Everything anew at the newest block."""
        block = await self.reader.head()
        terms = await self.reader.run(ADAPTER.terms(self.world.market(slug)), block)
        keys = [PositionKey(terms.market.name, bytes.fromhex(owner[2:])) for owner in owners]
        quote = await self.reader.run(ADAPTER.quote(terms), block)
        held = await self.reader.run(ADAPTER.holdings(terms, keys), block)
        return View(block, terms, quote, dict(zip(owners, held.values(), strict=True)))

    async def reported(self, view: View) -> dict[PositionKey, Reported]:
        keys = [holding.key for holding in view.holdings.values()]
        return await self.reader.run(ADAPTER.reported(view.terms, keys), view.block)

    async def open_position(
        self, pool: VenusPool, who: str, collateral: Mapping[str, int], debts: Mapping[str, int]
    ) -> None:
        """Raw units supplied, entered, and borrowed."""
        for symbol, amount in collateral.items():
            await do.supply(pool.markets[symbol], who, amount)
        await do.enter(pool, who, list(collateral))
        for symbol, amount in debts.items():
            await do.borrow(pool.markets[symbol], who, amount)
