"""Every figure of an isolated pool equals the pool's own: at stored books its views', accrued what its entry points would see."""

from __future__ import annotations

import asyncio

import pytest

from tests.onchain.venus_isolated.scene import ADA, BOB, CYD, Scene
from watcher.adapter import Which
from watcher.localchain import venus_isolated_actions as do
from watcher.localchain.venus_isolated import VenusIsolated
from watcher.model import Side

POOLS = ("defi-friends", "stablecoins")  # by the block, by the second


@pytest.mark.parametrize("slug", POOLS)
def test_an_account_is_worth_what_the_comptroller_says_stale_and_accrued(world: VenusIsolated, slug: str) -> None:
    async def told() -> None:
        scene, pool = await Scene.open(world), world.pools[slug]
        try:
            await scene.open_position(pool, ADA, {"WETH": 10**19 + 7}, {"USDC": 9_000 * 10**6 + 1})
            await scene.open_position(pool, BOB, {"USDC": 5_000 * 10**6, "WETH": 3}, {"WETH": 10**18, "USDC": 77})
            await do.supply(pool.markets["USDC"], CYD, 1_234_567)  # not entered
            await world.chain.advance(40 * 86_400)
            await world.chain.mine(400)
            view = await scene.view(slug, (ADA, BOB, CYD))
            block = view.block.number
            for who in (ADA, BOB, CYD):
                stale, fresh = view.value(who, Which.NONE), view.value(who)
                told = await scene.truth.line(pool, who, block)
                assert (stale.liquidity, stale.shortfall, stale.available) == told
                every = await scene.truth.accrued(pool, who, tuple(pool.markets), block)
                assert (fresh.liquidity, fresh.shortfall, fresh.available) == every
                for leg in fresh.legs:
                    ask = scene.truth.owed if leg.side is Side.DEBT else scene.truth.held
                    assert leg.amount == await ask(pool, who, leg.token.symbol, block)
            assert view.value(ADA).health != view.value(ADA, Which.NONE).health
            assert [leg.side for leg in view.value(CYD).legs] == [Side.DEPOSIT]
        finally:
            await scene.close()

    asyncio.run(told())
