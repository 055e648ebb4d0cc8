"""The node, the markets and the scenario tools are what the other tests take them for."""

from __future__ import annotations

import asyncio
import http.server
import json
import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from web3 import AsyncHTTPProvider, AsyncWeb3

from watcher.errors import AnswerError, CallReverted
from watcher.localchain import aave_actions as act
from watcher.localchain import own, scenario
from watcher.localchain.aave_assets import OTHER, USD, Asset
from watcher.localchain.aave_listing import list_asset
from watcher.localchain.aave_market import AaveMarket
from watcher.localchain.anvil import Anvil, free_port
from watcher.localchain.contract import Contract, deploy, post, receipt
from watcher.localchain.hostile import EMPTY_ANSWER, SYMBOLS, hostile_tokens
from watcher.localchain.multicall import MULTICALL3
from watcher.localchain.own import own as own_artifact
from watcher.localchain.scenario import account
from watcher.localchain.seeder import seed
from watcher.units import MAX, WAD

from .conftest import Local

ALICE, BOB, CAROL = account("alice"), account("bob"), account("carol")


async def data(market: AaveMarket, who: str) -> tuple[int, ...]:
    """``getUserAccountData``: collateral, debt, available, threshold, ltv, health."""
    row: tuple[int, ...] = await market.pool.call("getUserAccountData", who)
    return row


@contextmanager
def stranger() -> Iterator[tuple[int, list[str]]]:
    """A node of somebody else on a loopback port, and the methods that it was asked."""
    asked: list[str] = []

    class Answer(http.server.BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            request = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            asked.append(request["method"])
            body = json.dumps({"jsonrpc": "2.0", "id": request["id"], "result": "0x1"}).encode()
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: Any) -> None:
            """Nothing on stderr."""

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Answer) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield server.server_address[1], asked
        server.shutdown()
        thread.join()


def test_the_node_is_ours_and_ends_with_its_folder() -> None:
    async def scene() -> tuple[int, str]:
        async with Anvil() as chain:
            assert await chain.rpc("eth_chainId") == hex(chain.chain_id)
            assert chain.chain_id >= 10**9
            return chain.pid, chain._states.name

    pid, folder = asyncio.run(scene())
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)
    assert not os.path.exists(folder)  # noqa: PTH110


def test_f68_a_strangers_node_on_the_port_is_left_alone_and_another_port_taken() -> None:
    with stranger() as (taken, asked):
        ports = iter([taken, taken, free_port()])

        async def scene() -> int:
            async with Anvil(ports=lambda: next(ports)) as chain:
                return chain.port

        assert asyncio.run(scene()) != taken
    assert set(asked) <= {"eth_chainId"}


def test_multicall3_answers_at_its_canonical_address(chain: Anvil) -> None:
    abi = [{"type": "function", "name": "getChainId", "inputs": [], "outputs": [{"name": "id", "type": "uint256"}]}]
    multicall = Contract(chain, MULTICALL3, abi)
    assert asyncio.run(multicall.call("getChainId")) == chain.chain_id


def test_every_market_says_where_it_is(local: Local) -> None:
    for found in (local.v30.market(), local.v36.market(), local.morpho.singleton()):
        assert found.chain == local.chain.chain_id
        assert found.start is not None
        assert asyncio.run(local.chain.rpc("eth_getCode", found.address, hex(found.start - 1))) == "0x"
        assert asyncio.run(local.chain.rpc("eth_getCode", found.address, "latest")) != "0x"


def test_the_markets_have_the_reserves_that_the_issue_asks_for(v30: AaveMarket, v36: AaveMarket) -> None:
    assert (v30.revision, v36.revision) == (1, 10)
    assert {r.decimals for r in v30.reserves.values()} == {18, 8, 6, 2}
    assert {r.decimals for r in v36.reserves.values()} == {18, 8, 6}
    for market in (v30, v36):
        words = {
            symbol: asyncio.run(market.pool.call("getConfiguration", r.token.address))[0]
            for symbol, r in market.reserves.items()
        }
        assert len(words) >= 8
        assert words["AAVE"] >> 212 & (1 << 40) - 1 == 5_000_000_00
        assert (words["USDT"] & 0xFFFF, words["USDT"] >> 16 & 0xFFFF) == (0, 7_800)
        assert words["sUSDe"] >> 16 & 0xFFFF == 0


def test_a_plain_web3_contract_call_sees_the_same_position(aave: AaveMarket) -> None:
    async def scene() -> tuple[list[int], tuple[int, ...]]:
        await act.supply(aave, ALICE, "WETH", 10 * 10**18)
        await act.borrow(aave, ALICE, "USDC", 15_500 * 10**6)
        w3 = AsyncWeb3(AsyncHTTPProvider(aave.chain.url))
        pool = w3.eth.contract(address=aave.pool.address, abi=aave.pool.abi)
        theirs = await pool.functions.getUserAccountData(ALICE).call()
        await w3.provider.disconnect()
        return list(theirs), await data(aave, ALICE)

    theirs, ours = asyncio.run(scene())
    assert theirs == list(ours)
    assert theirs[:5] == [20_000 * 10**8, 15_500 * 10**8, 500 * 10**8, 8_250, 8_000]
    assert theirs[5] // 10**9 == 1_064_516_129  # 20,000 × 0.825 / 15,500


def test_a_fallen_price_makes_a_position_liquidatable_and_a_liquidation_heals_it(aave: AaveMarket) -> None:
    async def scene() -> None:
        await act.supply(aave, ALICE, "WETH", 10 * 10**18)
        await act.borrow(aave, ALICE, "USDC", 15_500 * 10**6)
        with pytest.raises(CallReverted):
            await act.liquidate(aave, BOB, ALICE, "WETH", "USDC")
        await scenario.set_price(aave.reserves["WETH"].feed, 1_850 * 10**8)
        assert (await data(aave, ALICE))[5] < WAD
        await act.liquidate(aave, BOB, ALICE, "WETH", "USDC")
        assert (await data(aave, ALICE))[5] > WAD
        assert await aave.reserves["WETH"].token.call("balanceOf", BOB) > 4 * 10**18

    asyncio.run(scene())


def test_the_pools_own_refusal_is_raised(v30: AaveMarket, v36: AaveMarket) -> None:
    async def refusal(market: AaveMarket) -> bytes:
        with pytest.raises(CallReverted) as caught:
            await act.borrow(market, CAROL, "USDC", 10**6)
        return caught.value.data

    assert b"34" in asyncio.run(refusal(v30))  # COLLATERAL_BALANCE_IS_ZERO
    assert len(asyncio.run(refusal(v36))) == 4  # a custom error


def test_base_threshold_0_counts_as_collateral_in_v36_and_not_in_v30(v30: AaveMarket, v36: AaveMarket) -> None:
    async def collateral(market: AaveMarket) -> tuple[int, ...]:
        await act.set_mode(market, ALICE, 2)
        await act.supply(market, ALICE, "sUSDe", 1_000 * 10**18)
        return await data(market, ALICE)

    assert asyncio.run(collateral(v30))[:1] == (0,)
    assert asyncio.run(collateral(v36))[:1] == (1_100 * 10**8,)


def test_an_e_mode_with_its_own_price_source_moves_with_it(v30: AaveMarket) -> None:
    async def scene() -> tuple[int, int]:
        await act.supply(v30, ALICE, "USDC", 1_000 * 10**6)
        await act.set_mode(v30, ALICE, 2)
        before = (await data(v30, ALICE))[0]
        assert v30.mode_feed is not None
        await scenario.set_price(v30.mode_feed, 99_000_000)
        return before, (await data(v30, ALICE))[0]

    assert asyncio.run(scene()) == (1_000 * 10**8, 990 * 10**8)


def test_ltv_0_collateral_exists_where_it_was_enabled_before(aave: AaveMarket) -> None:
    async def scene() -> tuple[int, ...]:
        await act.set_thresholds(aave, "USDT", 7_500, 7_800, 10_450)
        await act.supply(aave, ALICE, "USDT", 1_000 * 10**6)
        await act.set_thresholds(aave, "USDT", 0, 7_800, 10_450)
        return await data(aave, ALICE)

    assert asyncio.run(scene())[:5] == (1_000 * 10**8, 0, 0, 7_800, 0)


def test_an_isolated_asset_backs_dollars_only(aave: AaveMarket) -> None:
    async def scene() -> tuple[int, ...]:
        await act.supply(aave, ALICE, "AAVE", 10 * 10**18)
        await act.use_as_collateral(aave, ALICE, "AAVE", True)
        with pytest.raises(CallReverted):
            await act.borrow(aave, ALICE, "WETH", 10**16)
        await act.borrow(aave, ALICE, "USDC", 100 * 10**6)
        return await data(aave, ALICE)

    assert asyncio.run(scene())[:2] == (1_000 * 10**8, 100 * 10**8)


def test_everything_can_be_repaid_and_withdrawn_after_a_year(aave: AaveMarket) -> None:
    async def scene() -> None:
        await act.supply(aave, ALICE, "WBTC", 10**8)
        await act.borrow(aave, ALICE, "DAI", 10_000 * 10**18)
        await act.transfer_receipt(aave, ALICE, BOB, "WBTC", 10**7)
        assert (await data(aave, BOB))[0] == 6_000 * 10**8 * (
            aave.version == "3.0"
        )  # 3.6 enables nothing for a receiver
        await aave.chain.advance(365 * 86_400)
        assert (await data(aave, ALICE))[1] > 10_000 * 10**8
        await act.repay(aave, ALICE, "DAI", act.ALL)
        await act.withdraw(aave, ALICE, "WBTC", act.ALL)
        assert await data(aave, ALICE) == (0, 0, 0, 0, 0, MAX)

    asyncio.run(scene())


def test_stable_debt_exists_in_v30(v30: AaveMarket) -> None:
    async def scene() -> int:
        await act.supply(v30, ALICE, "WETH", 10**18)
        await act.borrow(v30, ALICE, "USDC", 100 * 10**6, act.STABLE)
        return (await data(v30, ALICE))[1]

    assert asyncio.run(scene()) == 100 * 10**8


def test_a_sequencer_that_is_down_stops_borrowing(aave: AaveMarket) -> None:
    async def scene() -> None:
        sequencer = await act.install_sentinel(aave, 3_600)
        await act.supply(aave, ALICE, "WETH", 10**18)
        await scenario.set_sequencer(sequencer, up=False, since=0)
        with pytest.raises(CallReverted):
            await act.borrow(aave, ALICE, "USDC", 10**6)
        await scenario.set_sequencer(sequencer, up=True, since=0)
        await act.borrow(aave, ALICE, "USDC", 10**6)

    asyncio.run(scene())


def test_a_reorg_replaces_a_price_by_another(chain: Anvil, v36: AaveMarket) -> None:
    feed = v36.reserves["WETH"].feed

    async def scene() -> None:
        await chain.mine()
        await scenario.set_price(feed, 1_500 * 10**8)
        orphan = await chain.rpc("eth_getBlockByNumber", "latest", False)
        await scenario.reorg(chain, 2, [(feed.transaction("set", 1_700 * 10**8), 1)])
        block = await chain.rpc("eth_getBlockByNumber", "latest", False)
        assert (block["number"], block["hash"] == orphan["hash"]) == (orphan["number"], False)
        assert await feed.call("latestAnswer") == 1_700 * 10**8

    asyncio.run(scene())


def test_what_is_posted_together_shares_a_block(chain: Anvil, v36: AaveMarket) -> None:
    feeds = [reserve.feed for reserve in v36.reserves.values()]

    async def scene() -> set[int]:
        async with chain.one_block():
            hashes = [await post(chain, feed.transaction("set", 5, gas=1_000_000)) for feed in feeds]
        return {(await receipt(chain, transaction)).block for transaction in hashes}

    assert len(asyncio.run(scene())) == 1


def test_a_snapshot_takes_prices_time_and_blocks_back(chain: Anvil) -> None:
    async def scene() -> None:
        before = (await chain.block_number(), await chain.timestamp())
        snapshot = await chain.snapshot()
        await chain.advance(86_400)
        assert await chain.timestamp() == before[1] + 86_400
        await chain.revert(snapshot)
        assert (await chain.block_number(), await chain.timestamp()) == before

    asyncio.run(scene())


def test_seeded_borrowers_are_plain_addresses_that_owe_and_are_not_liquidatable(aave: AaveMarket) -> None:
    async def scene() -> list[tuple[int, ...]]:
        users = await seed(aave, 200)
        assert await aave.chain.rpc("eth_getCode", users[0], "latest") == "0x"
        return [await data(aave, user) for user in users]

    rows = asyncio.run(scene())
    assert all(debt > 0 and health >= WAD for _, debt, _, _, _, health in rows)
    assert len(set(rows)) == 200


def test_the_committed_solidity_compiles_to_the_committed_bytecode() -> None:
    assert own.recompiled() == own.COMPILED.read_text()


def test_a_feed_tells_its_rounds_and_misbehaves_on_demand(chain: Anvil) -> None:
    async def scene() -> None:
        feed = await deploy(chain, own_artifact("Feed"), 8, "WETH / USD", 2_000)
        await scenario.set_price(feed, 1_900, updated=77)
        assert await feed.call("latestRoundData") == (2, 1_900, 77, 77, 2)
        assert (await feed.call("getRoundData", 1))[1] == 2_000
        await feed.send("setMode", EMPTY_ANSWER)
        with pytest.raises(AnswerError):
            await feed.call("latestAnswer")

    asyncio.run(scene())


def test_hostile_tokens_say_what_they_were_told(chain: Anvil) -> None:
    async def scene() -> None:
        tokens = await hostile_tokens(chain)
        assert {kind: await tokens[kind].call("symbol") for kind in SYMBOLS} == SYMBOLS
        assert (await tokens["bytes32"].call("symbol")).rstrip(b"\0") == b"MKR"
        for function in ("name", "symbol", "decimals"):
            with pytest.raises(CallReverted):
                await tokens["reverting"].call(function)

    asyncio.run(scene())


def test_a_token_that_names_itself_with_bytes32_can_be_listed_and_owed(aave: AaveMarket) -> None:
    asset = Asset("MKR", 18, 1_000 * USD, 6_000, 7_000, 10_500, OTHER)

    async def scene() -> tuple[int, ...]:
        token = (await hostile_tokens(aave.chain))["bytes32"]
        market = await list_asset(aave, asset, token)
        await act.supply(market, BOB, "MKR", 10 * 10**18)
        await act.supply(market, ALICE, "WETH", 10**18)
        await act.borrow(market, ALICE, "MKR", 10**18)
        return await data(market, ALICE)

    assert asyncio.run(scene())[:2] == (2_000 * 10**8, 1_000 * 10**8)
