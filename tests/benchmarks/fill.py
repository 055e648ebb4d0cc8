"""What ten thousand real accounts hold, read for a book that begins: discovery left out, against one contract call each by web3."""

from __future__ import annotations

import asyncio

from eth_typing import ChecksumAddress
from web3 import AsyncHTTPProvider, AsyncWeb3

from tests.benchmarks.holdings import AT_ONCE, timed
from tests.benchmarks.row import Row, faster
from tests.benchmarks.watching import configured
from watcher.adapters import adapter
from watcher.connection import Connection, connect
from watcher.localchain.aave_market import AaveMarket
from watcher.localchain.aave_v36 import deploy_v36
from watcher.localchain.anvil import Anvil
from watcher.localchain.multicall import place_multicall
from watcher.localchain.seeder import seed
from watcher.model import PositionKey
from watcher.survey.fill import Standing

ACCOUNTS = 10_000
ROUNDS = 3


def rows() -> list[Row]:
    return asyncio.run(measure())


async def measure() -> list[Row]:
    async with Anvil() as chain:
        await place_multicall(chain)
        market = await deploy_v36(chain)
        owners = await seed(market, ACCOUNTS)
        async with connect(configured(chain, [market.market()])) as line:
            return [await _compared(market, owners, line)]


async def _compared(market: AaveMarket, owners: tuple[ChecksumAddress, ...], line: Connection) -> Row:
    """Best of three each, in turn, so that a slow moment of the machine does not hit one side only. Ours are all words that the account's
    value follows from, under any prices; theirs is one summary."""
    of, of_market = adapter("aave_v3"), market.market()
    terms = await line.reader.run(of.terms(of_market), await line.block())
    keys = [PositionKey(of_market.name, bytes.fromhex(owner[2:])) for owner in owners]
    w3 = AsyncWeb3(AsyncHTTPProvider(market.chain.url))
    pool = w3.eth.contract(address=market.pool.address, abi=market.pool.abi)
    gate = asyncio.Semaphore(AT_ONCE)

    async def summary(owner: str) -> object:
        async with gate:
            return await pool.functions.getUserAccountData(owner).call()

    async def theirs() -> object:
        return await asyncio.gather(*map(summary, owners))

    async def ours() -> object:
        standing = Standing(of, of_market, terms)
        await standing.fill(line, keys)
        assert len(standing.held) == len(owners)
        return standing

    quick, slow = [], []
    for _ in range(ROUNDS):
        quick.append(await timed(ours))
        slow.append(await timed(theirs))
    await w3.provider.disconnect()
    return faster("fill, 10,000 accounts", "s", min(quick), min(slow), 15)
