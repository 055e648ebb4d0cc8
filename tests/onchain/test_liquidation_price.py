"""The liquidation price that we find, set on the real oracle: the position is liquidatable there, and at no price on the way to it.

Aave 3.0 and 3.6, and Morpho; Compound V2 has a node and a test of its own.
"""

from __future__ import annotations

import asyncio
from random import Random

import pytest
from eth_abi.abi import decode

from tests.onchain.acceptance import aim
from tests.onchain.acceptance.line import WHO, Scene, Structure, months, opened, plan
from tests.onchain.acceptance.verdict import DONE, HEALTHY
from tests.onchain.morpho_scene import BORROWED, amount_for, price_at
from tests.onchain.morpho_scene import Scene as MorphoScene
from tests.onchain.test_morpho import ALICE, ALLOWED, debt_of, play
from tests.onchain.test_morpho import HEALTHY as SOUND
from tests.onchain.tried import between, call, ends, simulated
from watcher.adapter import Position
from watcher.adapters.morpho_blue import ADAPTER
from watcher.health.liquidation_price import liquidation_prices
from watcher.localchain.aave_market import AaveMarket
from watcher.localchain.contract import Contract
from watcher.localchain.morpho import MorphoChain, MorphoMarket
from watcher.localchain.multicall import MULTICALL3
from watcher.units import MAX, WAD

POSITIONS = {
    "a pair after months of interest": (Structure(plan("WBTC", "DAI", 9_000), ("WBTC", "DAI"), months), 2),
    "two of each": (Structure(plan("WETH WBTC", "USDC DAI", 8_500), ("WBTC", "DAI")), 4),
    "one asset on both sides": (Structure(plan("USDC WETH", "USDC", 9_000), ("WETH", "USDC")), 2),
    "an e-mode": (Structure(plan("wstETH", "WETH", 9_500, mode=1), ("wstETH", "WETH")), 2),
}


@pytest.mark.parametrize("name", POSITIONS)
def test_set_on_the_real_oracle_aave_liquidates_at_our_price_and_at_none_between_it_and_the_present_one(
    aave: AaveMarket, name: str
) -> None:
    structure, count = POSITIONS[name]

    async def run() -> None:
        async with opened(aave, structure) as scene:
            moving, tried = aim.feeds(aave), 0
            for found in liquidation_prices(await scene.position()):
                if found.answer is None or found.price.token.address not in moving:
                    continue
                (present, answer), (feed, _, _) = ends(found), moving[found.price.token.address]
                before = between(present, answer, Random(name))
                assert await by_the_view(scene, feed, [*before, answer]) == [False] * len(before) + [True]
                assert [await really(scene, feed, one) for one in (before[-1], answer)] == [HEALTHY, DONE]
                await really(scene, feed, present)
                tried += 1
            assert tried == count

    asyncio.run(run())


async def by_the_view(scene: Scene, feed: Contract, answers: list[int]) -> list[bool]:
    """Whether the pool's own `getUserAccountData` has health below 1 at each answer of the feed."""
    pool = scene.local.pool
    calls = [one for answer in answers for one in (call(feed, "set", answer), call(pool, "getUserAccountData", WHO))]
    said = (await simulated(scene.local.chain, calls))[1::2]
    return [pool.decode("getUserAccountData", row)[-1] < WAD for _, row in said]


async def really(scene: Scene, feed: Contract, answer: int) -> str:
    """What the pool says to a liquidator when the feed has been set, at the time at which the position was read."""
    await scene.local.chain.next_timestamp(scene.now)
    await feed.send("set", answer)
    collateral, debt = scene.structure.pair
    return await scene.verdict.of(WHO, collateral, debt, 10 ** scene.local.reserves[debt].decimals)


@pytest.mark.parametrize("name", BORROWED)
def test_set_on_the_real_oracle_morpho_liquidates_at_our_price_and_at_none_between_it_and_the_present_one(
    morpho: MorphoChain, name: str
) -> None:
    """Where the oracle multiplies a feed's answer not every price can be had: the nearest ones on both sides of ours are taken."""
    market = morpho.markets[name]

    async def story(scene: MorphoScene) -> None:
        start = await scene.view(name, [])
        debt = debt_of(name)
        await scene.open_position(market, ALICE, amount_for(market, start.quote.price or 0, debt, WAD * 7 // 10), debt)
        await morpho.chain.advance(30 * 86_400)
        view = await scene.view(name, [ALICE])
        (found,) = liquidation_prices(Position(ADAPTER, view.terms, view.accrued(), view.holdings[ALICE]))
        present, answer = (price // price_at(market, 1) for price in ends(found))
        before = between(present, answer, Random(name))
        said = await liquidated(morpho, market, [*before, answer])
        assert said == [SOUND] * len(before) + [ALLOWED]
        for one, reason in ((answer + 1, SOUND), (answer, ALLOWED)):
            await scene.set_answer(market, one, view.block.timestamp)
            (verdict,) = await scene.truth.liquidations(market, [ALICE], view.block.number + 1)
            assert verdict.reason == reason
            view = await scene.view(name, [ALICE])

    play(morpho, story)


async def liquidated(world: MorphoChain, market: MorphoMarket, answers: list[int]) -> list[str]:
    """What Morpho says to a liquidation of one share at each answer of the market's source, of which only the last may succeed."""
    morpho = world.morpho
    calls = [call(market.loan, "mint", MULTICALL3, 10**30), call(market.loan, "approve", morpho.address, MAX)]
    for answer in answers:
        calls.append(call(market.source, "set", answer))
        calls.append(call(morpho, "liquidate", market.params, ALICE, 0, 1, b"", may_fail=True))
    said = (await simulated(world.chain, calls))[3::2]
    return [ALLOWED if done else str(decode(["string"], row[4:])[0]) for done, row in said]
