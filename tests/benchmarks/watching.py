"""What a cycle of `watcher run` costs this machine, ten wallets on three markets, against reading the same words by web3."""

from __future__ import annotations

import asyncio
import json
import tempfile
import time
from collections.abc import Awaitable, Callable, Iterator, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Any, TypeVar

from web3 import AsyncHTTPProvider, AsyncWeb3

from tests.benchmarks.row import Row, faster
from watcher.adapters import adapter
from watcher.chain.abi import function
from watcher.chain.reader import Reader
from watcher.cli.account.bands import usual
from watcher.config import Chain, Endpoint
from watcher.connection import Connection, connect
from watcher.cycle import cycle
from watcher.data import root
from watcher.localchain import aave_actions, morpho_actions
from watcher.localchain.aave_market import AaveMarket
from watcher.localchain.aave_v30 import deploy_v30
from watcher.localchain.aave_v36 import deploy_v36
from watcher.localchain.anvil import Anvil
from watcher.localchain.morpho import MorphoChain, deploy_morpho
from watcher.localchain.multicall import MULTICALL3, place_multicall
from watcher.localchain.scenario import account, set_price
from watcher.model import BlockRef, Market
from watcher.query import Batch, Query, Read
from watcher.store.open import open_store
from watcher.units import YEAR
from watcher.watching.chain import WatchedChain
from watcher.watching.journal import Journal

T = TypeVar("T")
WALLETS, ROUNDS, AT_ONCE = 10, 3, 32
OWNERS = tuple(account(f"wallet {n}") for n in range(WALLETS))
LENDER = account("lender of the wallets")


@dataclass
class Tapped:
    """A reader that remembers what it was asked."""

    reader: Reader
    asked: list[Read] = field(default_factory=list)

    async def run(self, query: Query[T], block: BlockRef) -> T:
        return await self.reader.run(self._tap(query), block)

    def _tap(self, query: Query[T]) -> Query[T]:
        answers = None
        while True:
            try:
                reads = next(query) if answers is None else query.send(answers)
            except StopIteration as stop:
                return stop.value  # type: ignore[no-any-return]
            self.asked.extend(reads)
            answers = yield reads


def rows() -> list[Row]:
    return asyncio.run(measure())


async def measure() -> list[Row]:
    with tempfile.TemporaryDirectory() as folder:
        async with Anvil() as chain:
            await place_multicall(chain)
            aave, morpho = (await deploy_v30(chain), await deploy_v36(chain)), await deploy_morpho(chain)
            for market in aave:
                await _enter_aave(market)
            await _enter_morpho(morpho)
            markets = (*(market.market() for market in aave), morpho.market("WETH/USDC"))
            async with connect(configured(chain, markets)) as line:
                journal = Journal(open_store(Path(folder) / "watcher.db", write=True, create=True), ())
                try:
                    return [await _compared(line, journal, aave[0])]
                finally:
                    journal.close()


def configured(chain: Anvil, markets: Sequence[Market]) -> Chain:
    """The local chain as a chains file would have it; its head may be of any age."""
    return Chain(
        name=markets[0].name.partition("/")[0],
        id=chain.chain_id,
        endpoints=(Endpoint("anvil", chain.url),),
        block_time=Decimal(1),
        finality=64,
        stale_head=YEAR,
        multicall3=MULTICALL3,
        markets=tuple(markets),
    )


async def _enter_aave(market: AaveMarket) -> None:
    await aave_actions.supply(market, LENDER, "USDC", 10**13)
    for who in OWNERS:
        await aave_actions.supply(market, who, "WETH", 10**19)
        await aave_actions.borrow(market, who, "USDC", 10**9)


async def _enter_morpho(world: MorphoChain) -> None:
    market = world.markets["WETH/USDC"]
    for who in OWNERS:
        await morpho_actions.supply_collateral(world, market, who, 10**18)
        await morpho_actions.borrow(world, market, who, 10**8)


async def _compared(line: Connection, journal: Journal, moving: AaveMarket) -> Row:
    """Every round is a new block with a new price. CPU time of this process with its threads: the node's work is not counted.

    Ours is a whole turn: the head, the proof that the terms still hold, the audit, the bands, and all of it in the store.
    """
    reader, markets = line.reader, line.chain.markets
    watched = WatchedChain(line, OWNERS, usual(line.chain), journal)
    tapped, feed, head = Tapped(reader), moving.reserves["WETH"], await reader.head()
    for one in await cycle(
        reader, head, markets, OWNERS, audit=False
    ):  # theirs need not prove that the terms still hold; ours do
        of, keys = adapter(one.market.protocol), [row.reading.key for row in one.rows]
        await tapped.run(of.quote(one.terms), head)
        await tapped.run(of.holdings(one.terms, keys), head)
    w3 = AsyncWeb3(AsyncHTTPProvider(moving.chain.url))
    calls = [call for read in tapped.asked for call in _calls(w3, read)]

    async def ours() -> None:
        turn = await watched.turn()
        assert turn.complete, turn
        assert len(turn.statuses) == WALLETS * len(markets)

    async def theirs() -> None:
        gate = asyncio.Semaphore(AT_ONCE)

        async def one(call: Any) -> object:
            async with gate:
                return await call.call()

        await asyncio.gather(*map(one, calls))

    await ours()  # the terms are read once
    quick, slow = [], []
    for number in range(ROUNDS):
        await set_price(feed.feed, feed.asset.price - number)
        quick.append(await _spent(ours))
        slow.append(await _spent(theirs))
    await w3.provider.disconnect()
    return faster(f"watching, {len(calls)} words", "CPU ms per cycle", min(quick) * 1e3, min(slow) * 1e3, 5)


async def _spent(work: Callable[[], Awaitable[None]]) -> float:
    start = time.process_time()
    await work()
    return time.process_time() - start


def _calls(w3: Any, read: Read) -> Iterator[Any]:
    """One contract call per row that answers; the ones that may revert are left out, which favours web3."""
    if not isinstance(read, Batch) or read.optional:
        return
    for target, args in zip(read.targets, read.args, strict=True):
        yield w3.eth.contract(address=target, abi=_abi(read.function)).get_function_by_selector(
            function(read.function).selector
        )(*args)


@cache
def _abi(name: str) -> list[Any]:
    """The functions of the contract that `name` belongs to."""
    items = json.loads((root() / "abis" / f"{name.partition('.')[0]}.json").read_text())
    return [item for item in items if item["type"] == "function"]
