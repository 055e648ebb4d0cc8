"""Real accounts on the local node: their full holdings through our lane, against one contract call each by web3."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable

from eth_typing import ChecksumAddress
from web3 import AsyncHTTPProvider, AsyncWeb3

from tests.benchmarks.row import Row, faster
from watcher.adapters import adapter
from watcher.chain.endpoint import Endpoint
from watcher.chain.provider import web3_over
from watcher.chain.reader import Reader
from watcher.chain.rpc import Rpc
from watcher.cycle import facts
from watcher.localchain.aave_market import AaveMarket
from watcher.localchain.aave_v36 import deploy_v36
from watcher.localchain.anvil import Anvil
from watcher.localchain.multicall import place_multicall
from watcher.localchain.seeder import seed
from watcher.query import Query

ACCOUNTS = 1_000
AT_ONCE = 32


async def timed(work: Callable[[], Awaitable[object]]) -> float:
    start = time.perf_counter()
    await work()
    return time.perf_counter() - start


async def measure() -> list[Row]:
    async with Anvil() as chain:
        await place_multicall(chain)
        market = await deploy_v36(chain)
        owners = await seed(market, ACCOUNTS)
        async with Rpc([Endpoint("anvil", chain.url)], chain.chain_id) as rpc:
            reader = Reader(web3_over(rpc))
            return [await _holdings(market, owners, reader), *await _trips(market, owners[:1], reader)]


async def _holdings(market: AaveMarket, owners: tuple[ChecksumAddress, ...], reader: Reader) -> Row:
    """Best of three each, in turn, so that a slow moment of the machine does not hit one side only."""
    of = adapter("aave_v3")
    block = await reader.head()
    terms = await reader.run(of.terms(market.market()), block)
    keys = await reader.run(of.positions(terms, owners), block)
    w3 = AsyncWeb3(AsyncHTTPProvider(market.chain.url))
    pool = w3.eth.contract(address=market.pool.address, abi=market.pool.abi)
    gate = asyncio.Semaphore(AT_ONCE)

    async def summary(owner: str) -> object:
        async with gate:
            return await pool.functions.getUserAccountData(owner).call()

    async def theirs() -> object:
        return await asyncio.gather(*map(summary, owners))

    async def ours() -> object:
        held = await reader.run(of.holdings(terms, keys), block)
        assert len(held) == len(owners)
        return held

    quick, slow = zip(*[(await timed(ours), await timed(theirs)) for _ in range(3)], strict=True)
    await w3.provider.disconnect()
    return faster("holdings", "ms per account", min(quick) / len(owners) * 1e3, min(slow) / len(owners) * 1e3, 15)


async def _trips(market: AaveMarket, owner: tuple[ChecksumAddress, ...], reader: Reader) -> list[Row]:
    """Sequential round trips of one wallet on one market; chain id, head and the final look at the block are not counted."""
    block = await reader.head()

    async def trips(query: Query[object]) -> int:
        before = reader.rounds
        await reader.run(query, block)
        return reader.rounds - before

    terms = await reader.run(adapter("aave_v3").terms(market.market()), block)
    unknown = await trips(facts(market.market(), owner))
    cached = await trips(facts(market.market(), owner, terms))
    return [
        Row("trips, terms unknown", "round trips", unknown, 8, unknown, 8, at_most=True),
        Row("trips, terms cached", "round trips", cached, 3, cached, 3, at_most=True),
    ]


def rows() -> list[Row]:
    return asyncio.run(measure())
