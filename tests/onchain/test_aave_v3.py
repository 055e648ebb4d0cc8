"""Our Aave V3 against the real pools: every field of every account, and what a transaction of the next block does or refuses."""

from __future__ import annotations

import asyncio
import random
from collections import Counter

import pytest

from tests.onchain.aave_liquidation import SCENES, indebted, liquidated, pairs
from tests.onchain.aave_scene import FIGURES, check_accounts, random_run, scene
from watcher.localchain.aave_market import AaveMarket
from watcher.localchain.scenario import account, fund, set_price


@pytest.mark.parametrize(("steps", "least"), [(60, 1), pytest.param(140, 3, marks=pytest.mark.long)])
def test_an_action_ends_as_the_transaction_of_the_next_block_does(aave: AaveMarket, steps: int, least: int) -> None:
    async def run() -> Counter[str]:
        async with scene(aave, 5) as stage:
            return await random_run(stage, random.Random(2), steps)

    seen = asyncio.run(run())
    assert min(seen[verb] for verb in ("Supply", "Withdraw", "Borrow", "Repay", "SetMode")) >= least
    assert seen["fields"] >= steps // 10 * 5 * len(FIGURES)


@pytest.mark.long  # acceptance/test_liquidations.py does the same with more accounts
def test_a_liquidation_takes_what_ours_says(aave: AaveMarket) -> None:
    async def run() -> Counter[str]:
        seen: Counter[str] = Counter()
        dice = random.Random(3)
        async with scene(aave, 12) as stage:
            for reserve in aave.reserves.values():
                await fund(reserve.token, account("liquidator"), 10**12 * 10**reserve.decimals, aave.pool.address)
            terms = await stage.terms()
            await indebted(stage, dice, terms)
            for prices in SCENES:
                for symbol, percent in prices.items():
                    reserve = aave.reserves[symbol]
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
    assert sum(count for name, count in seen.items() if name.startswith(("whole", "most"))) >= 30
    assert seen["HealthFactorNotBelowThreshold"] >= 1
    assert seen["whole with deficit"] >= 2
    assert aave.version == "3.0" or seen["most"] >= 1
