"""A long random run on the real contracts, stored block by block: every reading comes out of the stored words again, to the last unit."""

from __future__ import annotations

import asyncio
import random
import sys
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeAlias

import pytest

from tests.onchain.conftest import Local
from watcher.adapter import Position, Which
from watcher.adapters import adapter
from watcher.chain.endpoint import Endpoint
from watcher.chain.provider import web3_over
from watcher.chain.reader import Reader
from watcher.chain.rpc import Rpc
from watcher.cycle import cycle
from watcher.entries import entries
from watcher.errors import CallReverted
from watcher.health.status import read
from watcher.localchain import aave_actions, morpho_actions
from watcher.localchain.aave_market import AaveMarket
from watcher.localchain.anvil import Anvil
from watcher.localchain.scenario import account, reorg, set_price
from watcher.model import BlockRef, Market, PositionKey, Reading
from watcher.store import recall
from watcher.store.history import orphan, record
from watcher.store.open import Store, open_store

# Blocks, and a seed with which everything happens twice.
RUNS = [(50, 20_261_151), pytest.param(90, 20_261_122, marks=pytest.mark.long)]
OWNERS = tuple(account(f"stored {n}") for n in range(6))
LENDER = account("lender of the stored")
PRICES = {  # answers that the sources begin with; the last market's rate cannot be foretold
    "WETH/USDC": 2_000 * 10**8,
    "wstETH/WETH": 12 * 10**35,
    "WBTC/USDC": 60_000 * 10**34,
}
DEBTS = {"WETH/USDC": 10**9, "wstETH/WETH": 9 * 10**17, "WBTC/USDC": 10**9}
SECONDS = (1, 2, 12, 12, 12, 3_600, 86_400, 30 * 86_400)

Deed: TypeAlias = Callable[[], Awaitable[Any]]


@dataclass
class Run:
    """What was read, by position and block, beside the store that was told the same."""

    local: Local
    store: Store
    reader: Reader
    dice: random.Random
    truth: dict[tuple[PositionKey, int], Reading] = field(default_factory=dict)
    known: dict[str, Any] = field(default_factory=dict)
    met: Counter[str] = field(default_factory=Counter)

    @property
    def markets(self) -> tuple[Market, ...]:
        morpho = (self.local.morpho.market(name) for name in PRICES)
        return (self.local.v30.market(), self.local.v36.market(), *morpho)

    async def look(self) -> BlockRef:
        """One cycle at the head, written down."""
        block = await self.reader.head()
        found = await cycle(self.reader, block, self.markets, OWNERS, self.known, audit=False)
        record(self.store, block, entries(found), read_at=block.timestamp)
        for seen in found:
            assert seen.error is None, seen.error
            self.known[seen.market.name] = seen.terms
            for row in seen.rows:
                self.truth[row.reading.key, block.number] = row.reading
                self.met[row.reading.status] += 1
        return block


@asynccontextmanager
async def running(local: Local, path: Path, seed: int) -> AsyncIterator[Run]:
    endpoint = Endpoint("local", local.chain.url)
    async with Rpc([endpoint], local.chain.chain_id) as rpc:
        with open_store(path, write=True, create=True) as store:
            run = Run(local, store, Reader(web3_over(rpc)), random.Random(seed))
            await enter(run)
            yield run


async def enter(run: Run) -> None:
    """Everybody has collateral everywhere and owes something."""
    for aave in (run.local.v30, run.local.v36):
        for symbol in ("USDC", "DAI"):
            await aave_actions.supply(aave, LENDER, symbol, units(aave, symbol, 10_000_000))
        for who in OWNERS:
            await aave_actions.supply(aave, who, "WETH", units(aave, "WETH", 10))
            symbol = run.dice.choice(("USDC", "DAI"))
            await aave_actions.borrow(aave, who, symbol, units(aave, symbol, 10_000))
    for name in PRICES:
        world = run.local.morpho
        market = world.markets[name]
        await morpho_actions.lend(world, market, LENDER, 10**15)
        for who in OWNERS:
            await morpho_actions.supply_collateral(world, market, who, 10**18)
            await morpho_actions.borrow(world, market, who, DEBTS[name])


def units(aave: AaveMarket, symbol: str, amount: int) -> int:
    return amount * int(10 ** aave.reserves[symbol].decimals)


async def something(run: Run) -> None:
    """One random thing, or a refusal of it: somebody acts, a price or a threshold moves, time passes, a feed breaks."""
    dice, world = run.dice, run.local.morpho
    aave, who = dice.choice((run.local.v30, run.local.v36)), dice.choice(OWNERS)
    name = dice.choice(list(PRICES))
    market = world.markets[name]
    weth = aave.reserves["WETH"]
    threshold = dice.choice((7_900, 8_250))
    deeds: Sequence[tuple[str, Deed]] = (
        ("aave borrow", lambda: aave_actions.borrow(aave, who, "USDC", units(aave, "USDC", dice.randrange(1, 9_000)))),
        ("aave supply", lambda: aave_actions.supply(aave, who, "WETH", dice.randrange(1, 10**19))),
        ("aave repay", lambda: aave_actions.repay(aave, who, "USDC", dice.randrange(1, 10**9))),
        ("aave mode", lambda: aave_actions.set_mode(aave, who, dice.choice((0, 1)))),
        ("aave price", lambda: set_price(weth.feed, weth.asset.price * dice.randrange(300, 1_500) // 1_000)),
        ("aave no price", lambda: set_price(weth.feed, 0)),
        ("aave terms", lambda: aave_actions.set_thresholds(aave, "WETH", 7_500, threshold, 10_500)),
        ("morpho borrow", lambda: morpho_actions.borrow(world, market, who, dice.randrange(1, 10**9))),
        ("morpho supply", lambda: morpho_actions.supply_collateral(world, market, who, dice.randrange(1, 10**18))),
        ("morpho repay", lambda: morpho_actions.repay(world, market, who, dice.randrange(1, 10**6))),
        ("morpho price", lambda: set_price(market.source, PRICES[name] * dice.randrange(500, 1_100) // 1_000)),
        ("time", lambda: run.local.chain.advance(dice.choice(SECONDS))),
    )
    kind, deed = dice.choice(deeds)
    try:
        await deed()
        run.met[kind] += 1
    except CallReverted:
        run.met[f"refused: {kind}"] += 1
        await run.local.chain.mine()


def recomputed(run: Run, found: recall.Recalled[Any, Any, Any], market: Market) -> Reading:
    of, block = adapter(market.protocol), found.kept.block
    quote = of.accrue(found.terms, found.quote, block, Which.ALL)
    return read(found.kept.key, block, Position(of, found.terms, quote, found.holding))


def compare(run: Run) -> int:
    """Every reading of the truth, through `facts_at` and in one walk, and nothing else in the store."""
    compared, stored = 0, set()
    for market in run.markets:
        for who in OWNERS:
            key = PositionKey(market.name, bytes.fromhex(who[2:]))
            course = list(recall.course(run.store, adapter(market.protocol), market, key))
            for found in course:
                truth = run.truth[key, found.kept.block.number]
                assert found.kept.block == truth.block
                assert recomputed(run, found, market) == truth
                stored.add((key, found.kept.block.number))
                compared += 1
            one = run.dice.choice(course).kept.block.number
            alone = recall.facts_at(run.store, adapter(market.protocol), market, key, one)
            assert alone is not None and recomputed(run, alone, market) == run.truth[key, one]
    assert stored == set(run.truth)
    return compared


@pytest.mark.parametrize(("blocks", "seed"), RUNS)
def test_every_reading_of_a_long_random_run_comes_out_of_the_stored_words_again(
    blocks: int, seed: int, local: Local, chain: Anvil, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    async def story() -> tuple[Run, int]:
        async with running(local, tmp_path / "watcher.db", seed) as run:
            for step in range(blocks):
                await something(run)
                block = await run.look()
                if step % 20 == 10:
                    await undone(run, block)
            return run, compare(run)

    async def undone(run: Run, head: BlockRef) -> None:
        """A reorg of three blocks: what was stored of them goes, and the run goes on upon the others."""
        await reorg(chain, 3)
        orphan(run.store, head.chain, head.number - 3)
        run.truth = {(key, number): seen for (key, number), seen in run.truth.items() if number <= head.number - 3}
        run.met["reorg"] += 1

    run, compared = asyncio.run(story())
    with capsys.disabled():
        lines = [f"{what}: {count}" for what, count in sorted(run.met.items())]
        sys.stdout.write("\n  ".join(["", f"store: {compared} readings recomputed", *lines, ""]))
    assert compared > blocks * len(OWNERS) * len(run.markets) * 8 // 10
    for case in (
        "aave price",
        "aave terms",
        "morpho borrow",
        "morpho price",
        "time",
        "unknown",
        "liquidatable",
        "reorg",
    ):
        assert run.met[case] >= 2, case
