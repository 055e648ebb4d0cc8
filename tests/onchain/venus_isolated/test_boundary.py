"""One unit of the oracle, or one raw unit of debt, on either side of a line: the real entry points succeed exactly when we say so."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import replace
from functools import partial

import pytest

from tests.onchain.venus_isolated.scene import ADA, BOB, Scene, View
from tests.onchain.venus_isolated.truth import PAYER, Verdict
from watcher.adapter import Acted, Liquidation, Refusal, Repay, Which
from watcher.adapters.venus_isolated import ADAPTER
from watcher.adapters.venus_isolated.facts import Quote
from watcher.adapters.venus_isolated.paths import whole
from watcher.localchain.scenario import set_price
from watcher.localchain.venus_isolated import VenusIsolated, VenusPool
from watcher.localchain.venus_isolated_plans import POOLS as POOLS_PLANNED
from watcher.model import Moment
from watcher.units import WAD, Raw

POOLS = ("defi-friends", "stablecoins")
FEED = 10**8  # one dollar of a feed
HEALTHY = frozenset({"InsufficientShortfall"})
SMALL = frozenset({"MinimalCollateralViolated"})
NOT_WHOLE = frozenset({"CollateralExceedsThreshold", "InsufficientShortfall", "InsufficientCollateral"})


def priced(view: View, quote: Quote, symbol: str, answer: int) -> Quote:
    """The quote if that feed answered so: the oracle shifts eight digits to 36 less the token's."""
    place = next(i for i, one in enumerate(view.terms.vtokens) if one.token.symbol == symbol)
    token = view.terms.vtokens[place].token
    return ADAPTER.reprice(view.terms, quote, {token.address: answer * 10 ** (36 - token.decimals - 8)})


def turning(view: View, symbol: str, crossed: Callable[[Quote], bool]) -> int:
    """The smallest answer of a feed at which, in a block with the same time that comes next, the line is not crossed yet."""
    quote = view.accrued(at=Moment(view.block.number + 1, view.block.timestamp))
    low, high = 1, 10**14
    while high - low > 1:
        middle = (low + high) // 2
        if crossed(priced(view, quote, symbol, middle)):
            low = middle
        else:
            high = middle
    return high


def told(pool: VenusPool, view: View, quote: Quote, who: str, pair: tuple[str, str]) -> Liquidation | Refusal:
    debt, collateral = (pool.markets[symbol].token.address for symbol in pair)
    return ADAPTER.liquidation(view.terms, quote, view.holdings[who], debt, collateral)


async def assert_pairs(scene: Scene, pool: VenusPool, slug: str, who: str) -> dict[tuple[str, str], bool]:
    """Every pair, simulated with the amount that we tell and with one unit more; and a single unit where we refuse."""
    view = await scene.view(slug, (who,))
    found = {}
    legs = view.value(who).legs
    for debt in (leg for leg in legs if leg.side == "debt"):
        for collateral in (leg for leg in legs if leg.side == "collateral"):
            pair = debt.token.symbol, collateral.token.symbol
            done = told(pool, view, view.accrued(), who, pair)
            block = view.block.number
            if isinstance(done, Liquidation):
                assert await scene.truth.pair(pool, who, *pair, done.repay, block) == Verdict(True, "")
                more = await scene.truth.pair(pool, who, *pair, done.repay + 1, block)
                assert more.reason in ("TooMuchRepay", "LIQUIDATE_SEIZE_TOO_MUCH"), more
            else:
                tried = await scene.truth.pair(pool, who, *pair, 1, block)
                assert tried.reason in HEALTHY | SMALL, (pair, tried, done)
            found[pair] = isinstance(done, Liquidation)
    return found


@pytest.mark.parametrize("slug", POOLS)
def test_one_unit_of_the_oracle_decides_over_every_pair(world: VenusIsolated, slug: str) -> None:
    async def played() -> None:
        scene, pool = await Scene.open(world), world.pools[slug]
        try:
            collateral = {"WETH": 10 * 10**18, "USDC": 2_000 * 10**6}
            await scene.open_position(pool, ADA, collateral, {"USDC": 9_000 * 10**6, "WETH": 2 * 10**18})
            await world.chain.advance(20 * 86_400)
            await world.chain.mine(300)
            block = await scene.reader.head()
            await world.chain.next_timestamp(block.timestamp + 60)
            await set_price(pool.markets["WETH"].feed, 1_700 * FEED)
            view = await scene.view(slug, (ADA,))
            pair = "USDC", "WETH"
            line = turning(view, "WETH", lambda quote: isinstance(told(pool, view, quote, ADA, pair), Liquidation))
            seen = set()
            for off in (-1, 0, 1):
                snapshot = await world.chain.snapshot()
                await world.chain.next_timestamp(view.block.timestamp)  # the same tick: only the price moves
                await set_price(pool.markets["WETH"].feed, line + off)
                found = await assert_pairs(scene, pool, slug, ADA)
                seen.add(found[pair])
                await world.chain.revert(snapshot)
            assert seen == {True, False}
        finally:
            await scene.close()

    asyncio.run(played())


@pytest.mark.parametrize("slug", POOLS)
def test_one_raw_unit_of_debt_decides(world: VenusIsolated, slug: str) -> None:
    async def played() -> None:
        scene, pool = await Scene.open(world), world.pools[slug]
        try:
            await scene.open_position(pool, ADA, {"WETH": 10 * 10**18}, {"USDC": 9_000 * 10**6})
            await world.chain.advance(20 * 86_400)
            pair = "USDC", "WETH"
            view = await scene.view(slug, (ADA,))
            line = turning(view, "WETH", lambda quote: isinstance(told(pool, view, quote, ADA, pair), Liquidation))
            await world.chain.next_timestamp(view.block.timestamp)
            await set_price(pool.markets["WETH"].feed, line - 10**6)
            view = await scene.view(slug, (ADA,))
            least = repayment(view, pool, ADA, pair)
            for amount, open_ in ((least - 1, True), (least, False)):
                snapshot = await world.chain.snapshot()
                await world.chain.next_timestamp(view.block.timestamp)
                usdc = pool.markets["USDC"].vtoken
                await usdc.send("repayBorrowBehalf", ADA, amount, sender=PAYER)
                assert (await assert_pairs(scene, pool, slug, ADA))[pair] is open_
                await world.chain.revert(snapshot)
        finally:
            await scene.close()

    asyncio.run(played())


def repayment(view: View, pool: VenusPool, who: str, pair: tuple[str, str]) -> int:
    """The least that, repaid in the next block, leaves nothing to liquidate."""
    token = pool.markets[pair[0]].token.address
    quote = view.accrued(at=Moment(view.block.number + 1, view.block.timestamp))
    low, high = 0, 10**12
    while high - low > 1:
        middle = (low + high) // 2
        acted = ADAPTER.act(view.terms, quote, view.holdings[who], Repay(token, Raw(middle)))
        assert isinstance(acted, Acted)
        after = replace(view, holdings={who: acted.holding})
        if isinstance(told(pool, after, acted.quote, who, pair), Liquidation):
            low = middle
        else:
            high = middle
    return high


async def assert_whole(scene: Scene, pool: VenusPool, slug: str, who: str) -> frozenset[str]:
    """Which paths we tell, after every entry point was tried: those that we tell succeed, and no other."""
    view = await scene.view(slug, (who,))
    block, held = view.block.number, view.holdings[who]
    said = whole(view.terms, view.accrued(), held)
    ways = {way.path: way for way in said} if not isinstance(said, Refusal) else {}
    vtokens = {market.token.address: market.vtoken.address for market in pool.markets.values()}
    legs = view.value(who).legs
    orders = []
    if "liquidateAccount" in ways:
        orders = [(vtokens[c], vtokens[d], int(amount)) for d, c, amount in ways["liquidateAccount"].orders]
    else:
        debt, collateral = (next(leg for leg in legs if leg.side == side) for side in ("debt", "collateral"))
        orders = [(vtokens[collateral.token.address], vtokens[debt.token.address], debt.amount)]
    tried = await scene.truth.account(pool, who, orders, block)
    assert tried.done is ("liquidateAccount" in ways), (ways, tried)
    assert tried.done or tried.reason in NOT_WHOLE | {"LIQUIDATE_SEIZE_TOO_MUCH"}, tried
    healed = await scene.truth.heal(pool, who, block)
    assert healed.done is ("healAccount" in ways), (ways, healed)
    assert healed.done or healed.reason in NOT_WHOLE, healed
    await assert_pairs(scene, pool, slug, who)
    return frozenset(ways)


@pytest.mark.parametrize("slug", POOLS)
def test_the_minimum_the_shortfall_and_the_incentive_decide_which_path_there_is(
    world: VenusIsolated, slug: str
) -> None:
    """Falling, an account of 120 % of the minimum is safe, then liquidated pair by pair or whole, then healed."""

    async def played() -> None:
        scene, pool = await Scene.open(world), world.pools[slug]
        try:
            dollars = next(plan.minimum for plan in POOLS_PLANNED if plan.slug == slug)
            weth, usdc = dollars * 10**18 * 12 // 20_000, dollars * 10**6
            await scene.open_position(pool, ADA, {"WETH": weth}, {"USDC": usdc * 80 // 100})
            await scene.open_position(pool, BOB, {"WETH": weth, "USDC": 7 * 10**6}, {"USDC": usdc * 74 // 100})
            await world.chain.advance(5 * 86_400)
            await world.chain.mine(50)
            paths: set[frozenset[str]] = set()
            for who in (ADA, BOB):
                view = await scene.view(slug, (who,))
                for crossed in (small, short, poor):
                    line = turning(view, "WETH", partial(crossed, view, who))
                    for off in (-1, 0, 1):
                        snapshot = await world.chain.snapshot()
                        await world.chain.next_timestamp(view.block.timestamp)
                        await set_price(pool.markets["WETH"].feed, line + off)
                        paths.add(await assert_whole(scene, pool, slug, who))
                        await world.chain.revert(snapshot)
            assert {frozenset(), frozenset({"liquidateAccount"}), frozenset({"healAccount"})} <= paths
        finally:
            await scene.close()

    asyncio.run(played())


def small(view: View, who: str, quote: Quote) -> bool:
    return ADAPTER.value(view.terms, quote, view.holdings[who]).collateral <= view.terms.minimum


def short(view: View, who: str, quote: Quote) -> bool:
    return ADAPTER.value(view.terms, quote, view.holdings[who]).liquidatable


def poor(view: View, who: str, quote: Quote) -> bool:
    """The collateral does not cover the debt with the incentive, by stored books as `liquidateAccount` judges."""
    stale = ADAPTER.accrue(view.terms, quote, quote.moment, Which.NONE)
    seen = ADAPTER.value(view.terms, stale, view.holdings[who])
    return view.terms.incentive * seen.debt // WAD >= seen.collateral
