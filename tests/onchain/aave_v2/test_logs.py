"""Which logs of Aave V2 say whose holding has changed, and which that a rule has."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from tests.onchain.aave_scene import Scene, check_accounts, scene
from tests.onchain.aave_v2.play import opened, rebalanced
from watcher.adapter import Touch
from watcher.adapters import adapter
from watcher.chain.logs import logs
from watcher.localchain import aave_actions as do
from watcher.localchain import aave_v2_actions as v2_do
from watcher.localchain.aave_market import AaveMarket
from watcher.localchain.scenario import account, set_price
from watcher.model import PositionKey

Step = Callable[[Scene], Awaitable[object]]
ADAPTER = adapter("aave_v2")


async def seized(stage: Scene) -> None:
    """The third account takes a part of the first one's aTokens as they are."""
    await set_price(stage.local.reserves["WBTC"].feed, stage.local.reserves["WBTC"].asset.price * 35 // 100)
    await do.liquidate(stage.local, stage.actors[2], stage.actors[0], "WBTC", "USDC", 10**9, keep_receipt=True)


MOVES: dict[str, tuple[Step, tuple[int, ...]]] = {
    "supply": (lambda s: do.supply(s.local, s.actors[0], "LINK", 10**18), (0,)),
    "withdraw": (lambda s: do.withdraw(s.local, s.actors[0], "WETH", do.ALL), (0,)),
    "borrow": (lambda s: do.borrow(s.local, s.actors[0], "DAI", 10**18), (0,)),
    "repay": (lambda s: do.repay(s.local, s.actors[0], "USDC", do.ALL), (0,)),
    "repay stable debt": (lambda s: do.repay(s.local, s.actors[0], "DAI", 10**20, do.STABLE), (0,)),
    "swap to the stable rate": (lambda s: v2_do.swap_rate(s.local, s.actors[0], "USDC", do.VARIABLE), (0,)),
    "swap to the variable rate": (lambda s: v2_do.swap_rate(s.local, s.actors[0], "DAI", do.STABLE), (0,)),
    "a rebalanced stable rate": (rebalanced, (0,)),
    "receive aTokens": (lambda s: do.transfer_receipt(s.local, s.actors[0], s.actors[2], "WBTC", 10**5), (0, 2)),
    "switch collateral off": (lambda s: do.use_as_collateral(s.local, s.actors[0], "WETH", False), (0,)),
    "a liquidation": (seized, (0, 2)),
}


@pytest.mark.parametrize("name", MOVES)
def test_logs_name_every_account_whose_holding_has_changed(v2_eth: AaveMarket, name: str) -> None:
    step, expected = MOVES[name]

    async def run() -> tuple[set[PositionKey], set[PositionKey], tuple[PositionKey, ...]]:
        async with scene(v2_eth, 3, funded=False) as stage:
            await opened(stage)
            terms = await stage.terms()
            _, before = await stage.world(terms)
            start = (await stage.reader.head()).number
            await step(stage)
            _, after = await stage.world(terms)
            last = (await stage.reader.head()).number
            named: set[PositionKey] = set()
            async for _, rows in logs(stage.w3, ADAPTER.moves(terms), start + 1, last):
                for _, moved in rows:
                    assert not isinstance(moved, Touch)
                    named |= moved
            changed = {key for key in before if before[key] != after[key]}
            await check_accounts(stage, terms)
            return named, changed, tuple(stage.key(who) for who in stage.actors)

    named, changed, keys = asyncio.run(run())
    assert changed == {keys[place] for place in expected}
    assert changed <= named


async def priced_elsewhere(stage: Scene) -> None:
    token = stage.local.reserves["LINK"].token.address
    await stage.local.oracle.send("setAssetSources", [token], [stage.local.reserves["EURS"].feed.address])


RULES: dict[str, Step] = {
    "a threshold": lambda s: do.set_thresholds(s.local, "WETH", 7_000, 7_500, 10_600),
    "a pause": lambda s: v2_do.pause(s.local, True),
    "a freeze": lambda s: v2_do.freeze(s.local, "WETH", True),
    "a source": priced_elsewhere,
    "a fallback oracle": lambda s: s.local.oracle.send("setFallbackOracle", account("nobody")),
}


@pytest.mark.parametrize("name", RULES)
def test_known_terms_end_when_a_rule_changes_and_not_before(v2_eth: AaveMarket, name: str) -> None:
    async def run() -> tuple[bool, bool, list[object], bool]:
        async with scene(v2_eth, 2, funded=False) as stage:
            terms = await stage.terms()
            await opened(stage)
            held = await stage.reader.run(ADAPTER.fresh(terms), await stage.reader.head())
            start = (await stage.reader.head()).number
            await RULES[name](stage)
            head = await stage.reader.head()
            kept = await stage.reader.run(ADAPTER.fresh(terms), head)
            said: list[object] = []
            async for _, rows in logs(stage.w3, ADAPTER.moves(terms), start + 1, head.number):
                said += [moved for _, moved in rows]
            assert ADAPTER.governance is not None
            after = ADAPTER.governance.settings(await stage.terms())
            (asked,) = ADAPTER.governance.changes(terms)
            changes = [
                change
                async for _, rows in logs(stage.w3, asked, start + 1, head.number)
                for _, some in rows
                for change in some
            ]
            return held, kept, said, bool(changes) and all(change.setting in after for change in changes)

    held, kept, said, told = asyncio.run(run())
    assert (held, kept, told) == (True, False, True)
    assert Touch.TERMS in said
