"""History: readings into SQLite against SQLModel's own way, and out of it again, recomputed, against reading the chain again."""

from __future__ import annotations

import asyncio
import tempfile
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

from eth_typing import ChecksumAddress
from sqlalchemy import delete
from sqlmodel import Session

from tests.benchmarks.row import Row, best, faster
from watcher.adapter import Position, Which
from watcher.adapters import adapter
from watcher.chain.endpoint import Endpoint
from watcher.chain.provider import web3_over
from watcher.chain.reader import Reader
from watcher.chain.rpc import Rpc
from watcher.cycle import MarketCycle, cycle
from watcher.entries import entries
from watcher.localchain import aave_actions
from watcher.localchain.aave_v36 import deploy_v36
from watcher.localchain.anvil import Anvil
from watcher.localchain.multicall import place_multicall
from watcher.localchain.scenario import account, set_price
from watcher.model import BlockRef, PositionKey
from watcher.store import recall
from watcher.store.history import record
from watcher.store.open import Store, open_store
from watcher.store.rows import insert
from watcher.store.tables import READING, Reading
from watcher.units import Raw

POSITIONS, BLOCKS = 20, 500
YEAR = 365 * 86_400 // 300  # readings, one every five minutes
STORED, READ = 1_000, 40  # of them, to tell what one costs
WHO, LENDER = account("owner of a history"), account("lender of the history")


def rows() -> list[Row]:
    return asyncio.run(measure())


async def measure() -> list[Row]:
    with tempfile.TemporaryDirectory() as folder:
        async with Anvil() as chain:
            await place_multicall(chain)
            market = await deploy_v36(chain)
            await aave_actions.supply(market, LENDER, "USDC", 10**13)
            await aave_actions.supply(market, WHO, "WETH", 10**19)
            await aave_actions.borrow(market, WHO, "USDC", 10**9)
            await set_price(market.reserves["WETH"].feed, market.reserves["WETH"].asset.price - 1)
            async with Rpc([Endpoint("anvil", chain.url)], chain.chain_id) as rpc:
                reader = Reader(web3_over(rpc))
                block = await reader.head()
                (seen,) = await cycle(reader, block, [market.market()], [WHO], audit=False)
                with open_store(Path(folder) / "insert.db", write=True, create=True) as store:
                    inserted = _inserted(store, seen)
                with open_store(Path(folder) / "year.db", write=True, create=True) as store:
                    return [inserted, await _year(store, reader, seen)]


def _inserted(store: Store, seen: MarketCycle) -> Row:
    """The same readings of twenty positions at five hundred blocks, in one transaction, tables emptied before every try."""
    keys = [PositionKey(seen.market.name, number.to_bytes(20)) for number in range(POSITIONS)]
    (row,) = seen.rows
    rows = tuple(replace(row, reading=replace(row.reading, key=key), position=_held(row.position, key)) for key in keys)
    record(store, seen.block, entries([replace(seen, rows=rows)]), read_at=1)
    with store.read() as connection:
        first = [tuple(row) for row in connection.execute(READING.select())]
    given = [(row[0], number, *row[2:]) for row in first for number in range(1, BLOCKS + 1)]
    names = [column.name for column in READING.columns]

    def ours() -> None:
        with store.write() as connection:
            insert(connection, READING, given)

    def theirs() -> None:
        with store.write() as connection, Session(bind=connection) as session:
            session.add_all([Reading(**dict(zip(names, row, strict=True))) for row in given])
            session.flush()

    quick, slow = zip(*[(_alone(store, ours), _alone(store, theirs)) for _ in range(3)], strict=True)
    count = len(given)
    return faster("history, insert", "µs per reading", min(quick) / count * 1e6, min(slow) / count * 1e6, 10)


def _held(position: Position[Any, Any, Any], key: PositionKey) -> Position[Any, Any, Any]:
    return replace(position, holding=replace(position.holding, key=key))


def _alone(store: Store, work: Callable[[], None]) -> float:
    with store.write() as connection:
        connection.execute(delete(READING))
    return best(1, work)


async def _year(store: Store, reader: Reader, seen: MarketCycle) -> Row:
    """Every five minutes another price and other indices, so that nothing is saved by facts that stay."""
    (row,) = seen.rows
    of, key = adapter(seen.market.protocol), row.reading.key
    for number in range(STORED):
        at = BlockRef(number + 1, seen.block.timestamp + 300 * number, seen.block.chain, seen.block.hash)
        stored = replace(
            seen.stored,
            prices=tuple(price and price + number for price in seen.stored.prices),
            states=tuple(replace(state, free=Raw(state.free + number)) for state in seen.stored.states),
        )
        record(store, at, entries([replace(seen, block=at, stored=stored)]), read_at=1)

    def ours() -> None:
        for found in recall.course(store, of, seen.market, key):
            quote = of.accrue(found.terms, found.quote, found.kept.block, Which.ALL)
            of.value(found.terms, quote, found.holding)

    async def theirs() -> None:
        for _ in range(READ):
            await _again(reader, seen, WHO)

    quick, slow = [], []
    for _ in range(3):
        start = time.perf_counter()
        ours()
        quick.append((time.perf_counter() - start) / STORED)
        start = time.perf_counter()
        await theirs()
        slow.append((time.perf_counter() - start) / READ)
    return faster(
        f"history, a year recomputed, from {STORED:,} and {READ}", "s", min(quick) * YEAR, min(slow) * YEAR, 20
    )


async def _again(reader: Reader, seen: MarketCycle, who: ChecksumAddress) -> None:
    """One reading of the chain, terms known, as a cycle does it."""
    (found,) = await cycle(reader, seen.block, [seen.market], [who], {seen.market.name: seen.terms}, audit=False)
    assert found.error is None and found.rows[0].reading.valuation is not None
