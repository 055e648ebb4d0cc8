"""The boundary proof: on the line, one unit above it and one below, the pool liquidates exactly when we say that it would.

What the pool refuses it must refuse by its own health error, or by its pause, grace or sentinel; any other revert fails.
"""

from __future__ import annotations

import asyncio
from collections import Counter

import pytest
from eth_typing import ChecksumAddress

from tests.onchain.acceptance import aim
from tests.onchain.acceptance.line import Scene, Structure, by_debt, by_price, enough, months, opened, plan
from tests.onchain.acceptance.verdict import DONE, foretold
from watcher.localchain import aave_actions as do
from watcher.localchain.aave_market import AaveMarket
from watcher.localchain.scenario import set_sequencer
from watcher.units import WAD


async def paused(local: AaveMarket) -> None:
    await do.pause(local, "WETH", True)


async def graced(local: AaveMarket) -> None:
    await do.pause(local, "USDC", True)
    await do.pause(local, "USDC", False, 3_600)


async def down(local: AaveMarket) -> None:
    sequencer = await do.install_sentinel(local, 3_600)
    await set_sequencer(sequencer, up=False, since=await local.chain.timestamp())


BOTH = {
    "a single pair": Structure(plan("WETH", "USDC"), ("WETH", "USDC")),
    "after months of interest": Structure(plan("WBTC", "DAI", dollars=30_000_000), ("WBTC", "DAI"), months),
    "two collaterals": Structure(plan("WETH WBTC", "USDC"), ("WBTC", "USDC")),
    "two debts": Structure(plan("WETH", "USDC DAI"), ("WETH", "DAI")),
    "the same asset on both sides": Structure(plan("USDC WETH", "USDC LINK"), ("WETH", "USDC")),
    "an e-mode": Structure(plan("wstETH", "WETH", mode=1), ("wstETH", "WETH")),
    "isolated collateral": Structure(plan("AAVE", "DAI", enabled=("AAVE",)), ("AAVE", "DAI")),
    "LTV 0": Structure(plan("USDT WETH", "USDC"), ("USDT", "USDC")),
    "dust": Structure(plan("WETH", "USDC", dollars=0.02), ("WETH", "USDC")),
    "a paused reserve": Structure(plan("WETH", "USDC"), ("WETH", "USDC"), paused),
    "a sentinel": Structure(plan("WETH", "USDC"), ("WETH", "USDC"), down),
}
V30 = {
    "an e-mode with its own price source": Structure(plan("WETH USDC", "DAI", mode=2), ("USDC", "DAI")),
    "base threshold 0 in an e-mode": Structure(plan("sUSDe WETH", "USDT", mode=2), ("WETH", "USDT")),
    "two decimals": Structure(plan("EURS", "USDC"), ("EURS", "USDC")),
    "stable debt": Structure(plan("WETH", "USDC", 9_000, rate_mode=do.STABLE), ("WETH", "USDC"), months),
}
V36 = {
    "base threshold 0 in an e-mode": Structure(
        plan("sUSDe WETH", "USDT", 20_000, mode=2, enabled=("sUSDe",)), ("sUSDe", "USDT")
    ),
    "a grace period": Structure(plan("WETH", "USDC"), ("WETH", "USDC"), graced),
}
CASES = [(v, name, s) for v, some in (("3.0", BOTH | V30), ("3.6", BOTH | V36)) for name, s in some.items()]


@pytest.fixture(params=CASES, ids=lambda case: f"{case[0]}-{case[1]}")
def case(request: pytest.FixtureRequest, v30: AaveMarket, v36: AaveMarket) -> tuple[AaveMarket, Structure]:
    version, _, structure = request.param
    return (v30 if version == "3.0" else v36), structure


def test_the_pool_liquidates_exactly_from_the_price_that_we_find(case: tuple[AaveMarket, Structure]) -> None:
    async def run() -> Counter[tuple[bool, str]]:
        async with opened(*case) as scene:
            return await by_price(scene)

    assert enough(asyncio.run(run()))


def test_the_pool_liquidates_exactly_to_the_last_raw_unit_of_debt(case: tuple[AaveMarket, Structure]) -> None:
    async def run() -> Counter[tuple[bool, str]]:
        async with opened(*case) as scene:
            return await by_debt(scene)

    assert enough(asyncio.run(run()))


def test_a_sentinel_ends_exactly_at_its_own_line(aave: AaveMarket) -> None:
    async def run() -> list[str]:
        async with opened(aave, BOTH["a sentinel"]) as scene:
            token = aave.reserves["WETH"].token.address
            found = aim.answer_on_the_line(await scene.position(), token, 500 * 10**8, 2_000 * 10**8, WAD * 95 // 100)
            assert found is not None
            return [await sentinel_at(scene, token, answer) for answer in (found[0] - 1, *found, found[1] + 1)]

    assert asyncio.run(run()) == [DONE, DONE, *["PriceOracleSentinelCheckFailed"] * 2]


async def sentinel_at(scene: Scene, token: ChecksumAddress, answer: int) -> str:
    ours = await scene.at_price(token, answer)
    assert ours.liquidatable
    return foretold(ours)
