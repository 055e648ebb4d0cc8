"""Wallets on the real contracts: a feed that breaks, a market that is found by its logs, a second endpoint that lies about one holding."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest
from aiohttp import web

from tests.chain.server import Exchange, Fault, Front, honest, serve
from tests.onchain.conftest import Local
from watcher.config import Chain, Endpoint
from watcher.cycle import Row
from watcher.localchain import aave_actions, morpho_actions
from watcher.localchain.aave_market import AaveMarket
from watcher.localchain.anvil import Anvil
from watcher.localchain.contract import Receipt
from watcher.localchain.morpho import MorphoChain
from watcher.localchain.multicall import MULTICALL3
from watcher.localchain.scenario import account, reorg, set_price
from watcher.model import DoubtKind, Market, Side, Status
from watcher.wallet import Wallet, read_wallet

WHO, LENDER = account("owner of a wallet"), account("lender")


def configured(chain: Anvil, *markets: Market, **values: Any) -> Chain:
    endpoint = Endpoint("node", chain.url)
    return Chain("local", chain.chain_id, (endpoint,), Decimal(12), 64, 10**9, MULTICALL3, markets=markets, **values)


async def borrowed(aave: AaveMarket, collateral: str = "WETH", debt: str = "USDC") -> None:
    """`WHO` has ten units of collateral and owes a thousand dollars or so."""
    asset, owed = aave.reserves[collateral], aave.reserves[debt]
    await aave_actions.supply(aave, LENDER, debt, 10_000_000 * 10**owed.decimals)
    await aave_actions.supply(aave, WHO, collateral, 10 * 10**asset.decimals)
    await aave_actions.borrow(aave, WHO, debt, 1_000 * 10**8 * 10**owed.decimals // owed.asset.price)


async def put_collateral(world: MorphoChain, name: str, who: str = WHO) -> Receipt:
    return await morpho_actions.supply_collateral(world, world.markets[name], who, 10**18)


def by_market(found: Wallet) -> dict[str, Row]:
    assert found.error is None
    return {row.market.name: row for cycle in found.markets for row in cycle.rows}


@pytest.mark.parametrize("answer", [0, -1], ids=["zero", "negative"])
def test_f27_a_feed_that_answers_no_price_makes_its_positions_unknown_and_no_others(
    local: Local, chain: Anvil, answer: int
) -> None:
    async def story() -> Wallet:
        await borrowed(local.v30)
        await borrowed(local.v36)
        await set_price(local.v36.reserves["WETH"].feed, answer)
        return await read_wallet(configured(chain, local.v30.market(), local.v36.market()), [WHO])

    found = by_market(asyncio.run(story()))
    good, bad = (found[market.name].reading for market in (local.v30, local.v36))
    assert good.status is Status.OWING
    assert (bad.status, bad.valuation) == (Status.UNKNOWN, None)
    assert "price" in (bad.reason or "")


def test_f28_a_feed_that_reverts_makes_its_positions_unknown_and_no_others(local: Local, chain: Anvil) -> None:
    async def story() -> Wallet:
        await borrowed(local.v30)
        await borrowed(local.v36, "wstETH", "DAI")
        other = account("holds something else")
        await aave_actions.supply(local.v36, other, "WETH", 10**18)
        feed = local.v36.reserves["wstETH"].feed.address
        await chain.rpc("anvil_setCode", feed, "0x60006000fd")  # reverts without a word, whatever it is asked
        return await read_wallet(configured(chain, local.v30.market(), local.v36.market()), [WHO, other])

    wallet = asyncio.run(story())
    assert wallet.error is None
    readings = {(row.market.name, row.reading.key.key.hex()): row.reading for c in wallet.markets for row in c.rows}
    other = readings[local.v36.name, account("holds something else")[2:].lower()]
    bad = readings[local.v36.name, WHO[2:].lower()]
    assert readings[local.v30.name, WHO[2:].lower()].status is Status.OWING
    assert other.status is Status.NO_DEBT
    assert (bad.status, bad.valuation) == (Status.UNKNOWN, None)
    assert "price" in (bad.reason or "")


def test_f28_a_hostile_morpho_oracle_costs_its_own_market_only(morpho: MorphoChain) -> None:
    async def story() -> Wallet:
        for name in ("WETH/USDC", "hostile"):
            market = morpho.markets[name]
            await morpho_actions.lend(morpho, market, LENDER, 10**15)
            await put_collateral(morpho, name)
            await morpho_actions.borrow(morpho, market, WHO, 10**6)
        source = morpho.markets["WETH/USDC"].oracle
        assert source is not None
        await morpho.chain.rpc("anvil_setCode", source.address, "0x60006000fd")
        markets = [morpho.market(name) for name in ("WETH/USDC", "hostile")]
        return await read_wallet(configured(morpho.chain, *markets), [WHO])

    found = by_market(asyncio.run(story()))
    broken, other = (found[morpho.market(name).name].reading for name in ("WETH/USDC", "hostile"))
    assert (broken.status, broken.valuation) == (Status.UNKNOWN, None)
    assert other.valuation is not None


def test_a_market_that_is_not_configured_is_found_by_the_owners_own_logs(morpho: MorphoChain) -> None:
    async def story() -> Wallet:
        await put_collateral(morpho, "WETH/USDC")
        await put_collateral(morpho, "wstETH/WETH")
        chain = configured(morpho.chain, morpho.market("WETH/USDC"), singletons=(morpho.singleton(),))
        return await read_wallet(chain, [WHO])

    found = asyncio.run(story())
    assert set(by_market(found)) == {morpho.market("WETH/USDC").name, morpho.market("wstETH/WETH").name}
    assert found.block is not None
    (entered,) = found.entered
    assert (entered.known, entered.complete) == (found.block.number, True)
    assert found.complete


def liar(honest_debt: int, told: int) -> Fault:
    """Passes everything on, but in every answer the word `honest_debt` is `told`."""
    true, false = honest_debt.to_bytes(32).hex(), told.to_bytes(32).hex()

    async def fault(exchange: Exchange) -> web.StreamResponse:
        replies = exchange.honest if isinstance(exchange.honest, list) else [exchange.honest]
        changed = [
            one | {"result": one["result"].replace(true, false)} if isinstance(one.get("result"), str) else one
            for one in replies
        ]
        return web.json_response(changed if isinstance(exchange.honest, list) else changed[0])

    return fault


@pytest.mark.parametrize("nodes", [("liar", "a"), ("a", "liar"), ("liar", "a", "b"), ("a", "liar", "b")])
def test_f14_a_holding_that_one_of_the_endpoints_lies_about(morpho: MorphoChain, nodes: tuple[str, ...]) -> None:
    market = morpho.markets["WETH/USDC"]

    async def story() -> Wallet:
        await morpho_actions.lend(morpho, market, LENDER, 10**15)
        await put_collateral(morpho, "WETH/USDC")
        await morpho_actions.borrow(morpho, market, WHO, 1_234_567)
        shares = (await morpho.morpho.call("position", market.id, WHO))[1]
        async with AsyncExitStack() as stack:
            servers = [
                await stack.enter_async_context(
                    serve(Front(morpho.chain.url), always=liar(shares, 1) if name == "liar" else honest, name=name)
                )
                for name in nodes
            ]
            chain = configured(morpho.chain, morpho.market("WETH/USDC"))
            ends = tuple(Endpoint(server.name, server.url) for server in servers)
            return await read_wallet(replace(chain, endpoints=ends), [WHO])

    found = asyncio.run(story())
    (row,) = by_market(found).values()
    assert row.reading.valuation is not None
    (debt,) = [leg.amount for leg in row.reading.valuation.legs if leg.side is Side.DEBT]
    assert debt == 1_234_567  # what it really is, and the worse of the two
    assert DoubtKind.DISPUTED in {doubt.kind for doubt in row.reading.doubts}
    assert any("liar" in note for note in found.notes)
    assert found.confirmed_by == (2 if len(nodes) == 3 else 1)


def test_a_reorganisation_during_the_read_is_read_again(local: Local, chain: Anvil) -> None:
    done: list[str] = []

    async def replaced(exchange: Exchange) -> web.StreamResponse:
        asked = exchange.asked if isinstance(exchange.asked, list) else [exchange.asked]
        if not done and any(one["method"] == "eth_call" for one in asked):
            done.append("reorg")
            await reorg(chain, 2)
        return await honest(exchange)

    async def story() -> Wallet:
        await borrowed(local.v36)
        await chain.mine(3)
        async with serve(Front(chain.url), always=replaced, name="node") as server:
            wanted = replace(configured(chain, local.v36.market()), endpoints=(Endpoint("node", server.url),))
            found = await read_wallet(wanted, [WHO])
        assert found.block is not None
        canonical = await chain.rpc("eth_getBlockByNumber", hex(found.block.number), False)
        assert found.block.hash == canonical["hash"]
        return found

    found = asyncio.run(story())
    assert done == ["reorg"]
    assert by_market(found)[local.v36.name].reading.status is Status.OWING
