"""What governance changes makes cached terms stale, is told by its log as the terms then say it, and decides as the pool does."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from tests.onchain.venus_isolated.scene import ADA, Scene
from watcher.adapter import Moves, Touch, Which
from watcher.adapters.venus_isolated import ADAPTER
from watcher.adapters.venus_isolated.governance import GOVERNED
from watcher.chain.logs import logs
from watcher.errors import MissingPrice
from watcher.health.audit import compare
from watcher.localchain.contract import ZERO, Contract, Receipt, deploy
from watcher.localchain.scenario import set_price
from watcher.localchain.venus_isolated import VenusIsolated, VenusPool, artifact, main_only
from watcher.units import WAD

SLUG = "defi-friends"
Deed = Callable[[VenusIsolated, VenusPool], Awaitable[Receipt]]


async def other_model(world: VenusIsolated, pool: VenusPool) -> Receipt:
    model = await deploy(world.chain, artifact("WhitePaperInterestRateModel"), WAD // 50, WAD // 10, False, 10**7)
    return await pool.markets["WETH"].vtoken.send("setInterestRateModel", model.address)


def of_pool(function: str, *args: object) -> Deed:
    async def deed(_: VenusIsolated, pool: VenusPool) -> Receipt:
        return await pool.comptroller.send(function, *(arg(pool) if callable(arg) else arg for arg in args))

    return deed


def of_vtoken(function: str, *args: object) -> Deed:
    async def deed(_: VenusIsolated, pool: VenusPool) -> Receipt:
        return await pool.markets["WETH"].vtoken.send(function, *args)

    return deed


def weth(pool: VenusPool) -> str:
    return pool.markets["WETH"].vtoken.address


DEEDS: dict[str, Deed] = {
    "close factor": of_pool("setCloseFactor", WAD // 4),
    "incentive": of_pool("setLiquidationIncentive", WAD * 115 // 100),
    "minimum": of_pool("setMinLiquidatableCollateral", 7 * WAD),
    "factor": of_pool("setCollateralFactor", weth, WAD // 2, WAD * 8 // 10),
    "threshold": of_pool("setCollateralFactor", weth, WAD * 75 // 100, WAD * 85 // 100),
    "borrow cap": of_pool("setMarketBorrowCaps", lambda pool: [weth(pool)], [5]),
    "supply cap": of_pool("setMarketSupplyCaps", lambda pool: [weth(pool)], [6]),
    "pause": of_pool("setActionsPaused", lambda pool: [weth(pool)], [5], True),
    "forced": of_pool("setForcedLiquidation", weth, True),
    "reserve factor": of_vtoken("setReserveFactor", WAD // 3),
    "seize share": of_vtoken("setProtocolSeizeShare", WAD // 100),
    "payout": of_vtoken("setReduceReservesBlockDelta", 77),
    "model": other_model,
}


@pytest.mark.parametrize("name", DEEDS)
def test_a_change_is_seen_by_its_log_and_by_whoever_asks_again(world: VenusIsolated, name: str) -> None:
    async def played() -> None:
        scene, pool = await Scene.open(world), world.pools[SLUG]
        try:
            before = (await scene.view(SLUG, ())).terms
            assert await scene.reader.run(ADAPTER.fresh(before), await scene.reader.head())
            receipt = await DEEDS[name](world, pool)
            after = (await scene.view(SLUG, ())).terms
            assert not await scene.reader.run(ADAPTER.fresh(before), await scene.reader.head())
            assert await scene.reader.run(ADAPTER.fresh(after), await scene.reader.head())
            (query,) = GOVERNED.changes(before)
            told = []
            async for _, rows in logs(scene.w3, query, receipt.block, receipt.block):
                told += [change for _, changes in rows for change in changes]
            assert told and all(change.setting in GOVERNED.settings(after) for change in told)
            was = {(one.subject, one.name): one.value for one in GOVERNED.settings(before)}
            for change in told:
                assert change.was in (None, was[change.setting.subject, change.setting.name])
            moved: list[Moves] = []
            async for _, touched in logs(scene.w3, ADAPTER.moves(before), receipt.block, receipt.block):
                moved += [what for _, what in touched]
            assert Touch.TERMS in moved
        finally:
            await scene.close()

    asyncio.run(played())


def test_the_pools_of_a_registry_are_listed_by_its_call(world: VenusIsolated) -> None:
    async def played() -> None:
        scene = await Scene.open(world)
        try:
            assert ADAPTER.listed is not None
            found = await scene.reader.run(ADAPTER.listed(world.listing()), await scene.reader.head())
            pools = await scene.truth.plain(world.registry).functions.getAllPools().call()
            assert [market.address for market in found] == [pool[2] for pool in pools]
            assert [market.name.rpartition("/")[2] for market in found] == list(world.pools)
            assert [market.start for market in found] == [pool[3] for pool in pools]
        finally:
            await scene.close()

    asyncio.run(played())


def test_a_vtoken_that_is_unlisted_counts_for_nothing(world: VenusIsolated) -> None:
    async def played() -> None:
        scene, pool = await Scene.open(world), world.pools[SLUG]
        try:
            await scene.open_position(pool, ADA, {"WETH": 10**19, "EURS": 10**6}, {"USDC": 7_000 * 10**6})
            eurs = pool.markets["EURS"].vtoken.address
            await pool.comptroller.send("setCollateralFactor", eurs, 0, WAD * 6 // 10)
            await pool.comptroller.send("setActionsPaused", [eurs], list(range(9)), True)
            await pool.comptroller.send("setMarketBorrowCaps", [eurs], [0])
            await pool.comptroller.send("setMarketSupplyCaps", [eurs], [0])
            before = await scene.view(SLUG, (ADA,))
            await pool.comptroller.send("unlistMarket", eurs)
            view = await scene.view(SLUG, (ADA,))
            seen = view.value(ADA)
            assert len(view.terms.vtokens) == 3 and seen.collateral < before.value(ADA).collateral
            told = await scene.truth.accrued(pool, ADA, ("WETH", "USDC"), view.block.number)
            assert (seen.liquidity, seen.shortfall, seen.available) == told
            assert not await scene.reader.run(ADAPTER.fresh(before.terms), view.block)
        finally:
            await scene.close()

    asyncio.run(played())


@pytest.mark.parametrize("what", ["feed is old", "oracle paused", "pivot differs", "feed answers zero"])
def test_who_entered_an_asset_without_a_price_is_unknown_as_to_the_comptroller(world: VenusIsolated, what: str) -> None:
    async def played() -> None:
        scene, pool = await Scene.open(world), world.pools[SLUG]
        try:
            await scene.open_position(pool, ADA, {"WETH": 10**19, "WBTC": 1}, {"USDC": 7_000 * 10**6})
            await unpriced(world, pool, what)
            view = await scene.view(SLUG, (ADA,))
            with pytest.raises(MissingPrice):
                view.value(ADA)
            (told,) = (await scene.reported(view)).values()
            assert told.figures == {}
            price = next(one for one in ADAPTER.prices(view.terms, view.accrued()) if one.token.symbol == "WBTC")
            assert price.answer is None
            assert (await scene.truth.pair(pool, ADA, "USDC", "WETH", 1, view.block.number)).done is False
            assert (await scene.truth.heal(pool, ADA, view.block.number)).done is False
        finally:
            await scene.close()

    asyncio.run(played())


def test_a_price_that_the_oracle_keeps_for_a_transaction_is_the_same_price(world: VenusIsolated) -> None:
    """With its cache on, `updatePrice` is what the rest of the transaction is answered from."""

    async def played() -> None:
        scene, pool = await Scene.open(world), world.pools[SLUG]
        try:
            await scene.open_position(pool, ADA, {"WETH": 10**19}, {"USDC": 7_000 * 10**6})
            await world.oracle.send("setTokenConfig", main_only(pool.markets["WETH"].token, world.feeds, cached=True))
            await set_price(pool.markets["WETH"].feed, 1_234 * 10**8)
            view = await scene.view(SLUG, (ADA,))
            assert view.quote.prices[0] == 1_234 * WAD
            stale = view.value(ADA, Which.NONE)
            told = await scene.truth.line(pool, ADA, view.block.number)
            assert (stale.liquidity, stale.shortfall, stale.available) == told
            (answered,) = (await scene.reported(view)).values()
            assert compare(stale, answered) == ()
        finally:
            await scene.close()

    asyncio.run(played())


async def unpriced(world: VenusIsolated, pool: VenusPool, what: str) -> None:
    """Take away the price of WBTC, one raw unit of which is held."""
    wbtc = pool.markets["WBTC"]
    if what == "feed answers zero":
        await wbtc.feed.send("set", 0)
    elif what == "feed is old":
        await world.feeds.send("setTokenConfig", (wbtc.token.address, wbtc.feed.address, 60))
        await world.chain.advance(61)
    elif what == "oracle paused":
        await world.oracle.send("pause")
    else:
        token = wbtc.token.address
        pivot = await deploy(world.chain, artifact("MockPriceOracle"))
        await pivot.send("setPrice", token, 50_000 * 10**28)
        code = artifact("BoundValidator", "@venusprotocol/oracle")
        bounds = Contract(world.chain, await world.oracle.call("boundValidator"), code.abi)
        await bounds.send("setValidateConfig", (token, WAD * 105 // 100, WAD * 95 // 100))
        oracles = [world.feeds.address, pivot.address, ZERO]
        await world.oracle.send("setTokenConfig", (token, oracles, [True, True, False], False))
