"""`watcher liquidations` on the real contracts: what it says of real liquidations is what tokens, logs and the pool's own views say.

Every saving repayment and trigger price is tried out: the chain is taken back to the block before, and the liquidation is sent again.
"""

from __future__ import annotations

import asyncio
import csv
import io
import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from eth_abi.abi import encode
from eth_utils.address import to_checksum_address as checksum
from eth_utils.crypto import keccak
from web3 import AsyncHTTPProvider, AsyncWeb3
from web3.contract import AsyncContract
from web3.logs import DISCARD

from tests.chain.server import Front, Oops, serve
from tests.onchain.account_scene import Said, units
from tests.onchain.liquidation_scene import (
    ADA,
    BOB,
    CYD,
    LIQUIDATOR,
    Deed,
    Liquidations,
    Record,
    Story,
    back,
    done,
    liquidations,
    priced,
)
from watcher.errors import CallReverted
from watcher.exit import Exit
from watcher.localchain import aave_actions as do
from watcher.localchain.aave_market import AaveMarket, Reserve
from watcher.localchain.contract import Contract, Receipt
from watcher.localchain.scenario import fund, set_price
from watcher.units import MAX, RAY, WAD

__all__ = ["liquidations"]  # a fixture

HEALTHY = (  # the pool's own error, in 3.6 and in 3.0
    keccak(text="HealthFactorNotBelowThreshold()")[:4],
    keccak(text="Error(string)")[:4] + encode(["string"], ["45"]),
)
DEFICIT = "0x" + keccak(text="DeficitCreated(address,address,uint256)").hex()


async def told(aave: AaveMarket) -> Story:
    """Ada is liquidated twice in one block, some blocks after a price; Cyd in the block of his price, for aTokens; Bob to bad debt."""
    chain, feed, story = aave.chain, aave.reserves["WETH"].feed, Story(await aave.chain.block_number() + 1)
    for symbol in ("USDC", "DAI"):
        for who in (ADA, BOB, CYD, LIQUIDATOR):
            await fund(
                aave.reserves[symbol].token, who, 10**6 * 10 ** aave.reserves[symbol].decimals, aave.pool.address
            )
    await do.supply(aave, ADA, "WETH", 10 * 10**18)
    await do.borrow(aave, ADA, "USDC", 12_000 * 10**6)
    await do.borrow(aave, ADA, "DAI", 3_000 * 10**18)
    await do.supply(aave, BOB, "WETH", 10**18)
    await do.borrow(aave, BOB, "USDC", 1_400 * 10**6)
    await do.borrow(aave, BOB, "DAI", 50 * 10**18)
    await do.supply(aave, CYD, "WETH", 10 * 10**18)
    await do.borrow(aave, CYD, "USDC", 14_000 * 10**6)
    await chain.advance(86_400)
    story.fall = (await set_price(feed, 1_790 * 10**8)).block
    for _ in range(5):
        await chain.advance(12)
    await story.liquidated(chain, [seized(aave, ADA, 300 * 10**6), seized(aave, ADA, 200 * 10**6)])
    await chain.advance(12)
    await story.liquidated(chain, [seized(aave, CYD, 1_000 * 10**6, keep=True)], [priced(feed, 1_650 * 10**8)])
    await set_price(feed, 1_000 * 10**8)
    await chain.advance(12)
    await story.liquidated(chain, [seized(aave, BOB)])
    return story


def seized(aave: AaveMarket, borrower: str, amount: int = MAX, *, keep: bool = False) -> Deed:
    return aave.pool, do.liquidation(aave, borrower, "WETH", "USDC", amount, keep), LIQUIDATOR


def test_every_figure_is_what_the_pool_and_the_tokens_say(aave: AaveMarket, liquidations: Liquidations) -> None:
    story = asyncio.run(told(aave))
    said = liquidations(aave.name, "--since", str(story.first))
    assert (said.code, said.err) == (Exit.OK, "")
    rows: list[Record] = json.loads(said.out)
    assert [(int(row["block"]), row["borrower"], int(row["nth_in_block"])) for row in rows] == [
        (story.blocks[0], ADA, 1),
        (story.blocks[0], ADA, 2),
        (story.blocks[1], CYD, 1),
        (story.blocks[2], BOB, 1),
    ]
    asyncio.run(checked(aave, story, rows))


async def checked(aave: AaveMarket, story: Story, rows: list[Record]) -> None:
    """First what stands in the chain's past, then what would have been, from the last liquidation to the first."""
    w3 = AsyncWeb3(AsyncHTTPProvider(aave.chain.url))
    try:
        truth = Truth(aave, w3)
        for receipts in story.receipts:
            mine = [row for row in rows if int(row["block"]) == receipts[0].block]
            await truth.amounts(receipts, mine)
            for row in mine:
                await truth.moment(row)
        assert int(rows[0]["liquidatable_since"]) == story.fall
        assert [int(row["delay_blocks"]) for row in rows] == [6, 6, 0, 3]
        await truth.bad_debt(story.receipts[-1][0], rows[-1])
        assert [row["bad_debt"] for row in rows[:-1]] == [[], [], []]
    finally:
        await w3.provider.disconnect()
    for snapshot, row in zip(reversed(story.snapshots), (rows[3], rows[2], rows[0]), strict=True):
        await replayed(aave, snapshot, row)


@dataclass(frozen=True, slots=True)
class Truth:
    """The chain as a plain AsyncWeb3 sees it with the packages' own ABIs."""

    aave: AaveMarket
    w3: AsyncWeb3[AsyncHTTPProvider]

    def of(self, contract: Contract) -> AsyncContract:
        return self.w3.eth.contract(contract.address, abi=contract.abi)

    async def gained(self, token: Contract, who: str, block: int) -> int:
        """By how much a balance changed in this block."""
        balance = self.of(token).functions.balanceOf(who)
        return int(await balance.call(block_identifier=block) - await balance.call(block_identifier=block - 1))

    async def amounts(self, receipts: list[Receipt], rows: list[Record]) -> None:
        """The pool's own logs one by one; the balances over the whole block; the fee to one unit of a scaled balance."""
        collateral, debt, block = self.aave.reserves["WETH"], self.aave.reserves["USDC"], receipts[0].block
        for sent, row in zip(receipts, rows, strict=True):
            found = await self.w3.eth.get_transaction_receipt(sent.hash)
            (log,) = self.of(self.aave.pool).events.LiquidationCall().process_receipt(found, errors=DISCARD)
            assert (log["logIndex"], log["args"]["liquidator"]) == (int(row["log_index"]), row["liquidator"])
            amounts = log["args"]["debtToCover"], log["args"]["liquidatedCollateralAmount"]
            assert amounts == (int(row["repaid_raw"]), int(row["received_raw"]))
        paid, taken, fees = (
            sum(int(row[f"{name}_raw"]) for row in rows) for name in ("repaid", "received", "protocol_fee")
        )
        assert await self.gained(debt.token, LIQUIDATOR, block) == -paid
        kept = rows[0]["borrower"] == CYD
        got = await self.gained(collateral.receipt if kept else collateral.token, LIQUIDATOR, block)
        assert abs(got - taken) <= kept
        assert fees > 0
        assert abs(await self.credited(collateral, block) - fees) <= len(rows)

    async def credited(self, reserve: Reserve, block: int) -> int:
        """What the treasury was given of a receipt token in this block, without the interest on what it had."""
        scaled = self.of(reserve.receipt).functions.scaledBalanceOf(self.aave.treasury)
        index = self.of(self.aave.pool).functions.getReserveNormalizedIncome(reserve.token.address)
        grown = await scaled.call(block_identifier=block) - await scaled.call(block_identifier=block - 1)
        return int(grown * await index.call(block_identifier=block) // RAY)

    async def health(self, who: str, block: int) -> int:
        data = await self.of(self.aave.pool).functions.getUserAccountData(who).call(block_identifier=block)
        return int(data[5])

    async def moment(self, row: Record) -> None:
        """Health one block before, the beginning of the stretch below the line, and the gain at the oracle's prices."""
        who, block = row["borrower"], int(row["block"])
        assert int(row["health_before_wad"]) == await self.health(who, block - 1)
        since = block
        while await self.health(who, since - 1) < WAD:
            since -= 1
        assert int(row["liquidatable_since"]) == since
        times = [(await self.w3.eth.get_block(number))["timestamp"] for number in (since, block)]
        assert (int(row["delay_blocks"]), int(row["delay_s"])) == (block - since, times[1] - times[0])
        weth, usdc = self.aave.reserves["WETH"], self.aave.reserves["USDC"]
        ether, dollar = [await self.price(reserve, block) for reserve in (weth, usdc)]
        assert units(row["price_held"], 8) == ether
        assert units(row["price_before"], 8) == await self.price(weth, block - 1)
        gain = int(row["received_raw"]) * ether // 10**18 - -(-int(row["repaid_raw"]) * dollar // 10**6)
        assert abs(units(row["bonus"], 8) - gain) <= 1  # which way a debt's value is rounded is the version's own

    async def price(self, reserve: Reserve, block: int) -> int:
        asked = self.of(self.aave.oracle).functions.getAssetPrice(reserve.token.address)
        return int(await asked.call(block_identifier=block))

    async def bad_debt(self, last: Receipt, row: Record) -> None:
        """What the pool wrote off by its logs, or what is left with a borrower who has nothing else."""
        said = {one["token"]: int(one["amount_raw"]) for one in row["bad_debt"]}
        assert set(said) == {self.aave.reserves[symbol].token.address for symbol in ("USDC", "DAI")}
        if self.aave.version == "3.0":
            owed = {r.token.address: r.debt for r in (self.aave.reserves["USDC"], self.aave.reserves["DAI"])}
            for token, amount in said.items():
                assert amount == await self.of(owed[token]).functions.balanceOf(BOB).call(block_identifier=last.block)
            assert (await self.of(self.aave.pool).functions.getUserAccountData(BOB).call(block_identifier=last.block))[
                0
            ] == 0
            return
        logs = [log for log in last.logs if log["topics"][0] == DEFICIT]
        assert said == {checksum(log["topics"][2][26:]): int(log["data"], 16) for log in logs}


async def replayed(aave: AaveMarket, snapshot: str, row: Record) -> None:
    """At the block before: the repayment saves, one raw unit less does not; at the trigger price it falls, one unit above it does not."""
    who, repay, trigger = row["borrower"], int(row["saving_repay_raw"]), int(row["trigger_answer"])
    chain, feed, usdc = aave.chain, aave.reserves["WETH"].feed, aave.reserves["USDC"].token.address
    assert row["saving_foreseen"] is (who == CYD)
    its_own = [priced(feed, units(row["price_held"], 8))] if row["saving_foreseen"] else []
    for amount, saved in ((repay, True), (repay - 1, False)):
        snapshot = await back(chain, snapshot)
        paid: Deed = (aave.pool, ("repay", usdc, amount, do.VARIABLE, who), who)
        await done(chain, [paid, *its_own], 12 if its_own else 0)
        assert await refused(aave, who) is saved, amount
    for answer, safe in ((trigger, False), (trigger + 1, True)):
        snapshot = await back(chain, snapshot)
        await done(chain, [priced(feed, answer)], 0)
        assert await refused(aave, who) is safe, answer
    await chain.revert(snapshot)


async def refused(aave: AaveMarket, who: str) -> bool:
    """Whether the pool itself refuses to liquidate, for no other reason than health."""
    try:
        _, call, sender = seized(aave, who)
        await aave.pool.call(*call, sender=sender)
    except CallReverted as reverted:
        assert reverted.data in HEALTHY
        return True
    return False


@dataclass
class Forgetful:
    """A node that keeps the state of the blocks from `first` on, and all logs and headers."""

    node: Front
    first: int

    async def answer(self, method: str, params: Sequence[Any]) -> Any:
        if method == "eth_call" and await self._number(params[1]) < self.first:
            raise Oops(-32000, "missing trie node 0a1b (path ) state is not available")
        return await self.node.answer(method, params)

    async def _number(self, block: Any) -> int:
        if isinstance(block, dict):
            found = await self.node.answer("eth_getBlockByHash", [block["blockHash"], False])
            return int(found["number"], 16)
        return int(block, 16) if block.startswith("0x") else self.first


def test_without_an_archive_the_figures_are_unknown_with_the_reason_and_never_zero(
    v36: AaveMarket, liquidations: Liquidations
) -> None:
    story = asyncio.run(told(v36))

    async def asked() -> Said:
        node = Forgetful(Front(v36.chain.url), story.blocks[1])
        try:
            async with serve(node) as server:
                return await asyncio.to_thread(liquidations, v36.name, "--since", str(story.first), url=server.url)
        finally:
            if node.node.session is not None:
                await node.node.session.close()

    said = asyncio.run(asked())
    assert said.code == Exit.SOURCE
    assert "missing trie node" in said.err
    rows: list[Record] = json.loads(said.out)
    known = [{name for name, value in row.items() if value is None} for row in rows]
    told_by_state = {"health_before", "trigger_price", "saving_repay", "delay_blocks", "liquidatable_since"}
    assert known[0] >= told_by_state | {"bonus", "bad_debt", "unit"}
    assert known[2] >= told_by_state
    assert "bonus" not in known[2]
    assert rows[3]["health_before"] is not None  # but the search for its crossing went too far back
    assert known[3] >= {"delay_blocks", "liquidatable_since"}
    assert all("missing trie node" in " ".join(row["unknown"]) for row in rows[:3])
    whole = liquidations(v36.name, "--since", str(story.first))
    assert [row["repaid_raw"] for row in rows] == [row["repaid_raw"] for row in json.loads(whole.out)]
    assert [row["protocol_fee_raw"] for row in rows] == [row["protocol_fee_raw"] for row in json.loads(whole.out)]


def test_the_same_rows_in_every_format_and_only_those_of_the_blocks_asked_for(
    v36: AaveMarket, liquidations: Liquidations
) -> None:
    story = asyncio.run(told(v36))
    whole = json.loads(liquidations(v36.name, "--since", "1d").out)
    assert len(whole) == 4
    lines = liquidations(v36.name, "--since", str(story.first), "--format", "jsonl").out.splitlines()
    assert [json.loads(line) for line in lines] == whole
    (header, *cells) = csv.reader(io.StringIO(liquidations(v36.name, "--since", "0", "--format", "csv").out))
    for name in ("borrower", "repaid_raw", "health_before_wad", "trigger_price", "saving_repay", "delay_s"):
        assert [row[header.index(name)] for row in cells] == [row[name] for row in whole]
    table = liquidations(v36.name, "--since", str(story.first), "--format", "table").out
    assert "0.9844 *" in table
    assert "before the first" in table
    assert "its own block" in table
    middle = liquidations(v36.name, "--since", str(story.blocks[1]), "--until", str(story.blocks[1]))
    assert [row["borrower"] for row in json.loads(middle.out)] == [CYD]
    nothing = liquidations(v36.name, "--since", str(story.blocks[0] + 1), "--until", str(story.blocks[1] - 1))
    assert (nothing.code, json.loads(nothing.out)) == (Exit.OK, [])
    backwards = liquidations(v36.name, "--since", str(story.blocks[1]), "--until", str(story.blocks[0]))
    assert (backwards.code, backwards.out) == (Exit.USAGE, "")
    ahead = liquidations(v36.name, "--since", "0", "--until", str(story.blocks[2] + 1))
    assert ahead.code == Exit.USAGE
    assert "not there yet" in ahead.err
