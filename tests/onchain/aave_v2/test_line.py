"""The boundary proof for Aave V2: on the line, one unit above it and one below, `liquidationCall` goes through exactly when we say so."""

from __future__ import annotations

import asyncio
from collections import Counter

import pytest

from tests.onchain.aave_v2.conftest import Pools
from tests.onchain.acceptance.line import Structure, by_debt, by_price, enough, months, opened, plan
from watcher.localchain import aave_actions as do
from watcher.localchain.aave_market import AaveMarket

STRUCTURES = {
    "a single pair": Structure(plan("WBTC", "USDC"), ("WBTC", "USDC")),
    "ether and its own base": Structure(plan("WETH", "USDC"), ("WETH", "USDC")),
    "after months of interest": Structure(plan("WBTC", "DAI", dollars=30_000_000), ("WBTC", "DAI"), months),
    "two collaterals": Structure(plan("LINK WBTC", "USDC"), ("WBTC", "USDC")),
    "two debts": Structure(plan("WBTC", "USDC DAI"), ("WBTC", "DAI")),
    "the same asset on both sides": Structure(plan("USDC WBTC", "USDC LINK"), ("WBTC", "USDC")),
    "two decimals": Structure(plan("EURS", "USDC"), ("EURS", "USDC")),
    "dust": Structure(plan("LINK", "USDC", dollars=0.02), ("LINK", "USDC")),
    "stable debt": Structure(plan("WBTC", "USDC", 9_000, rate_mode=do.STABLE), ("WBTC", "USDC"), months),
}
IN_USD = ("a single pair", "two decimals", "stable debt")
CASES = [*(("eth", name) for name in STRUCTURES), *(("usd", name) for name in IN_USD)]


@pytest.fixture(params=CASES, ids=lambda case: f"{case[0]}-{case[1]}")
def case(request: pytest.FixtureRequest, still: Pools) -> tuple[AaveMarket, Structure]:
    base, name = request.param
    return (still.eth if base == "eth" else still.usd), STRUCTURES[name]


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
