"""`watcher liquidations` over a crowd that was liquidated at random: every figure of every row, and every repayment and price tried out.

The chain is taken back to the block before each liquidation, from the last to the first. Takes minutes.
"""

from __future__ import annotations

import asyncio
import random
import sys
from collections import Counter
from dataclasses import dataclass

import pytest
from eth_typing import ChecksumAddress
from eth_utils.address import to_checksum_address as checksum
from web3 import AsyncHTTPProvider, AsyncWeb3

from tests.onchain.aave_liquidation import topic
from tests.onchain.acceptance import crowd
from tests.onchain.acceptance.aim import feeds
from tests.onchain.acceptance.crowd import LIQUIDATOR
from tests.onchain.acceptance.ours import owner, product, valued
from tests.onchain.account_scene import configured, plain
from tests.onchain.conftest import Local
from tests.onchain.liquidation_scene import Deed, back
from watcher.chronicle.case import Before, Case, Delay, Money
from watcher.chronicle.court import Court
from watcher.chronicle.liquidations import cases, liquidated
from watcher.chronicle.past import Past
from watcher.connection import connect
from watcher.errors import CallReverted
from watcher.localchain.aave_actions import STABLE, VARIABLE
from watcher.localchain.aave_market import AaveMarket
from watcher.localchain.contract import Contract, Receipt
from watcher.model import Side
from watcher.units import MAX, WAD

CRASHES = (  # prices in percent of the listed ones
    {"WETH": 94, "WBTC": 92, "LINK": 92, "wstETH": 91, "AAVE": 84, "USDC": 98},
    {"WETH": 80, "WBTC": 80, "LINK": 78, "wstETH": 80, "AAVE": 70, "USDC": 101},
    {"WETH": 60, "WBTC": 60, "LINK": 55, "wstETH": 58, "AAVE": 50, "USDC": 103},
)
ACCOUNTS = 60
Done = dict[int, tuple[str, Receipt]]  # by block: a snapshot of the one before, and what the liquidation logged


@pytest.mark.long
@pytest.mark.parametrize("aave", ["3.0", "3.6"], indirect=True)
def test_every_row_is_true_and_what_would_have_been_would_have_been(
    aave: AaveMarket, local: Local, capsys: pytest.CaptureFixture[str]
) -> None:
    met = asyncio.run(run(aave, local))
    with capsys.disabled():
        sys.stdout.write(f"\nAave V{aave.version}, past liquidations: {dict(met)}\n")
    assert met["rows"] >= 20
    assert met["saved"] >= 20
    assert met["crossed"] >= 20
    assert met["bad debt"] >= 3


async def run(aave: AaveMarket, local: Local) -> Counter[str]:
    first = await aave.chain.block_number() + 1
    done = await crashed(aave, random.Random(2))
    met = Counter({"rows": len(done)})
    found = await told(aave, local, first)
    assert [case.block.number for case in found] == sorted(done)
    w3 = AsyncWeb3(AsyncHTTPProvider(aave.chain.url))
    try:
        for case in found:
            assert case.unknown == ()
            await Truth(aave, w3, met).row(case, done[case.block.number][1])
    finally:
        await w3.provider.disconnect()
    for case in reversed(found):
        assert isinstance(case.before, Before)
        await tried(aave, done[case.block.number][0], case, case.before, met)
    return met


async def crashed(aave: AaveMarket, dice: random.Random) -> Done:
    """Three crashes, after each of which every account that can be liquidated is, in part or as far as possible."""
    plans, chain, done = crowd.plans(aave, dice)[:ACCOUNTS], aave.chain, Done()
    await crowd.prepare(aave)
    await crowd.enter(aave, plans)
    async with product(aave) as ours:
        for prices in CRASHES:
            await chain.advance(10 * 86_400)
            for symbol, percent in prices.items():
                await aave.reserves[symbol].feed.send("set", aave.reserves[symbol].asset.price * percent // 100)
            for row in (await ours.cycle([plan.who for plan in plans])).rows:
                legs = valued(row).legs if valued(row).liquidatable and valued(row).blocked is None else ()
                pairs = [(d, c) for d in legs for c in legs if (d.side, c.side) == (Side.DEBT, Side.COLLATERAL)]
                if not pairs:
                    continue
                debt, held = dice.choice(pairs)
                amount = dice.choice((MAX, debt.amount // 3 + 1, debt.amount // 10 + 1))
                call = (held.token.address, debt.token.address, owner(row), amount, dice.random() < 0.3)
                before = await chain.snapshot()
                await chain.next_timestamp(await chain.timestamp() + dice.choice((0, 1, 12, 600)))
                try:
                    sent = await aave.pool.send("liquidationCall", *call, sender=LIQUIDATOR)
                except CallReverted:  # dust, or healed by a liquidation before
                    await chain.revert(before)
                else:
                    done[sent.block] = before, sent
    return done


async def told(aave: AaveMarket, local: Local, first: int) -> list[Case]:
    async with connect(configured(local)) as line:
        past, head = Past(line.reader, aave.market()), await line.reader.head()
        court = Court(line, past, head)
        terms = (await past.at(head.number, ())).terms
        found = await liquidated(court, terms, first, head.number, lambda _: None)
        return [case async for case in cases(court, found)]


@dataclass(frozen=True, slots=True)
class Truth:
    """The pool's own answers at past blocks, and the receipts."""

    aave: AaveMarket
    w3: AsyncWeb3[AsyncHTTPProvider]
    met: Counter[str]

    async def data(self, who: ChecksumAddress, block: int) -> tuple[int, ...]:
        asked = plain(self.w3, self.aave.pool).functions.getUserAccountData(who)
        return tuple(await asked.call(block_identifier=block))

    async def row(self, case: Case, sent: Receipt) -> None:
        assert isinstance(case.before, Before)
        assert isinstance(case.delay, Delay)
        assert isinstance(case.money, Money)
        who, block = checksum(case.told.key.key), case.block.number
        assert case.before.health == (await self.data(who, block - 1))[5]
        since = block
        while (await self.data(who, since - 1))[5] < WAD:
            since -= 1
        assert case.delay.since == since
        assert case.told.fee == self.fee(sent)
        bad = {token.address: amount for token, amount in case.money.bad}
        self.met["bad debt"] += bool(bad)
        if self.aave.version == "3.0":
            collateral, debt, *_ = await self.data(who, block)
            assert bool(bad) is (collateral == 0 and debt > 0)
        else:
            logs = [log for log in sent.logs if log["topics"][0] == topic("DeficitCreated(address,address,uint256)")]
            assert bad == {checksum(log["topics"][2][26:]): int(log["data"], 16) for log in logs}

    def fee(self, sent: Receipt) -> int:
        """What the treasury was sent, without the interest that its token mints to it at the same time."""
        treasury = self.aave.treasury[2:].lower().rjust(64, "0")
        moved = [log for log in sent.logs if log["topics"][0] == topic("Transfer(address,address,uint256)")]
        given = [log for log in moved if log["topics"][2][2:] == treasury and int(log["topics"][1], 16)]
        return sum(int(log["data"], 16) for log in given)


async def tried(aave: AaveMarket, snapshot: str, case: Case, before: Before, met: Counter[str]) -> None:
    """At the end of the block before, and at its time: the repayment and one raw unit less; the trigger price and the next one."""
    who, saving, trigger = checksum(case.told.key.key), before.saving, before.trigger
    if saving.amount is not None and not saving.foreseen:
        for amount, healthy in ((saving.amount, True), (saving.amount - 1, False)):
            if amount:
                snapshot = await back(aave.chain, snapshot)
                assert await repaid(aave, case, who, amount) is healthy
                met["saved"] += healthy
    if trigger.answer is not None and trigger.before is not None:
        source, _, _ = feeds(aave)[trigger.price.token.address]
        falls = (trigger.answer > trigger.before) is before.liquidatable  # else it is a rise that does it
        for answer, healthy in ((trigger.answer, False), (trigger.answer + (1 if falls else -1), True)):
            snapshot = await back(aave.chain, snapshot)
            assert await priced(aave, source, answer, who) is healthy
        met["crossed"] += 1
    await aave.chain.revert(snapshot)


async def repaid(aave: AaveMarket, case: Case, who: ChecksumAddress, amount: int) -> bool:
    """Whether the account is healthy after it repaid so much, or could not."""
    debt, now = aave.by_address(case.told.debt), await aave.chain.timestamp()
    variable = await debt.debt.call("balanceOf", who)
    sent: list[Deed] = [
        (debt.token, ("mint", who, amount), LIQUIDATOR),
        (debt.token, ("approve", aave.pool.address, MAX), who),
        (aave.pool, ("repay", debt.token.address, amount, VARIABLE if variable else STABLE, who), who),
    ]
    try:
        for of, args, sender in sent:
            await aave.chain.next_timestamp(now)
            await of.send(*args, sender=sender)
    except CallReverted:  # too little to burn one scaled unit
        pass
    return bool((await aave.pool.call("getUserAccountData", who))[5] >= WAD)


async def priced(aave: AaveMarket, source: Contract, answer: int, who: ChecksumAddress) -> bool:
    await aave.chain.next_timestamp(await aave.chain.timestamp())
    await source.send("set", answer)
    return bool((await aave.pool.call("getUserAccountData", who))[5] >= WAD)
