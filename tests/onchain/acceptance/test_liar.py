"""Against a node that falsifies every summary of a pool our figures do not change at all, and the audit reports every position.

Summaries are what a contract computes for whoever asks: account data, normalised indices, balances of receipts and debts, the package's
own data provider. What it stores is passed on as it is.
"""

from __future__ import annotations

import asyncio
import random
from collections import Counter
from dataclasses import dataclass, field
from typing import Any

from aiohttp import web
from eth_abi.abi import decode, encode
from eth_utils.crypto import keccak

from tests.chain.server import Exchange, Front, serve
from tests.onchain.acceptance import crowd
from tests.onchain.acceptance.ours import owner, product, valued
from tests.onchain.acceptance.truth import FIELDS
from watcher.cycle import MarketCycle
from watcher.localchain.aave_market import AaveMarket
from watcher.localchain.multicall import MULTICALL3
from watcher.model import DoubtKind

AGGREGATE = keccak(text="aggregate3((address,bool,bytes)[])")[:4]
SUMMARIES = (  # of the pool and its data provider
    "getUserAccountData(address)",
    "getReserveNormalizedIncome(address)",
    "getReserveNormalizedVariableDebt(address)",
    "getUserReserveData(address,address)",
    "getTotalDebt(address)",
    "getATokenTotalSupply(address)",
)
BALANCES = ("balanceOf(address)", "totalSupply()")  # of receipts and debts


@dataclass
class Liar:
    """`told` counts lies by function."""

    local: AaveMarket
    told: Counter[str] = field(default_factory=Counter)

    async def between(self, exchange: Exchange) -> web.StreamResponse:
        batch = isinstance(exchange.asked, list)
        pairs = zip(exchange.asked, exchange.honest, strict=True) if batch else [(exchange.asked, exchange.honest)]
        for asked, answer in pairs:
            if asked["method"] == "eth_call" and "result" in answer:
                message = asked["params"][0]
                question, said = bytes.fromhex(message["data"][2:]), bytes.fromhex(answer["result"][2:])
                answer["result"] = "0x" + self.answer(message["to"].lower(), question, said).hex()
        return web.json_response(exchange.honest)

    def answer(self, target: str, question: bytes, said: bytes) -> bytes:
        """What is answered in place of `said`: inside an aggregate each answer for itself."""
        if question[:4] == AGGREGATE and target == MULTICALL3.lower():
            (calls,) = decode(["(address,bool,bytes)[]"], question[4:])
            (rows,) = decode(["(bool,bytes)[]"], said)
            lies = [(done, self.answer(call[0], call[2], data)) for call, (done, data) in zip(calls, rows, strict=True)]
            return encode(["(bool,bytes)[]"], [lies])
        name = self.summary(target, question[:4])
        if name is None or not said:
            return said
        self.told[name] += 1
        return b"".join((int.from_bytes(said[at : at + 32]) ^ 1).to_bytes(32) for at in range(0, len(said), 32))

    def summary(self, target: str, selector: bytes) -> str | None:
        tokens = [(r.receipt, r.debt, r.stable_debt) for r in self.local.reserves.values()]
        own = {token.address.lower() for row in tokens for token in row if token is not None}
        pool = {self.local.pool.address.lower(), self.local.data_provider.address.lower()}
        for names, targets in ((SUMMARIES, pool), (BALANCES, own)):
            for name in names:
                if keccak(text=name)[:4] == selector and target in targets:
                    return name
        return None


def test_falsified_summaries_change_nothing_and_every_position_is_reported(aave: AaveMarket) -> None:
    async def run() -> None:
        plans = crowd.plans(aave, random.Random(4))[:60]
        owners = [plan.who for plan in plans]
        await crowd.prepare(aave)
        await crowd.enter(aave, plans)
        await aave.chain.advance(100 * 86_400)
        async with product(aave) as honest:
            truth = await honest.cycle(owners, audit=True)
        assert {row.mismatches for row in truth.rows} == {()}
        liar = Liar(aave)
        async with (
            serve(Front(aave.chain.url), always=liar.between) as server,
            product(aave, server.url) as fooled,
        ):
            same(await fooled.cycle(owners, audit=True), truth)
            same(await fooled.cycle(owners, audit=True), truth)  # with known terms
        assert liar.told["getUserAccountData(address)"] == 2 * len(truth.rows)

    asyncio.run(run())


def same(seen: MarketCycle, truth: MarketCycle) -> None:
    assert (seen.terms, seen.quote) == (truth.terms, truth.quote)
    assert [owner(row) for row in seen.rows] == [owner(row) for row in truth.rows]
    for row, true in zip(seen.rows, truth.rows, strict=True):
        assert valued(row) == valued(true)
        assert row.audited
        assert {wrong.field for wrong in row.mismatches} == set(FIELDS)
        assert DoubtKind.MISMATCH in {doubt.kind for doubt in row.reading.doubts}


def test_the_liar_falsifies_all_of_them(aave: AaveMarket) -> None:
    """Whoever reads a summary through it is told something else: alone, and inside an aggregate."""

    async def run() -> None:
        liar, who = Liar(aave), crowd.plans(aave, random.Random(4))[1].who
        reserve, word = aave.reserves["WETH"], (7).to_bytes(32)
        token = reserve.token.address
        asked: list[tuple[Any, bytes]] = [
            (aave.pool, aave.pool.data("getUserAccountData", who)),
            (aave.pool, aave.pool.data("getReserveNormalizedIncome", token)),
            (aave.pool, aave.pool.data("getReserveNormalizedVariableDebt", token)),
            (aave.data_provider, aave.data_provider.data("getUserReserveData", token, who)),
            (reserve.receipt, reserve.receipt.data("balanceOf", who)),
            (reserve.debt, reserve.debt.data("balanceOf", who)),
            (reserve.receipt, reserve.receipt.data("totalSupply")),
        ]
        for contract, data in asked:
            assert liar.answer(contract.address.lower(), data, word) == (6).to_bytes(32)
        calls = [(contract.address, False, data) for contract, data in asked]
        data = AGGREGATE + encode(["(address,bool,bytes)[]"], [calls])
        rows = encode(["(bool,bytes)[]"], [[(True, word)] * len(calls)])
        (lies,) = decode(["(bool,bytes)[]"], liar.answer(MULTICALL3.lower(), data, rows))
        assert {answer for _, answer in lies} == {(6).to_bytes(32)}
        stored = reserve.receipt.data("scaledBalanceOf", who)
        assert liar.answer(reserve.receipt.address.lower(), stored, word) == word

    asyncio.run(run())
