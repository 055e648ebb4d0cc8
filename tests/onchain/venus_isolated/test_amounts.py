"""Liquidations that happen take, give and write off what we say, to the last unit; and what is paused or forced is so on the chain."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

import pytest

from tests.onchain.venus_isolated.scene import ADA, BOB, Scene, View
from tests.onchain.venus_isolated.truth import PAYER
from watcher.adapter import Liquidation, Refusal, Which
from watcher.adapters.venus_isolated import ADAPTER
from watcher.adapters.venus_isolated.accrual import exchange_rate
from watcher.adapters.venus_isolated.facts import Deed
from watcher.adapters.venus_isolated.paths import whole
from watcher.localchain import venus_isolated_actions as do
from watcher.localchain.scenario import set_price
from watcher.localchain.venus_isolated import VenusIsolated, VenusPool
from watcher.model import Blocked, Moment, Side

POOLS = ("defi-friends", "stablecoins")
FEED = 10**8


@dataclass(frozen=True, slots=True)
class Purse:
    """What the chain says of one asset: the payer's tokens and vTokens, the account's vTokens and debt, the protocol's, and bad debt."""

    paid: int
    given: int
    held: int
    owed: int
    fees: int
    bad: int


async def purse(world: VenusIsolated, pool: VenusPool, who: str, symbol: str) -> Purse:
    market = pool.markets[symbol]
    tokens, vtokens = market.token, market.vtoken
    return Purse(
        await tokens.call("balanceOf", PAYER),
        await vtokens.call("balanceOf", PAYER),
        await vtokens.call("balanceOf", who),
        await vtokens.call("borrowBalanceStored", who),
        await tokens.call("balanceOf", world.reserve.address),
        await vtokens.call("badDebt"),
    )


def next_block(view: View) -> Moment:
    return Moment(view.block.number + 1, view.block.timestamp + 12)


@pytest.mark.parametrize("slug", POOLS)
@pytest.mark.parametrize("pair", [("USDC", "WETH"), ("USDC", "USDC")])
def test_a_pair_is_liquidated_by_what_we_say(world: VenusIsolated, slug: str, pair: tuple[str, str]) -> None:
    async def played() -> None:
        scene, pool = await Scene.open(world), world.pools[slug]
        try:
            debt, collateral = pair
            collaterals = {"WETH": 10 * 10**18, "USDC": 4_000 * 10**6}
            await scene.open_position(pool, ADA, collaterals, {"USDC": 12_000 * 10**6})
            await do.touch(pool.markets["WETH"])
            await world.chain.advance(20 * 86_400)
            await set_price(pool.markets["WETH"].feed, 1_050 * FEED)
            view = await scene.view(slug, (ADA,))
            at = next_block(view)
            tokens = (pool.markets[symbol].token.address for symbol in pair)
            said = ADAPTER.liquidation(view.terms, view.accrued(at=at), view.holdings[ADA], *tokens)
            assert isinstance(said, Liquidation)
            paid, taken = await purse(world, pool, ADA, debt), await purse(world, pool, ADA, collateral)
            await world.chain.next_timestamp(at.timestamp)
            vtoken = pool.markets[collateral].vtoken
            await pool.markets[debt].vtoken.send("liquidateBorrow", ADA, said.repay, vtoken.address, sender=PAYER)
            left, now = await purse(world, pool, ADA, debt), await purse(world, pool, ADA, collateral)
            assert paid.paid - left.paid == said.repay
            assert (taken.held - now.held) * rate_of(pool, view, collateral, at) // 10**18 == said.seize
            assert now.fees - taken.fees == said.fee + swept(pool, view, collateral, at)
            got = dollars(pool, view, collateral, at, now.given - taken.given)
            owing = await world.oracle.call("getUnderlyingPrice", pool.markets[debt].vtoken.address)
            assert got - said.repay * owing // 10**18 == said.bonus
        finally:
            await scene.close()

    asyncio.run(played())


def rate_of(pool: VenusPool, view: View, symbol: str, at: Moment) -> int:
    """Before the seizure, which leaves a rounding behind."""
    place = view.terms.place(pool.markets[symbol].token.address)
    return exchange_rate(view.terms.vtokens[place], view.accrued(at=at).states[place])


def dollars(pool: VenusPool, view: View, symbol: str, at: Moment, tokens: int) -> int:
    """What vTokens are worth then."""
    price = view.quote.prices[view.terms.place(pool.markets[symbol].token.address)]
    assert price is not None
    return tokens * (rate_of(pool, view, symbol, at) * price // 10**18) // 10**18


def swept(pool: VenusPool, view: View, symbol: str, at: Moment) -> int:
    """What the accrual itself pays out to the protocol: the pool by the second does it every hour, the other never."""
    place = view.terms.place(pool.markets[symbol].token.address)
    return view.quote.states[place].books.cash - view.accrued(at=at).states[place].books.cash


@pytest.mark.parametrize("slug", POOLS)
@pytest.mark.parametrize(("percent", "path"), [(78, "liquidateAccount"), (60, "healAccount")])
def test_a_whole_account_is_liquidated_or_healed_by_what_we_say(
    world: VenusIsolated, slug: str, percent: int, path: str
) -> None:
    async def played() -> None:
        scene, pool = await Scene.open(world), world.pools[slug]
        try:
            minimum = 100 if slug == "defi-friends" else 1_000
            weth = minimum * 10**18 * 11 // 20_000
            collaterals = {"WETH": weth, "USDC": 3 * 10**6}
            await scene.open_position(pool, BOB, collaterals, {"USDC": minimum * 70 * 10**4, "WETH": weth // 50})
            await world.chain.advance(30 * 86_400)
            await set_price(pool.markets["WETH"].feed, 2_000 * FEED * percent // 100)
            view = await scene.view(slug, (BOB,))
            at = next_block(view)
            said = whole(view.terms, view.accrued(at=at), view.holdings[BOB])
            assert not isinstance(said, Refusal), said
            (way,) = said
            assert (way.path, way.blocked) == (path, None)
            before = {symbol: await purse(world, pool, BOB, symbol) for symbol in ("USDC", "WETH")}
            await world.chain.next_timestamp(at.timestamp)
            if path == "healAccount":
                await pool.comptroller.send("healAccount", BOB, sender=PAYER)
            else:
                vtokens = {m.token.address: m.vtoken.address for m in pool.markets.values()}
                orders = [(vtokens[c], vtokens[d], amount) for d, c, amount in way.orders]
                await pool.comptroller.send("liquidateAccount", BOB, orders, sender=PAYER)
            gained = 0
            for symbol, old in before.items():
                new, market = await purse(world, pool, BOB, symbol), pool.markets[symbol]
                rate = rate_of(pool, view, symbol, at)
                price = await world.oracle.call("getUnderlyingPrice", market.vtoken.address)
                assert (new.owed, old.paid - new.paid) == (0, told(way.repays, symbol))
                assert new.bad - old.bad == told(way.written_off, symbol)
                assert abs((old.held - new.held) * rate // 10**18 - told(way.seizes, symbol)) <= len(way.orders)
                assert new.fees - old.fees == told(way.fees, symbol) + swept(pool, view, symbol, at)
                gained += dollars(pool, view, symbol, at, new.given - old.given)
                gained -= (old.paid - new.paid) * price // 10**18
            assert abs(gained - way.bonus) <= 2 * (len(way.orders) + 2)
            assert bool(way.written_off) is (path == "healAccount")
        finally:
            await scene.close()

    asyncio.run(played())


def told(amounts: tuple[tuple[object, int], ...], symbol: str) -> int:
    return sum(amount for token, amount in amounts if getattr(token, "symbol", "") == symbol)


def test_a_forced_debt_is_liquidated_without_a_shortfall(world: VenusIsolated) -> None:
    async def played() -> None:
        scene, pool = await Scene.open(world), world.pools["defi-friends"]
        try:
            await scene.open_position(pool, ADA, {"WETH": 10**19}, {"USDC": 2_000 * 10**6, "EURS": 10_000})
            await pool.comptroller.send("setForcedLiquidation", pool.markets["USDC"].vtoken.address, True)
            view = await scene.view("defi-friends", (ADA,))
            seen = view.value(ADA)
            assert seen.health is not None and seen.health > 10**18 and seen.liquidatable and seen.blocked is None
            weth, usdc, eurs = (pool.markets[symbol].token.address for symbol in ("WETH", "USDC", "EURS"))
            said = ADAPTER.liquidation(view.terms, view.accrued(), view.holdings[ADA], usdc, weth)
            assert isinstance(said, Liquidation)
            assert said.repay == await scene.truth.owed(pool, ADA, "USDC", view.block.number)
            block = view.block.number
            assert (await scene.truth.pair(pool, ADA, "USDC", "WETH", said.repay, block)).done
            assert (await scene.truth.pair(pool, ADA, "USDC", "WETH", said.repay + 1, block)).reason == "TooMuchRepay"
            other = ADAPTER.liquidation(view.terms, view.accrued(), view.holdings[ADA], eurs, weth)
            assert other == Refusal("there is no shortfall")
            assert (await scene.truth.pair(pool, ADA, "EURS", "WETH", 1, block)).reason == "InsufficientShortfall"
        finally:
            await scene.close()

    asyncio.run(played())


@pytest.mark.parametrize("deed", [Deed.LIQUIDATE, Deed.REPAY, Deed.SEIZE])
def test_who_cannot_be_liquidated_because_of_a_pause_is_liquidatable_and_blocked(
    world: VenusIsolated, deed: Deed
) -> None:
    async def played() -> None:
        scene, pool = await Scene.open(world), world.pools["defi-friends"]
        try:
            await scene.open_position(pool, ADA, {"WETH": 10**19}, {"USDC": 12_000 * 10**6})
            await scene.open_position(pool, BOB, {"WETH": 5 * 10**16}, {"USDC": 70 * 10**6})
            await set_price(pool.markets["WETH"].feed, 1_400 * FEED)
            paused = pool.markets["WETH" if deed is Deed.SEIZE else "USDC"].vtoken.address
            await pool.comptroller.send("setActionsPaused", [paused], [int(deed)], True)
            view = await scene.view("defi-friends", (ADA, BOB))
            block = view.block.number
            for who in (ADA, BOB):
                seen = view.value(who)
                heals = who == BOB and deed is Deed.LIQUIDATE  # whoever heals an account liquidates nothing
                assert (seen.liquidatable, seen.blocked) == (True, None if heals else Blocked.PAUSED)
            weth, usdc = (pool.markets[symbol].token.address for symbol in ("WETH", "USDC"))
            said = ADAPTER.liquidation(view.terms, view.accrued(), view.holdings[ADA], usdc, weth)
            assert isinstance(said, Liquidation) and said.blocked is Blocked.PAUSED
            assert (await scene.truth.pair(pool, ADA, "USDC", "WETH", said.repay, block)).reason == "ActionPaused"
            healed = await scene.truth.heal(pool, BOB, block)
            assert (healed.done, healed.reason) == ((True, "") if deed is Deed.LIQUIDATE else (False, "ActionPaused"))
        finally:
            await scene.close()

    asyncio.run(played())


def test_a_market_whose_cash_is_lent_out_bounds_what_can_be_seized(world: VenusIsolated) -> None:
    """The protocol's share is redeemed at once: to the last unit that there is cash for, and then nothing."""

    async def played() -> None:
        scene, pool = await Scene.open(world), world.pools["defi-friends"]
        try:
            await scene.open_position(pool, ADA, {"WETH": 10**19}, {"USDC": 12_000 * 10**6})
            cash = await pool.markets["WETH"].vtoken.call("getCash")
            lent = {"WETH": cash - 7 * 10**15}
            await scene.open_position(pool, BOB, {"USDC": 100_000_000 * 10**6}, lent)
            await set_price(pool.markets["WETH"].feed, 1_200 * FEED)
            view = await scene.view("defi-friends", (ADA,))
            weth, usdc = (pool.markets[symbol].token.address for symbol in ("WETH", "USDC"))
            said = ADAPTER.liquidation(view.terms, view.accrued(), view.holdings[ADA], usdc, weth)
            assert isinstance(said, Liquidation)
            assert said.fee <= 7 * 10**15 and said.repay < 6_000 * 10**6
            block = view.block.number
            assert (await scene.truth.pair(pool, ADA, "USDC", "WETH", said.repay, block)).done
            more = await scene.truth.pair(pool, ADA, "USDC", "WETH", said.repay + 1, block)
            assert (more.done, more.reason[:10]) == (False, "0x4e487b71")  # a panic: cash below zero
        finally:
            await scene.close()

    asyncio.run(played())


def test_a_pair_sees_only_its_own_two_markets_accrued(world: VenusIsolated) -> None:
    """Interest on a third market, that nobody has touched for a month, is not in the verdict."""

    async def played() -> None:
        scene, pool = await Scene.open(world), world.pools["stablecoins"]
        try:
            debts = {"USDC": 1_000 * 10**6, "DAI": 12_900 * 10**18}
            await scene.open_position(pool, ADA, {"WETH": 10**19}, debts)
            await world.chain.advance(30 * 86_400)
            await do.touch(pool.markets["WETH"])
            view = await scene.view("stablecoins", (ADA,))
            tokens = {symbol: market.token.address for symbol, market in pool.markets.items()}
            pairs = {
                symbol: ADAPTER.value(
                    view.terms, view.accrued(frozenset({tokens[symbol], tokens["WETH"]})), view.holdings[ADA]
                )
                for symbol in debts
            }
            for symbol, seen in pairs.items():
                told = await scene.truth.accrued(pool, ADA, (symbol, "WETH"), view.block.number)
                assert (seen.liquidity, seen.shortfall, seen.available) == told
            stale, all_ = view.value(ADA, Which.NONE), view.value(ADA)
            assert len({seen.debt for seen in (*pairs.values(), stale, all_)}) == 4
            assert {leg.side for leg in all_.legs} == {Side.COLLATERAL, Side.DEBT}
        finally:
            await scene.close()

    asyncio.run(played())
