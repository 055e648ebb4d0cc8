"""Whole markets on the real contracts: the borrowers found are those who were seeded, and what they hold is what plain calls say."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import Any

from web3 import AsyncHTTPProvider, AsyncWeb3

from tests.onchain.account_scene import configured, plain
from tests.onchain.conftest import Local
from watcher.connection import connect
from watcher.localchain.aave_market import AaveMarket
from watcher.localchain.seeder import seed
from watcher.model import BlockRef, Market, PositionKey
from watcher.survey.open import Opened, Step, open_market

PLAIN = 100  # calls in one request of the plain client


def key(market: AaveMarket, owner: str) -> PositionKey:
    return PositionKey(market.name, bytes.fromhex(owner[2:]))


def opened(local: Local, market: Market, finality: int = 1, **options: Any) -> Opened[Any, Any, Any]:
    async def run() -> Opened[Any, Any, Any]:
        async with connect(replace(configured(local), finality=finality)) as line:
            return await open_market(line, market, **options)

    return asyncio.run(run())


def said(market: AaveMarket, calls: list[tuple[Any, str]], block: BlockRef) -> list[int]:
    """What a plain client with the packages' own ABIs is told at the newest block, which is `block`: (contract, account) each."""

    async def run() -> list[int]:
        w3 = AsyncWeb3(AsyncHTTPProvider(market.chain.url))
        functions = {id(contract): plain(w3, contract).functions for contract, _ in calls}
        views = {
            known: one.getUserConfiguration if known == id(market.pool) else one.scaledBalanceOf
            for known, one in functions.items()
        }
        answers: list[Any] = []
        for start in range(0, len(calls), PLAIN):
            async with w3.batch_requests() as batch:
                for contract, owner in calls[start : start + PLAIN]:
                    batch.add(views[id(contract)](owner))
                answers += await batch.async_execute()
        assert (await w3.eth.get_block("latest"))["hash"].to_0x_hex() == block.hash
        await w3.provider.disconnect()
        return [answer if isinstance(answer, int) else answer[0] for answer in answers]

    return asyncio.run(run())


def test_all_borrowers_are_found_and_hold_what_the_contracts_say(local: Local, aave: AaveMarket) -> None:
    owners = asyncio.run(seed(aave, {"3.0": 200, "3.6": 1_000}[aave.version]))
    steps: list[Step] = []
    found = opened(local, aave.market(), tell=steps.append)
    assert set(found.holdings) == {key(aave, owner) for owner in owners}
    assert found.coverage.exact and sum(column.total for column in found.coverage.debts) > 0
    assert steps[-1].done == steps[-1].total and {step.of for step in steps} == {"blocks", "accounts"}

    reserves = list(aave.reserves.values())
    words = said(aave, [(aave.pool, owner) for owner in owners], found.block)
    assert [found.holdings[key(aave, owner)].flags for owner in owners] == words
    flagged = [(owner, word >> 2 * r.id, r) for owner, word in zip(owners, words, strict=True) for r in reserves]
    deposits = [(owner, reserve) for owner, bits, reserve in flagged if bits & 2]
    debts = [(owner, reserve) for owner, bits, reserve in flagged if bits & 1]
    assert len(deposits) == len(debts) == len(owners)
    truth = said(aave, [(reserve.receipt, owner) for owner, reserve in deposits], found.block)
    assert [found.holdings[key(aave, owner)].balance(reserve.id).deposit for owner, reserve in deposits] == truth
    truth = said(aave, [(reserve.debt, owner) for owner, reserve in debts], found.block)
    assert [found.holdings[key(aave, owner)].balance(reserve.id).debt for owner, reserve in debts] == truth
