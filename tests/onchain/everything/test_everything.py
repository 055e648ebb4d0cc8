"""One wallet with a position in every family, one `watcher account`: every number is what the contracts answer."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from fractions import Fraction
from typing import Any, cast

from web3 import AsyncHTTPProvider, AsyncWeb3

from tests.onchain.everything.conftest import Ask, Records
from tests.onchain.everything.truth import Figures, Truth
from tests.onchain.everything.world import OTHER, OWNER, SMALL, World
from watcher.localchain import aave_actions, comet_actions, compound_v2_actions, morpho_actions
from watcher.localchain.scenario import fund

Record = dict[str, Any]
BLUE = ("WETH/USDC", "wstETH/WETH", "WBTC/USDC")


def asked(world: World, block: int, question: Callable[[Truth], Coroutine[Any, Any, Any]], who: str = OWNER) -> Any:
    async def run() -> Any:
        w3 = AsyncWeb3(AsyncHTTPProvider(world.chain.url))
        try:
            return await question(Truth(world, w3, block, who))
        finally:
            await w3.provider.disconnect()

    return asyncio.run(run())


async def told(truth: Truth) -> dict[str, Figures]:
    """What the contracts say, by the name of the market."""
    world, one = truth.world, Fraction(1)
    ether, coin = await truth.ether(), await truth.coin()
    found = {
        world.v3.name: await truth.aave(world.v3, 8, one),
        world.v2.name: await truth.aave(world.v2, 18, ether),
        world.compound.name: await truth.compound(world.compound),
        world.usd.name: await truth.comet(world.usd, one),
        world.eth.name: await truth.comet(world.eth, ether),
    }
    for name, rate in zip(BLUE, (coin, ether, coin), strict=True):
        found[world.morpho.market(name).name] = await truth.morpho(world.morpho.markets[name], rate)
    if world.venus is not None and world.pools is not None:
        found[world.venus.market().name] = await truth.venus(world.venus)
        for slug, pool in world.pools.pools.items():
            found[world.pools.market(slug).name] = await truth.isolated(world.pools, pool)
    return found


def units(text: str, decimals: int) -> int:
    found = Fraction(text) * 10**decimals
    assert found.denominator == 1, text
    return int(found)


def check(record: Record, truth: Figures) -> int:
    """One position against the contracts; how many numbers were compared."""
    legs = {(leg["side"], leg["token"]): int(leg["amount_raw"]) for leg in record["legs"]}
    assert legs == truth.amounts, record["market"]
    sums = tuple(units(record[name], truth.decimals) for name in ("collateral", "debt", "available_borrow"))
    assert sums == (truth.collateral, truth.debt, truth.available), record["market"]
    assert record["health_wad"] == (None if truth.health is None else str(truth.health)), record["market"]
    prices = {price["token"]: int(price["answer"]) for price in record["prices"]}
    assert {token: prices[token] for token in truth.prices} == truth.prices, record["market"]
    scale = truth.rate * Fraction(1, 10**truth.decimals)
    supplied, owed = (truth.collateral + truth.deposits) * scale, truth.debt * scale
    dollars = tuple(Fraction(record[name]) for name in ("supplied_usd", "owed_usd", "net_usd"))
    assert dollars == (supplied, owed, supplied - owed), record["market"]
    assert (record["status"] != "unknown", record["audited"], record["mismatches"]) == (True, True, [])
    return len(legs) + len(prices) + 7


def everything(world: World, records: Records) -> set[str]:
    """Every position, then the sums by protocol, by chain and of all; which families there were."""
    positions = {record["market"]: record for record in records if record["kind"] == "position"}
    (block,) = {int(record["block"]) for record in positions.values()}
    truth: dict[str, Figures] = asked(world, block, told)
    assert positions.keys() == truth.keys()
    assert sum(check(positions[name], figures) for name, figures in truth.items()) >= 10 * len(truth)
    assert not {record["kind"] for record in records} & {"market", "chain"}

    def summed(names: list[str]) -> tuple[Fraction, Fraction]:
        parts = [(truth[name], truth[name].rate * Fraction(1, 10 ** truth[name].decimals)) for name in names]
        return (
            sum((Fraction(one.collateral + one.deposits) * scale for one, scale in parts), Fraction(0)),
            sum((Fraction(one.debt) * scale for one, scale in parts), Fraction(0)),
        )

    totals = [record for record in records if record["kind"] == "total"]
    families = {record["protocol"] for record in positions.values()}
    assert {record["protocol"] for record in totals if record["of"] == "protocol"} == families
    assert len(totals) == len(families) + 2
    for record in totals:
        mine = [name for name, one in positions.items() if record["protocol"] in (None, one["protocol"])]
        assert (Fraction(record["supplied_usd"]), Fraction(record["owed_usd"])) == summed(mine), record
        assert record["usd_missing"] == []
    return families


def test_every_number_of_one_wallet_in_every_family_is_the_chains_own(world: World, ask: Ask) -> None:
    assert everything(world, ask(world)) == SMALL


def test_with_venus_too(with_venus: World, ask: Ask) -> None:
    assert everything(with_venus, ask(with_venus)) == SMALL | {"venus", "venus_isolated"}


def test_pools_and_isolated_markets_keep_their_own_health(world: World, ask: Ask) -> None:
    positions = [record for record in ask(world) if record["kind"] == "position"]
    assert {record["protocol"] for record in positions if record["margin"] == "isolated"} == {"morpho_blue"}
    healths = [record["health_wad"] for record in positions if record["health_wad"] is not None]
    assert len(set(healths)) == len(healths) == len(positions) - 1  # the one without is a deposit alone
    assert not any("health" in record for record in ask(world) if record["kind"] == "total")


def test_the_first_to_be_liquidated_is_the_one_that_the_smallest_fall_takes(world: World, ask: Ask) -> None:
    records = ask(world)
    (first,) = [record for record in records if record["kind"] == "first"]
    falls = {
        record["market"]: Fraction(record["distance"]["fall"])
        for record in records
        if record["kind"] == "position" and record["distance"] is not None
    }
    assert first["market"] == min(falls, key=lambda market: falls[market])
    assert (Fraction(first["fall"]), first["not_compared"]) == (min(falls.values()), [])


def test_a_dollar_of_repayment_gains_what_was_said(world: World, ask: Ask) -> None:
    """It is repaid for real, at the time of the block that was read; the health gained is the contract's own."""
    market = world.v3
    record = next(one for one in ask(world) if one.get("market") == market.name and one["kind"] == "position")
    (dollar,) = record["one_dollar"]
    usdc = market.reserves["USDC"]
    price = next(int(one["answer"]) for one in record["prices"] if one["token"] == usdc.token.address)
    assert int(dollar["amount_raw"]) * price // 10**6 <= 10**8 < (int(dollar["amount_raw"]) + 2) * price // 10**6

    async def repaid() -> int:
        await fund(usdc.token, OWNER, 10**9, market.pool.address)
        return await market.chain.timestamp()

    time = asyncio.run(repaid())
    before = asked(
        world, int(asyncio.run(world.chain.block_number())), lambda truth: truth.aave(market, 8, Fraction(1))
    )

    async def repay() -> None:
        await market.chain.next_timestamp(time)
        await market.pool.send("repay", usdc.token.address, int(dollar["amount_raw"]), 2, OWNER, sender=OWNER)

    asyncio.run(repay())
    after = asked(world, int(asyncio.run(world.chain.block_number())), lambda truth: truth.aave(market, 8, Fraction(1)))
    assert after.debt < before.debt
    fresh = next(one for one in ask(world) if one.get("market") == market.name and one["kind"] == "position")
    assert int(fresh["health_wad"]) == after.health
    gained = cast(int, after.health) - cast(int, before.health)
    assert abs(gained - int(dollar["health_gained_wad"])) <= gained // 1_000_000  # two blocks of interest lie between


async def repay(world: World, amounts: dict[str, int]) -> None:
    """The raw amounts by market, for real; some blocks later than they were told."""
    for market in (world.v2, world.v3):
        await aave_actions.repay(market, OWNER, "USDC", amounts[market.name])
    for name in BLUE[:2]:
        one = world.morpho.markets[name]
        await morpho_actions.repay(world.morpho, one, OWNER, amounts[world.morpho.market(name).name])
    await compound_v2_actions.repay(world.compound, OWNER, "DAI", amounts[world.compound.name])
    for comet in (world.usd, world.eth):
        await comet_actions.supply(comet, OWNER, comet.plan.base, amounts[comet.name])


def test_a_dollar_gains_in_every_family_what_its_contract_makes_of_it(world: World, ask: Ask) -> None:
    """But for the interest of the blocks that the repayments themselves take."""

    def debts() -> dict[str, Record]:
        return {one["market"]: one for one in ask(world) if one["kind"] == "position" and one["one_dollar"]}

    before = debts()
    amounts = {name: int(one["one_dollar"][0]["amount_raw"]) for name, one in before.items()}
    asyncio.run(repay(world, amounts))
    after = debts()
    assert len(before) == 7
    for name, one in before.items():
        said = int(one["one_dollar"][0]["health_gained_wad"])
        gained = int(after[name]["health_wad"]) - int(one["health_wad"])
        assert abs(gained - said) <= said // 200, name
        room = Fraction(one["one_dollar"][0]["room_gained"])
        assert room > 0
        owed = Fraction(one["owed_usd"]) - Fraction(after[name]["owed_usd"])
        assert abs(owed - 1) < Fraction(1, 100), name


def test_two_addresses_are_one_wallet_under_a_label(world: World, ask: Ask) -> None:
    async def story() -> None:
        await aave_actions.supply(world.v3, OTHER, "WETH", 10**18)

    asyncio.run(story())
    alone, both = ask(world), ask(world, OWNER, OTHER, "--label", "treasury")
    (whole,) = [record for record in both if record["kind"] == "total" and record["of"] == "all"]
    (own,) = [record for record in alone if record["kind"] == "total" and record["of"] == "all"]
    (further,) = [record for record in both if record.get("account") == OTHER and record["kind"] == "position"]
    assert whole["label"] == "treasury"
    assert further["health"] is None
    assert Fraction(whole["supplied_usd"]) == Fraction(own["supplied_usd"]) + 2_000
