"""F34: what governance does to a market while it is followed. The rules are read anew, the book is the one that a fresh survey makes
under them, and everybody's band is the contract's.
"""

from __future__ import annotations

import asyncio
from pathlib import Path

from tests.chain.server import serve
from tests.onchain.acceptance_market.ours import Ours, same, watching
from tests.onchain.account_scene import configured
from tests.onchain.conftest import Local, either
from tests.onchain.test_check import Falsifying
from tests.onchain.test_following import BANDS, health
from tests.onchain.test_survey import key
from watcher.config import Endpoint
from watcher.health.bands import LADDER
from watcher.localchain import aave_actions as act
from watcher.localchain.aave_assets import OTHER, USD, Asset
from watcher.localchain.aave_listing import list_asset
from watcher.localchain.aave_market import AaveMarket
from watcher.localchain.contract import DEPLOYER, ZERO, deploy
from watcher.localchain.own import own
from watcher.localchain.seeder import PER_TRANSACTION, seed
from watcher.model import Status
from watcher.units import WAD

BORROWERS = 2 * PER_TRANSACTION + 20  # of three pairs, one of them wstETH against WETH
Owners = tuple[str, ...]


async def threshold(market: AaveMarket, owners: Owners) -> None:
    await act.set_thresholds(market, "WETH", 7_900, 7_950, 10_500)


async def emode(market: AaveMarket, owners: Owners) -> None:
    """Half of those who may enter it do so, then its threshold falls."""
    for owner in owners[2 * PER_TRANSACTION :: 20]:
        await act.set_mode(market, owner, 1)
    source = (ZERO,) if market.version == "3.0" else ()
    args = (1, 9_300, 9_350, 10_100, *source, "ETH correlated")
    await market.configurator.send("setEModeCategory", *args, sender=DEPLOYER)


async def reserve(market: AaveMarket, owners: Owners) -> None:
    """One more asset, which a borrower owes and another one has as collateral before anybody looks."""
    token = await deploy(market.chain, own("Token"), "Maker", "MKR", 18)
    grown = await list_asset(market, Asset("MKR", 18, 1_000 * USD, 6_000, 7_000, 10_500, OTHER), token)
    await act.supply(grown, owners[0], "MKR", 10**20)
    await act.borrow(grown, owners[1], "MKR", 10**15)
    await act.borrow(grown, owners[0], "USDC", 10**6)


async def pause(market: AaveMarket, owners: Owners) -> None:
    await act.pause(market, "WETH", True)
    await act.freeze(market, "WBTC", True)


async def agrees(ours: Ours, market: AaveMarket, owners: Owners) -> bool:
    """Everybody's band by the book is the one that the contract's health is in."""
    one = ours.one
    ranks = ours.watched.follower.scales[one.market.name].ranks(one.book, one.accrued())
    truth = await health(market, owners, one.block)
    return all(
        LADDER[ranks.status[one.book.row(key(market, owner))]]
        is (Status.LIQUIDATABLE if said < WAD else LADDER[1 + sum(said < line for line in BANDS)])
        for owner, said in zip(owners, truth, strict=True)
    )


@either
def test_f34_rules_that_change_are_read_anew_and_the_book_with_them(
    local: Local, aave: AaveMarket, tmp_path: Path
) -> None:
    async def run() -> None:
        owners = await seed(aave, BORROWERS)
        async with watching(configured(local), aave.market(), tmp_path) as ours:
            await ours.turn()
            await aave.chain.mine()
            assert await ours.turn()
            for change in (threshold, emode, pause, reserve):
                before = ours.one.terms
                await change(aave, owners)
                assert await ours.turn()
                assert ours.one.terms != before, change.__name__
                assert await agrees(ours, aave, owners), change.__name__
            assert same(ours.one.book, await ours.fresh())
            assert same(ours.one.book, await ours.stored())
            ours.restart()
            await ours.turn()
            await aave.chain.mine()
            assert await ours.turn()
            assert await agrees(ours, aave, owners)

    asyncio.run(run())


@either
def test_f34_a_pool_that_is_upgraded_to_a_revision_that_is_not_known_stops_where_it_was(
    local: Local, aave: AaveMarket, tmp_path: Path
) -> None:
    async def run() -> None:
        owners = await seed(aave, 20)
        node = Falsifying(aave.chain.url, summaries=False)
        async with serve(node, name="node") as server:
            chain = configured(local, [Endpoint("node", server.url)])
            async with watching(chain, aave.market(), tmp_path) as ours:
                await ours.turn()
                await aave.chain.mine()
                assert await ours.turn()
                before = ours.one.block
                node.revision = 99
                await act.supply(aave, owners[0], "WETH", 10**18)
                assert not await ours.turn()
                assert ours.one.block == before
                said = ours.errors()
                assert "revision 99 is not known" in said[-1]
                node.revision = None
                await act.supply(aave, owners[1], "WETH", 10**18)
                assert await ours.turn()
                assert await agrees(ours, aave, owners)

    asyncio.run(run())
