"""The boundary proof: on the line, one unit above it and one below, the pool liquidates exactly when we say that it would.

One unit is one of the oracle's answer and, separately, one raw unit of debt. What the pool refuses it must refuse by its own health
error, or by its pause, grace or sentinel; any other revert fails. The prices are those that our search for a liquidation price finds.
"""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import pytest
from eth_typing import ChecksumAddress
from web3 import AsyncHTTPProvider, AsyncWeb3

from tests.onchain.acceptance import aim, crowd
from tests.onchain.acceptance.crowd import PAYER, Plan
from tests.onchain.acceptance.verdict import DONE, Verdict, foretold
from watcher.adapter import Acted, Liquidation, Position, Repay, Which
from watcher.adapters.aave_v3 import ADAPTER
from watcher.adapters.aave_v3.facts import Holding, Quote, Terms
from watcher.chain.reader import Reader
from watcher.health.liquidation_price import liquidation_prices
from watcher.localchain import aave_actions as do
from watcher.localchain.aave_market import AaveMarket
from watcher.localchain.scenario import account, set_sequencer
from watcher.model import PositionKey, Side, Valuation
from watcher.units import MAX, WAD, Raw

WHO = account("on the line")


@dataclass(frozen=True, slots=True)
class Structure:
    """A position, the pair that is liquidated, and what happens to the pool after it was opened."""

    plan: Plan
    pair: tuple[str, str]  # collateral, debt
    then: Callable[[AaveMarket], Awaitable[object]] | None = None


def plan(collaterals: str, debts: str, use: int = 9_990, **more: Any) -> Plan:
    return Plan(WHO, more.pop("dollars", 20_000), tuple(collaterals.split()), tuple(debts.split()), use, **more)


async def paused(local: AaveMarket) -> None:
    await do.pause(local, "WETH", True)


async def graced(local: AaveMarket) -> None:
    await do.pause(local, "USDC", True)
    await do.pause(local, "USDC", False, 3_600)


async def down(local: AaveMarket) -> None:
    sequencer = await do.install_sentinel(local, 3_600)
    await set_sequencer(sequencer, up=False, since=await local.chain.timestamp())


async def months(local: AaveMarket) -> None:
    await local.chain.advance(200 * 86_400)


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


@dataclass
class Scene:
    """One position at a time that stands still: every block of a test has the timestamp of the first."""

    local: AaveMarket
    reader: Reader
    verdict: Verdict
    structure: Structure
    terms: Terms
    now: int
    seen: Counter[tuple[bool, str]]

    async def position(self) -> Position[Terms, Quote, Holding]:
        """As it is at the newest block."""
        block = await self.reader.head()
        assert block.timestamp == self.now
        key = PositionKey(self.terms.market.name, bytes.fromhex(WHO[2:]))
        quote = await self.reader.run(ADAPTER.quote(self.terms), block)
        holdings = await self.reader.run(ADAPTER.holdings(self.terms, [key]), block)
        return Position(ADAPTER, self.terms, ADAPTER.accrue(self.terms, quote, block, Which.ALL), holdings[key])

    async def agrees(self) -> Valuation:
        """The pool's verdict at the newest block is the one that our valuation says."""
        position = await self.position()
        ours = position.value()
        said = await self.verdict.of(WHO, *self.structure.pair, self._most(position))
        assert said == foretold(ours), ours
        self.seen[ours.liquidatable, said] += 1
        return ours

    def _most(self, position: Position[Terms, Quote, Holding]) -> int:
        """What we say may be repaid; everything would leave dust sometimes, which 3.6 refuses. Everything where nothing may."""
        collateral, debt = (self.local.reserves[symbol].token.address for symbol in self.structure.pair)
        largest = ADAPTER.liquidation(position.terms, position.quote, position.holding, debt, collateral)
        return largest.repay if isinstance(largest, Liquidation) else MAX

    async def at_price(self, asset: ChecksumAddress, answer: int) -> Valuation:
        """With that answer of the oracle, checked against the pool."""
        feed, _, _ = aim.feeds(self.local)[asset]
        await self.local.chain.next_timestamp(self.now)
        await feed.send("set", answer)
        return await self.agrees()


@asynccontextmanager
async def opened(local: AaveMarket, structure: Structure) -> AsyncIterator[Scene]:
    await crowd.prepare(local)
    await crowd.enter(local, [structure.plan])
    if structure.then is not None:
        await structure.then(local)
    w3 = AsyncWeb3(AsyncHTTPProvider(local.chain.url))
    verdict = Verdict(local)
    try:
        reader = Reader(w3)
        block = await reader.head()
        terms = await reader.run(ADAPTER.terms(local.market()), block)
        yield Scene(local, reader, verdict, structure, terms, block.timestamp, Counter())
    finally:
        await verdict.close()
        await w3.provider.disconnect()


@pytest.fixture(params=CASES, ids=lambda case: f"{case[0]}-{case[1]}")
def case(request: pytest.FixtureRequest, v30: AaveMarket, v36: AaveMarket) -> tuple[AaveMarket, Structure]:
    version, _, structure = request.param
    return (v30 if version == "3.0" else v36), structure


def test_the_pool_liquidates_exactly_from_the_price_that_we_find(case: tuple[AaveMarket, Structure]) -> None:
    local, structure = case

    async def run() -> Counter[tuple[bool, str]]:
        async with opened(local, structure) as scene:
            for found in liquidation_prices(await scene.position()):
                if found.answer is None:
                    continue
                token, present = found.price.token.address, found.price.answer
                assert present is not None
                away = 1 if found.answer > present else -1
                assert (await scene.at_price(token, found.answer)).liquidatable
                assert not (await scene.at_price(token, found.answer - away)).liquidatable
                await scene.at_price(token, found.answer - 2 * away)
                await scene.at_price(token, found.answer + away)
                await scene.at_price(token, present)
            return scene.seen

    assert enough(asyncio.run(run()))


def test_the_pool_liquidates_exactly_to_the_last_raw_unit_of_debt(case: tuple[AaveMarket, Structure]) -> None:
    local, structure = case

    async def run() -> Counter[tuple[bool, str]]:
        async with opened(local, structure) as scene:
            await fall(scene, random.Random(1))
            for leg in (await scene.position()).value().legs:
                if leg.side is Side.DEBT:
                    await repaid_to_the_line(scene, leg.token.address, leg.amount)
            return scene.seen

    assert enough(asyncio.run(run()))


def enough(seen: Counter[tuple[bool, str]]) -> bool:
    """Both sides of the line were there, and without an obstacle both verdicts."""
    sides = [sum(n for (ripe, _), n in seen.items() if ripe is side) for side in (True, False)]
    said = {word for _, word in seen}
    return min(sides) >= 2 and (len(said) == 1 or DONE in said)


async def fall(scene: Scene, dice: random.Random) -> None:
    """A price somewhat beyond the one at which the position can be liquidated."""
    found = [one for one in liquidation_prices(await scene.position()) if one.answer is not None]
    chosen = dice.choice(found)
    assert chosen.answer is not None
    assert chosen.price.answer is not None
    beyond = 998 if chosen.answer < chosen.price.answer else 1_002
    assert (await scene.at_price(chosen.price.token.address, chosen.answer * beyond // 1_000)).liquidatable


async def repaid_to_the_line(scene: Scene, token: ChecksumAddress, owed: int) -> None:
    """The smallest repayment that ends the danger, and its neighbours, as transactions that are undone."""
    position = await scene.position()

    def ripe(amount: int) -> bool:
        after = ADAPTER.act(position.terms, position.quote, position.holding, Repay(token, Raw(amount)))
        assert isinstance(after, Acted)
        return ADAPTER.value(position.terms, after.quote, after.holding).liquidatable

    low, high = 2, owed - 1  # one unit is less than one scaled unit, where there was interest: 3.6 refuses it
    if not ripe(low) or ripe(high):
        return
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if ripe(middle) else (low, middle)
    mode = do.STABLE if scene.structure.plan.rate_mode == do.STABLE else do.VARIABLE
    for amount in (low - 1, low, high, high + 1):
        if amount == 0:
            continue
        before = await scene.local.chain.snapshot()
        await scene.local.chain.next_timestamp(scene.now)
        await scene.local.pool.send("repay", token, amount, mode, WHO, sender=PAYER)
        ours = await scene.agrees()
        assert ours.liquidatable == ripe(amount)
        await scene.local.chain.revert(before)


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
