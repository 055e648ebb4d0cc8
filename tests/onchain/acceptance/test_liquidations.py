"""The largest liquidation of every pair of every account that can be liquidated is what the real one does, unit by unit.

Each is sent as a transaction and undone. Events tell the repayment, the fee and the deficit; the liquidator's balances what was paid and
received.
"""

from __future__ import annotations

import asyncio
import random
import sys
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from tests.onchain.aave_liquidation import said
from tests.onchain.aave_scene import Scene, scene
from tests.onchain.acceptance import aim, crowd
from tests.onchain.acceptance.crowd import LIQUIDATOR, WEALTH, Plan
from tests.onchain.acceptance.ours import owner, product, valued
from watcher.adapter import Liquidation
from watcher.cycle import MarketCycle, Row
from watcher.errors import CallReverted
from watcher.localchain.aave_market import AaveMarket, Reserve
from watcher.localchain.scenario import account
from watcher.model import Moment, Side, Valuation
from watcher.units import MAX

CRASHES = (  # prices in percent of the listed ones
    {"WETH": 94, "WBTC": 92, "LINK": 92, "wstETH": 91, "AAVE": 84, "USDC": 98},
    {"WETH": 88, "WBTC": 86, "LINK": 86, "wstETH": 87, "AAVE": 78, "USDC": 99},
    {"WETH": 62, "WBTC": 60, "LINK": 55, "wstETH": 60, "AAVE": 50, "USDC": 103},
)
ACCOUNTS = 80
DUST = "MustNotLeaveDust"
LEAST = {
    "3.0": {"half": 5, "whole debt": 5, "whole collateral": 5, "bad debt": 5},
    "3.6": {"half": 5, "whole debt": 5, "bad debt": 5, "whole collateral": 5, "no dust left": 5},
}


@dataclass(frozen=True, slots=True)
class Attempt:
    """One pair of one account at a moment of the next block."""

    stage: Scene
    row: Row
    at: Moment
    debt: Reserve
    collateral: Reserve

    async def sent(self, amount: int) -> tuple[int, int, int, int]:
        """(repaid, received, fee, deficit) by the logs, which the liquidator's balances confirm. It never was afterwards."""
        chain, pool, who = self.stage.local.chain, self.stage.local.pool, owner(self.row)
        tokens = self.collateral.token, self.debt.token
        before = await chain.snapshot()
        try:
            await chain.next_timestamp(self.at.timestamp)
            args = (*(token.address for token in tokens), who, amount, False)
            receipt = await pool.send("liquidationCall", *args, sender=LIQUIDATOR)
            repaid, received, fee, deficit = said(self.stage, receipt, who)
            got, left = [await token.call("balanceOf", LIQUIDATOR) for token in tokens]
        finally:
            await chain.revert(before)
        net = received - repaid if self.debt is self.collateral else None
        assert got - WEALTH * 10**self.collateral.decimals == (received if net is None else net)
        assert left - WEALTH * 10**self.debt.decimals == (-repaid if net is None else net)
        return repaid, received, fee, deficit or 0


def test_every_liquidation_takes_what_ours_says(aave: AaveMarket, capsys: pytest.CaptureFixture[str]) -> None:
    met = asyncio.run(crashed(aave))
    with capsys.disabled():
        sys.stdout.write(f"\nAave V{aave.version}, liquidations: {dict(met)}\n")
    assert {name: met[name] for name, least in LEAST[aave.version].items() if met[name] < least} == {}


async def crashed(local: AaveMarket) -> Counter[str]:
    """Three crashes: accounts close to the line, farther from it, and far below."""
    met: Counter[str] = Counter()
    dice = random.Random(7)
    small = [Plan(account(f"small {n}"), 2_600 + 100 * n, ("WETH", "WBTC"), ("USDC",), 9_990) for n in range(5)]
    plans = [*crowd.plans(local, dice)[:ACCOUNTS], *small]
    await crowd.prepare(local)
    await crowd.enter(local, plans)
    async with product(local) as ours, scene(local, 0) as stage:
        for prices in CRASHES:
            await local.chain.advance(20 * 86_400)
            for symbol, percent in prices.items():
                reserve = local.reserves[symbol]
                await reserve.feed.send("set", reserve.asset.price * percent // 100)
            seen = await ours.cycle([plan.who for plan in plans])
            for row in seen.rows:
                at = Moment(seen.block.number + 1, seen.block.timestamp + dice.choice((0, 1, 3_600)))
                for debt, collateral in pairs(local, row):
                    met[await liquidated(seen, Attempt(stage, row, at, debt, collateral))] += 1
    return met


def pairs(local: AaveMarket, row: Row) -> Iterator[tuple[Reserve, Reserve]]:
    """Every debt with every collateral of an account that can be liquidated."""
    legs = valued(row).legs if valued(row).liquidatable else ()
    for debt in legs:
        for held in legs:
            if (debt.side, held.side) == (Side.DEBT, Side.COLLATERAL):
                yield local.by_address(debt.token.address), local.by_address(held.token.address)


async def liquidated(seen: MarketCycle, tried: Attempt) -> str:
    """Our amounts against the transaction's, and what they come to."""
    position = aim.ahead(seen, tried.row, tried.at)
    tokens = tried.debt.token.address, tried.collateral.token.address
    ours = position.adapter.liquidation(position.terms, position.quote, position.holding, *tokens)
    try:
        done, ended = await tried.sent(MAX), ""
    except CallReverted as reverted:
        reason = tried.stage.refused(reverted.data)
        if not isinstance(ours, Liquidation):
            assert reason == ours.reason
            return f"refused: {reason}"
        assert reason == DUST
        with pytest.raises(CallReverted):
            await tried.sent(ours.repay + 1)
        done, ended = await tried.sent(ours.repay), "no dust left"
    assert isinstance(ours, Liquidation)
    assert ours.blocked is None
    repaid, received, fee, deficit = done
    assert (repaid, received + fee, fee) == (ours.repay, ours.seize, ours.fee)
    if tried.stage.local.version == "3.6":
        assert deficit == ours.deficit
    return ended or outcome(position.value(), ours)


def outcome(worth: Valuation, ours: Liquidation) -> str:
    amounts = {(leg.token.address, leg.side): leg.amount for leg in worth.legs}
    if ours.deficit:
        return "bad debt"
    if ours.repay == amounts[ours.debt.address, Side.DEBT]:
        return "whole debt"
    if ours.seize == amounts[ours.collateral.address, Side.COLLATERAL]:
        return "whole collateral"
    return "half"
