"""Prices that move without events, on the real Aave V3.6: capped rates, capped pegs and discounts of our own Solidity behind its oracle.

What the contracts say is taken by plain calls: the pool's getUserAccountData, the source's latestAnswer and isCapped.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass

from eth_typing import ChecksumAddress

from tests.onchain.aave_scene import Scene, check_accounts, scene, send
from tests.onchain.account_scene import Ask, ask
from watcher.adapter import Borrow, Position, Price, Supply
from watcher.figures import exact
from watcher.localchain.aave_market import AaveMarket
from watcher.localchain.contract import ZERO, Contract, deploy, post
from watcher.localchain.own import own
from watcher.model import DoubtKind, Valuation
from watcher.oracle.ceiling import Ceiling, ceilings
from watcher.oracle.feed import OLD
from watcher.oracle.path import Discount, RatioCap, StableCap, answer, explained
from watcher.oracle.sight import Sight, look
from watcher.oracle.trace import trace
from watcher.oracle.trust import aggregators, replacements
from watcher.units import Raw

__all__ = ["ask"]  # a fixture
DAY = 86_400
ONE = 10**18


@dataclass(frozen=True, slots=True)
class Seen:
    """The only actor's position at the newest block, and what stands behind its prices there."""

    position: Position[object, object, object]
    prices: tuple[Price, ...]
    sight: Sight

    @property
    def value(self) -> Valuation:
        return self.position.value()

    def ceilings(self) -> tuple[Ceiling, ...]:
        return ceilings(self.position, self.prices, self.sight)


async def seen(stage: Scene) -> Seen:
    block, terms = await stage.reader.head(), await stage.terms()
    quote, holdings = await stage.world(terms)
    position = Position(stage.adapter, terms, quote, holdings[stage.key(stage.actors[0])])
    held = {leg.token.address for leg in position.value().legs}
    prices = tuple(price for price in stage.adapter.prices(terms, quote) if price.token.address in held)
    sight = await stage.reader.run(look(prices, [], None, {}, block.timestamp), block)
    return Seen(position, prices, sight)


async def at_once(market: AaveMarket, contract: Contract, function: str, *args: object) -> None:
    """One transaction in a block with the time of the block before it: no interest and no growth in between."""
    chain = market.chain
    await chain.next_timestamp(await chain.timestamp())
    async with chain.one_block():
        await post(chain, contract.transaction(function, *args))


async def health(stage: Scene) -> int:
    said: tuple[int, ...] = await stage.local.pool.call("getUserAccountData", stage.actors[0])
    return said[5]


async def source(market: AaveMarket, symbol: str, name: str, *args: object) -> Contract:
    """A new price source of an asset, from our own Solidity."""
    made = await deploy(market.chain, own(name), *args)
    await market.oracle.send("setAssetSources", [market.reserves[symbol].token.address], [made.address])
    return made


@asynccontextmanager
async def staked(market: AaveMarket, ratio: int, snapshot: int, percent: int) -> AsyncIterator[tuple[Scene, Contract]]:
    """Ten wstETH, priced by a capped rate over ETH / USD, against 8,000 USDC. The line has begun an hour ago."""
    async with scene(market, 1) as stage:
        eth = market.reserves["WETH"].feed.address
        rate = await source(market, "wstETH", "CappedRate", eth, "Capped wstETH / USD", ratio)
        await rate.send("setCap", snapshot, await market.chain.timestamp() - 3_600, percent)
        token, usdc = market.reserves["wstETH"].token.address, market.reserves["USDC"].token.address
        await send(market, stage.actors[0], Supply(token, Raw(10 * ONE)))
        await send(market, stage.actors[0], Borrow(usdc, Raw(8_000 * 10**6)))
        yield stage, rate


def play(told: Callable[[], Awaitable[None]]) -> None:
    async def main() -> None:
        await told()

    asyncio.run(main())


def test_a_binding_cap_lifts_the_price_by_the_second_and_every_block_is_read_anew(v36: AaveMarket) -> None:
    async def told() -> None:
        async with staked(v36, 12 * ONE // 10, 11 * ONE // 10, 3_000) as (stage, rate):
            terms = await stage.terms()
            answers: list[int] = []
            for _ in range(3):
                await v36.chain.advance(DAY)  # nobody sends anything
                found = await seen(stage)
                path = found.sight.paths[rate.address]
                assert isinstance(path.rule, RatioCap)
                assert explained(path, found.sight.now)
                assert path.answer == await rate.call("latestAnswer")
                (cap,) = [cap for price in found.prices for cap in found.sight.caps(price)]
                assert cap.binding is await rate.call("isCapped") is True
                assert await check_accounts(stage, terms) > 0
                kinds = [doubt.kind for price in found.prices for doubt in found.sight.doubts(price)]
                assert kinds.count(DoubtKind.CAPPED) == 1
                assert (DoubtKind.STALE in kinds) is (found.sight.now - (path.below[0].updated or 0) > OLD)
                assert path.answer is not None
                answers.append(path.answer)
            assert answers == sorted(set(answers))
            assert answer(path, found.sight.now + DAY) is not None
            tomorrow = answer(path, found.sight.now + DAY)
            await v36.chain.advance(DAY)
            assert await rate.call("latestAnswer") == tomorrow

    play(told)


def test_my_health_where_a_cap_binds_is_the_contracts_once_it_does_and_so_is_the_one_without_it(
    v36: AaveMarket,
) -> None:
    async def told() -> None:
        async with staked(v36, 12 * ONE // 10, 123 * ONE // 100, 0) as (stage, rate):
            (found,) = (await seen(stage)).ceilings()
            assert (found.cap.binding, found.cap.room) == (False, 25_000)
            assert found.bound is not None
            await at_once(v36, rate, "setRatio", 2 * ONE)
            assert await health(stage) == found.bound.health
            (there,) = (await seen(stage)).ceilings()
            assert there.cap.binding
            assert there.bound is not None
            assert there.free is not None
            assert there.bound.health == found.bound.health
            await at_once(v36, rate, "setCap", 3 * ONE, await v36.chain.timestamp(), 0)
            assert await health(stage) == there.free.health

    play(told)


def test_the_cap_of_a_borrowed_stablecoin_bounds_what_its_price_can_do_to_me(v36: AaveMarket) -> None:
    async def told() -> None:
        async with scene(v36, 1) as stage:
            usdc, who = v36.reserves["USDC"], stage.actors[0]
            peg = await source(v36, "USDC", "CappedPeg", usdc.feed.address, "Capped USDC / USD", 104 * 10**6)
            await send(v36, who, Supply(v36.reserves["WETH"].token.address, Raw(5 * ONE)))
            await send(v36, who, Borrow(usdc.token.address, Raw(6_000 * 10**6)))
            before = await seen(stage)
            (found,) = before.ceilings()
            assert isinstance(found.cap.step.rule, StableCap)
            assert found.bound is not None
            assert found.bound.health is not None
            assert before.value.health is not None
            assert found.bound.health < before.value.health
            for dollars in (105, 500):  # however far the feed goes
                await at_once(v36, usdc.feed, "set", dollars * 10**6)
                assert await peg.call("isCapped")
                assert await health(stage) == found.bound.health

    play(told)


def test_a_discount_melts_until_maturity_over_a_cap_over_a_feed(v36: AaveMarket) -> None:
    async def told() -> None:
        async with staked(v36, 12 * ONE // 10, 13 * ONE // 10, 1_000) as (stage, rate):
            maturity = await v36.chain.timestamp() + 30 * DAY
            args = (rate.address, ZERO, "PT wstETH", maturity, 8 * ONE // 100)
            principal = await source(v36, "LINK", "DiscountedFeed", *args)
            await send(v36, stage.actors[0], Supply(v36.reserves["LINK"].token.address, Raw(3 * ONE)))
            for days in (0, 1, 28, 5):
                await v36.chain.advance(days * DAY + 1)
                found = await seen(stage)
                path = found.sight.paths[principal.address]
                assert isinstance(path.rule, Discount)
                assert [type(step.rule) for step in path.walk()] == [Discount, RatioCap, type(None)]
                assert path.rule.now(found.sight.now) == await principal.call("getCurrentDiscount")
                assert path.answer == await principal.call("latestAnswer") == answer(path, found.sight.now)
                assert await check_accounts(stage, await stage.terms()) > 0
                assert (path.rule.now(found.sight.now) == 0) is (found.sight.now >= maturity)
            assert found.sight.now > maturity

    play(told)


def test_paths_cost_a_round_trip_a_level_and_a_replaced_aggregator_is_seen(v36: AaveMarket) -> None:
    async def told() -> None:
        async with scene(v36, 0) as stage:
            eth = v36.reserves["WETH"].feed
            proxy = await deploy(v36.chain, own("FeedProxy"), eth.address)
            rate = await deploy(v36.chain, own("CappedRate"), proxy.address, "Capped", ONE)
            await rate.send("setCap", ONE, await v36.chain.timestamp(), 0)
            before = stage.reader.rounds
            paths = await stage.reader.run(trace([rate.address, proxy.address]), await stage.reader.head())
            assert stage.reader.rounds - before == 1  # the proxy was asked for already
            assert aggregators(paths) == {proxy.address: eth.address}
            other = await deploy(v36.chain, own("Feed"), 8, "ETH / USD", 1)
            await proxy.send("replace", other.address)
            later = await stage.reader.run(trace([rate.address]), await stage.reader.head())
            change = replacements(aggregators(paths), later, 7)[proxy.address]
            assert (change.before, change.after) == (eth.address, other.address)

    play(told)


def test_account_shows_the_cap_the_room_and_the_health_where_it_binds(v36: AaveMarket, ask: Ask) -> None:
    async def opened() -> ChecksumAddress:
        async with staked(v36, 12 * ONE // 10, 123 * ONE // 100, 0) as (stage, _):
            return stage.actors[0]

    who = asyncio.run(opened())
    found = ask(who).of(v36.market().name)
    (cap,) = found["caps"]
    assert (cap["symbol"], cap["binding"], cap["room"]) == ("wstETH", False, "0.025")
    path = found["price_paths"][cap["source"]]
    assert path["rule"]["kind"] == "RatioCap"
    assert [below["description"] for below in path["below"]] == ["WETH / USD"]
    text = ask(who, "--format", "table").out
    assert "cap of wstETH (Capped wstETH / USD): 2.5000 % away; where it binds health" in text

    async def bound() -> int:
        rate = Contract(v36.chain, cap["source"], own("CappedRate").abi)
        await at_once(v36, rate, "setRatio", 2 * ONE)
        said: tuple[int, ...] = await v36.pool.call("getUserAccountData", who)
        return said[5]

    assert cap["bound_health"] == exact(asyncio.run(bound()), 18)
    there = ask(who).of(v36.market().name)
    assert there["caps"][0]["binding"] is True
    assert "capped" in {doubt["kind"] for price in there["prices"] for doubt in price["doubts"]}
    assert "binds; without it health" in ask(who, "--format", "table").out
