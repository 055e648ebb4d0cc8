"""A seeded play: what everybody does comes out as `act` foretells it, and what they then have is what the pool says, at every block."""

from __future__ import annotations

import asyncio
from random import Random

import pytest

from tests.onchain.venus_isolated.scene import ADA, BOB, CYD, Scene, View
from watcher.adapter import Acted, Borrow, Refusal, Repay, Supply, Which, Withdraw
from watcher.adapters.venus_isolated.act import act
from watcher.errors import CallReverted
from watcher.health.audit import compare
from watcher.localchain import venus_isolated_actions as do
from watcher.localchain.scenario import fund, set_price
from watcher.localchain.venus_isolated import VenusIsolated, VenusPool
from watcher.localchain.venus_isolated_plans import DECIMALS
from watcher.model import Moment
from watcher.units import MAX, Raw

WHO = (ADA, BOB, CYD)
STEPS = 16
DOLLARS = {"WETH": 2_000, "WBTC": 60_000, "USDC": 1, "EURS": 1, "DAI": 1}
SENT = {Supply: "mint", Withdraw: "redeemUnderlying", Borrow: "borrow", Repay: "repayBorrow"}


async def send(pool: VenusPool, who: str, symbol: str, action: Supply | Withdraw | Borrow | Repay) -> bool:
    """Whether the vToken took it."""
    vtoken = pool.markets[symbol].vtoken
    try:
        await vtoken.send(SENT[type(action)], action.amount, sender=who)
    except CallReverted:
        return False
    return True


def chosen(random: Random, pool: VenusPool, view: View, who: str) -> tuple[str, Supply | Withdraw | Borrow | Repay]:
    """Anything, in an amount of any size, often too large; or all that is owed or held."""
    symbol = random.choice(list(pool.markets))
    token = pool.markets[symbol].token.address
    amount = Raw(random.randrange(1, 40_000) * 10 ** DECIMALS[symbol] // DOLLARS[symbol] + random.randrange(10**3))
    kind = random.choice((Supply, Supply, Withdraw, Borrow, Borrow, Repay))
    if kind is Repay and random.random() < 0.4:
        return symbol, Repay(token, Raw(MAX))
    return symbol, kind(token, amount)


async def assert_all(scene: Scene, pool: VenusPool, view: View) -> None:
    reported = await scene.reported(view)
    for who in view.holdings:
        stale, fresh = view.value(who, Which.NONE), view.value(who)
        assert compare(stale, reported[stale.key]) == ()
        line = await scene.truth.line(pool, who, view.block.number)
        assert (stale.liquidity, stale.shortfall, stale.available) == line
        told = await scene.truth.accrued(pool, who, tuple(pool.markets), view.block.number)
        assert (fresh.liquidity, fresh.shortfall, fresh.available) == told


@pytest.mark.parametrize("slug", ["defi-friends", "stablecoins"])
def test_whatever_is_done_comes_out_as_foretold(world: VenusIsolated, slug: str) -> None:
    async def played() -> None:
        scene, pool = await Scene.open(world), world.pools[slug]
        random, outcomes = Random(slug), {"taken": 0, "refused": 0}
        try:
            for who in WHO:
                await do.supply(pool.markets["WETH"], who, 5 * 10**18)
                await do.enter(pool, who, [symbol for symbol in pool.markets if random.random() < 0.7] + ["WETH"])
                for market in pool.markets.values():
                    await fund(market.token, who, 10**30, market.vtoken.address)
            for _ in range(STEPS):
                who = random.choice(WHO)
                if random.random() < 0.2:
                    await set_price(pool.markets["WETH"].feed, random.randrange(1_500, 2_500) * 10**8 + 7)
                await world.chain.mine(random.randrange(1, 4))
                view = await scene.view(slug, (who,))
                await assert_all(scene, pool, view)
                at = Moment(view.block.number + 1, view.block.timestamp + random.randrange(1, 100_000))
                symbol, action = chosen(random, pool, view, who)
                foretold = act(view.terms, view.accrued(at=at), view.holdings[who], action)
                await world.chain.next_timestamp(at.timestamp)
                taken = await send(pool, who, symbol, action)
                assert taken is isinstance(foretold, Acted), (symbol, action, foretold)
                outcomes["taken" if taken else "refused"] += 1
                if isinstance(foretold, Acted):
                    after = await scene.view(slug, (who,))
                    assert after.holdings[who] == foretold.holding
                    place = after.terms.place(action.token)
                    left, now = foretold.quote.states[place], after.quote.states[place]
                    assert left == now
                else:
                    assert isinstance(foretold, Refusal) and foretold.reason
            assert min(outcomes.values()) >= STEPS // 8, outcomes
        finally:
            await scene.close()

    asyncio.run(played())
