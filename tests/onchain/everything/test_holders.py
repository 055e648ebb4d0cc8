"""Proxies, Safes and vault shares of one wallet on the local chain, held against what the contracts themselves answer."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from fractions import Fraction

from eth_abi.abi import encode
from eth_utils.crypto import keccak

from tests.onchain.everything.conftest import Ask, Records
from tests.onchain.everything.test_everything import Record, asked
from tests.onchain.everything.truth import Figures, Truth
from tests.onchain.everything.world import COIN, LENDER, OTHER, OWNER, World
from watcher.config import Chain, Heartbeat, Proxies
from watcher.localchain import aave_actions, morpho_actions
from watcher.localchain.contract import Contract, deploy
from watcher.localchain.morpho import MorphoMarket
from watcher.localchain.own import own
from watcher.localchain.scenario import account
from watcher.units import WAD

DSA = account("instadapp account")


async def kept(world: World, owners: list[str], threshold: int) -> Contract:
    """A contract of these owners with a loan of its own: three WETH against 1,000 USDC."""
    made = await deploy(world.chain, own("Kept"), owners, threshold)
    await lent(world, made.address)
    return made


async def lent(world: World, who: str) -> None:
    await world.chain.rpc("anvil_setBalance", who, hex(10**20))
    await aave_actions.supply(world.v3, who, "WETH", 3 * WAD)
    await aave_actions.borrow(world.v3, who, "USDC", 1_000 * 10**6)


def on_aave(world: World, records: Records) -> dict[str, Record]:
    return {one["account"]: one for one in records if one["kind"] == "position" and one["market"] == world.v3.name}


def same(world: World, record: Record) -> None:
    """The record is what the pool says of whoever holds the position."""

    async def told(truth: Truth) -> Figures:
        return await truth.aave(world.v3, 8, Fraction(1))

    found: Figures = asked(world, int(record["block"]), told, record["account"])
    assert record["health_wad"] == str(found.health)
    assert Fraction(record["owed_usd"]) == Fraction(found.debt, 10**8)


def test_the_proxies_of_an_owner_stand_under_it_with_their_own_health(world: World, ask: Ask) -> None:
    async def story() -> tuple[Contract, Contract]:
        lists = await deploy(world.chain, own("ProxyLists"))
        proxy = await kept(world, [OWNER], 1)
        await lists.send("setProxy", OWNER, proxy.address)
        for holder in (DSA, account("another instadapp account")):
            await lists.send("addAccount", OWNER, holder)
        await lent(world, DSA)
        return lists, proxy

    lists, proxy = asyncio.run(story())
    chain = replace(world.configured(), proxies=Proxies(lists.address, lists.address))
    found = on_aave(world, ask(world, chain=chain))
    assert found.keys() == {OWNER, proxy.address, DSA}
    assert {one["owner"] for one in found.values()} == {OWNER}
    assert [found[who]["holder"] for who in (OWNER, proxy.address, DSA)] == [None, "DSProxy", "Instadapp account 1"]
    for record in found.values():
        same(world, record)
    assert found[proxy.address]["health_wad"] != found[OWNER]["health_wad"]
    asyncio.run(proxy.send("setOwner", OTHER))
    assert on_aave(world, ask(world, chain=chain)).keys() == {OWNER, DSA}  # the registry still names it


def test_a_safe_that_was_asked_for_stands_under_its_owner(world: World, ask: Ask) -> None:
    safe = asyncio.run(kept(world, [OTHER, OWNER, LENDER], 2))
    alone = on_aave(world, ask(world, safe.address))
    assert [(one["owner"], one["holder"]) for one in alone.values()] == [(safe.address, "Safe, 2 of 3")]
    both = on_aave(world, ask(world, safe.address, OWNER))
    assert {who: one["owner"] for who, one in both.items()} == {OWNER: OWNER, safe.address: OWNER}
    same(world, both[safe.address])


async def vault(world: World) -> Contract:
    """Shares of Morpho's USDC that are worth 1.05."""
    return await deploy(world.chain, own("Vault"), world.morpho.tokens["USDC"].address, "mUSDC", 1_050_000)


def test_vault_shares_in_an_address_are_a_deposit_without_a_debt(world: World, ask: Ask) -> None:
    async def story() -> tuple[Contract, int]:
        made = await vault(world)
        await made.send("mint", OWNER, 2_000 * WAD + 1)
        return made, await made.call("convertToAssets", 2_000 * WAD + 1)

    made, assets = asyncio.run(story())
    alone, records = ask(world), ask(world, OWNER, "--vault", made.address)
    (held,) = [one for one in records if one["kind"] == "vault"]
    assert (held["account"], held["vault"], held["symbol"]) == (OWNER, made.address, "mUSDC")
    assert (held["shares"], held["asset_symbol"]) == ("2000.000000000000000001", "USDC")
    assert Fraction(held["assets"]) * 10**6 == assets == 2_100 * 10**6
    dollars = Fraction(assets * COIN, 10**14)
    assert Fraction(held["supplied_usd"]) == dollars
    before, after = (next(one for one in some if one.get("of") == "all") for some in (alone, records))
    assert Fraction(after["net_usd"]) - Fraction(before["net_usd"]) == dollars


def test_a_collateral_that_is_a_vault_share_is_labelled_and_counted_once(world: World, ask: Ask) -> None:
    plan = world.morpho.markets["WETH/USDC"]
    amount = 700 * WAD + 3

    async def story() -> tuple[Contract, MorphoMarket, int]:
        made = await vault(world)
        params = (plan.params[0], made.address, *plan.params[2:])
        identity = keccak(encode(["address"] * 4 + ["uint256"], params))
        market = replace(plan, name="mUSDC/USDC", id=identity, params=params, collateral=made)
        await world.morpho.morpho.send("createMarket", params)
        await morpho_actions.supply_collateral(world.morpho, market, OWNER, amount)
        return made, market, await made.call("convertToAssets", amount)

    made, market, assets = asyncio.run(story())
    records = ask(world)
    name = world.morpho.singleton().name + "/" + market.id.hex()[:10]
    (record,) = [one for one in records if one["kind"] == "position" and one["market"] == name]
    (share,) = record["vault_shares"]
    assert (share["token"], share["asset_symbol"], share["assets_raw"]) == (made.address, "USDC", str(assets))
    assert not [one for one in records if one["kind"] == "vault"]


def test_a_second_price_stands_beside_the_protocols_and_changes_nothing(world: World, ask: Ask) -> None:
    def weth(records: Records) -> tuple[Record, Record]:
        record = on_aave(world, records)[OWNER]
        (second,) = record["second_prices"]
        return record, second

    before, second = weth(ask(world))
    assert (second["symbol"], second["price"], second["unit"]) == ("WETH", "1999.5", "USD")
    assert Fraction(second["deviation"]) == Fraction(int((Fraction(2000, Fraction("1999.5")) - 1) * 10**18), 10**18)
    asyncio.run(world.ether.send("set", 100_000_000_000))
    after, second = weth(ask(world))
    assert (second["price"], second["deviation"]) == ("1000", "1")
    assert after["collateral"] == before["collateral"]
    assert after["prices"][0]["answer"] == before["prices"][0]["answer"]


def test_an_overdue_dollar_feed_is_a_doubt_beside_the_sum(world: World, ask: Ask) -> None:
    def doubts(chain: Chain) -> list[str]:
        (total,) = [one for one in ask(world, chain=chain) if one.get("of") == "chain"]
        found: list[str] = total["usd_overdue"]
        return found

    plain = world.configured()
    assert doubts(plain) == []
    hourly = replace(plain, heartbeats=(Heartbeat(world.ether.address, 3_600),))
    assert doubts(hourly) == ["the US dollar feed of ETH is 24 h old"]
    asyncio.run(world.chain.advance(3 * 86_400))
    assert len(doubts(plain)) == 2
