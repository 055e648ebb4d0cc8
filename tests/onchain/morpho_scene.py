"""A local Morpho as a test sees it: our readings through the product's reader, the truth beside them, and prices aimed at the line."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from web3 import AsyncHTTPProvider, AsyncWeb3

from tests.onchain.morpho_truth import PAYER, Truth
from watcher.adapter import Reported, Which
from watcher.adapters.morpho_blue import ADAPTER
from watcher.adapters.morpho_blue.facts import Holding, Quote, Terms
from watcher.chain.reader import Reader
from watcher.errors import WatcherError
from watcher.localchain.morpho import MorphoChain, MorphoMarket
from watcher.model import BlockRef, Moment, PositionKey, Valuation
from watcher.query import Query, together
from watcher.units import WAD

BORROWED = ("WETH/USDC", "wstETH/WETH", "WBTC/USDC", "USDC/WETH", "hostile")  # markets with debt


@dataclass(frozen=True, slots=True)
class View:
    """One market at one block, as we read it."""

    block: BlockRef
    terms: Terms
    quote: Quote  # as stored
    holdings: Mapping[str, Holding]  # by owner

    def accrued(self, at: Moment | None = None) -> Quote:
        return ADAPTER.accrue(self.terms, self.quote, at or self.block, Which.ALL)

    def foretold(self, at: Moment) -> Quote:
        """As `accrued`; a test knows that the flat model's rate will still be the same."""
        quote = self.quote if self.quote.rate is None else replace(self.quote, rate_at=at.timestamp)
        return ADAPTER.accrue(self.terms, quote, at, Which.ALL)

    def value(self, who: str, quote: Quote | None = None) -> Valuation:
        return ADAPTER.value(self.terms, quote or self.accrued(), self.holdings[who])


class Scene:
    """``scene = await Scene.open(world)`` … ``await scene.close()``"""

    def __init__(self, world: MorphoChain) -> None:
        self.world = world
        self.truth = Truth(world)
        self.w3 = AsyncWeb3(AsyncHTTPProvider(world.chain.url))
        self.reader = Reader(self.w3)
        self.terms: dict[str, Terms] = {}

    @classmethod
    async def open(cls, world: MorphoChain) -> Scene:
        scene = cls(world)
        await scene.truth.prepare()
        block = await scene.reader.head()
        for name in world.markets:
            scene.terms[name] = await scene.reader.run(ADAPTER.terms(world.market(name)), block)
        return scene

    async def close(self) -> None:
        await self.truth.close()
        await self.w3.provider.disconnect()

    async def view(self, name: str, owners: Sequence[str]) -> View:
        """At the newest block."""
        return (await self.views({name: owners}))[name]

    async def views(self, wanted: Mapping[str, Sequence[str]]) -> dict[str, View]:
        block = await self.reader.head()
        asked: list[Query[Any]] = []
        for name, owners in wanted.items():
            keys = [PositionKey(self.terms[name].market.name, bytes.fromhex(owner[2:])) for owner in owners]
            asked += [ADAPTER.quote(self.terms[name]), ADAPTER.holdings(self.terms[name], keys)]
        answers = iter(await self.reader.run(together(asked), block))
        found = {}
        for name, owners in wanted.items():
            quote, holdings = _told(next(answers)), _told(next(answers))
            found[name] = View(block, self.terms[name], quote, dict(zip(owners, holdings.values(), strict=True)))
        return found

    async def reported(self, view: View) -> dict[PositionKey, Reported]:
        keys = [holding.key for holding in view.holdings.values()]
        return await self.reader.run(ADAPTER.reported(view.terms, keys), view.block)

    async def open_position(self, market: MorphoMarket, who: str, collateral: int, debt: int) -> None:
        """The payer gives the collateral, the owner borrows."""
        send = self.world.morpho.send
        await send("supplyCollateral", market.params, collateral, who, b"", sender=PAYER)
        if debt:
            await send("borrow", market.params, debt, 0, who, who, sender=who)

    async def set_answer(self, market: MorphoMarket, answer: int, at: int | None = None) -> None:
        """One integer of the market's feed or oracle, in a block at `at` seconds."""
        if at is not None:
            await self.world.chain.next_timestamp(at)
        await market.source.send("set", answer)

    async def moment(self, later: int) -> Moment:
        block = await self.reader.head()
        return Moment(block.number + 1, block.timestamp + later)


def _told(answer: Any) -> Any:
    if isinstance(answer, WatcherError):
        raise answer
    return answer


def price_at(market: MorphoMarket, answer: int) -> int:
    """The oracle's price when its source answers so; the feed oracle multiplies 8-decimal answers by 1e(36 + loan - collateral)."""
    return answer if market.feed is None else 10**24 * answer // 10**8


def answer_on_the_line(market: MorphoMarket, view: View, who: str, at: Moment) -> int:
    """The smallest answer of the market's source at which we call the position healthy at that moment."""
    quote = view.foretold(at)
    token = market.params[1]
    low, high = 0, 10**48 if market.feed is None else 10**15
    while high - low > 1:
        middle = (low + high) // 2
        tried = ADAPTER.reprice(view.terms, quote, {token: max(1, price_at(market, middle))})
        if view.value(who, tried).liquidatable:
            low = middle
        else:
            high = middle
    return high


def amount_for(market: MorphoMarket, price: int, debt: int, use: int) -> int:
    """Collateral under which `debt` uses the share `use` (a wad) of what may be borrowed."""
    return debt * 10**36 * WAD // (price * market.params[4] * use // WAD) + 1
