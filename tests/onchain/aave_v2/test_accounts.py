"""Our Aave V2 against the real pools: every field of every account, and what a transaction of the next block does or refuses."""

from __future__ import annotations

import asyncio
import random
from collections import Counter

import pytest

from tests.onchain.aave_liquidation import SCENES, indebted, liquidated, pairs
from tests.onchain.aave_scene import FIGURES, check_accounts, random_run, scene
from tests.onchain.aave_v2.conftest import Pools
from watcher.localchain.aave_market import AaveMarket
from watcher.localchain.scenario import account, fund, set_price

STEPS = 50
SLUMP = ({"WETH": 15, "WBTC": 15, "LINK": 10}, {"USDC": 500, "DAI": 500, "USDT": 500})  # more is owed than there is


def acted(market: AaveMarket) -> Counter[str]:
    async def run() -> Counter[str]:
        async with scene(market, 5) as stage:
            return await random_run(stage, random.Random(5), STEPS)

    return asyncio.run(run())


def enough(seen: Counter[str]) -> bool:
    verbs = min(seen[verb] for verb in ("Supply", "Withdraw", "Borrow", "Repay"))
    return verbs >= 3 and seen["fields"] >= STEPS // 10 * 5 * len(FIGURES)


def test_an_action_ends_as_the_transaction_of_the_next_block_does(v2_eth: AaveMarket) -> None:
    assert enough(acted(v2_eth))


@pytest.mark.long
def test_so_it_does_where_prices_are_in_dollars(still: Pools) -> None:
    assert enough(acted(still.usd))


def test_a_liquidation_takes_what_ours_says(v2_eth: AaveMarket) -> None:
    async def run() -> Counter[str]:
        seen: Counter[str] = Counter()
        dice = random.Random(3)
        async with scene(v2_eth, 6) as stage:
            for reserve in v2_eth.reserves.values():
                await fund(reserve.token, account("liquidator"), 10**12 * 10**reserve.decimals, v2_eth.pool.address)
            terms = await stage.terms()
            await indebted(stage, dice, terms)
            for prices in (*SCENES[:3], *SLUMP):
                for symbol, percent in prices.items():
                    if symbol in v2_eth.reserves:
                        reserve = v2_eth.reserves[symbol]
                        await set_price(reserve.feed, reserve.asset.price * percent // 100)
                await check_accounts(stage, terms)
                _, holdings = await stage.world(terms)
                for who in stage.actors:
                    for debt, collateral in pairs(terms, holdings[stage.key(who)]):
                        outcome = await liquidated(stage, terms, who, debt, collateral)
                        seen[outcome] += 1
                        if outcome == "HealthFactorNotBelowThreshold":
                            break  # every other pair says the same
        return seen

    seen = asyncio.run(run())
    assert seen["whole"] + seen["whole with deficit"] >= 20, seen
    assert seen["HealthFactorNotBelowThreshold"] >= 1
    assert seen["whole with deficit"] >= 2
