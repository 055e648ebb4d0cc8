"""`watcher liquidations` on real Morpho: what it says of real liquidations is what tokens, logs and Morpho's own simulations say."""

from __future__ import annotations

import asyncio
import json
from dataclasses import dataclass

from web3.logs import DISCARD

from tests.onchain.account_scene import units
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
from tests.onchain.morpho_truth import Truth
from watcher.exit import Exit
from watcher.localchain import morpho_actions as do
from watcher.localchain.contract import Contract, Receipt
from watcher.localchain.morpho import MorphoChain, MorphoMarket, build
from watcher.localchain.scenario import fund, set_price
from watcher.units import WAD

__all__ = ["liquidations"]  # a fixture

NAME = "wstETH/WETH"  # its oracle answers any integer
PRICE = 10**33  # one thousandth of an ether per wstETH


def market_of(world: MorphoChain) -> MorphoMarket:
    return world.markets[NAME]


def oracle(world: MorphoChain) -> Contract:
    return market_of(world).source


def seized(world: MorphoChain, borrower: str, collateral: int = 0, shares: int = 0) -> Deed:
    return world.morpho, do.liquidation(market_of(world), borrower, collateral, shares), LIQUIDATOR


async def told(world: MorphoChain) -> Story:
    """Ada is liquidated twice in one block, some blocks after a price; Cyd in the block of his price; Bob to bad debt."""
    chain, market = world.chain, market_of(world)
    for who in (ADA, BOB, CYD, LIQUIDATOR):
        await fund(market.loan, who, 10**24, world.morpho.address)
    story = Story(await chain.block_number() + 1)
    for who, held, owed in ((ADA, 10, 11_000), (BOB, 2, 2_100), (CYD, 10, 10_600)):
        await do.supply_collateral(world, market, who, held * 10**18)
        await do.borrow(world, market, who, owed * 10**15)
    await chain.advance(86_400)
    story.fall = (await set_price(oracle(world), 1_150 * PRICE)).block
    for _ in range(5):
        await chain.advance(12)
    await story.liquidated(chain, [seized(world, ADA, 10**17), seized(world, ADA, shares=10**22)])
    await chain.advance(12)
    await story.liquidated(chain, [seized(world, CYD, 10**18)], [priced(oracle(world), 1_100 * PRICE)])
    await set_price(oracle(world), 600 * PRICE)
    await chain.advance(12)
    await story.liquidated(chain, [seized(world, BOB, 2 * 10**18)])
    return story


def test_every_figure_is_what_morpho_and_the_tokens_say(morpho: MorphoChain, liquidations: Liquidations) -> None:
    story = asyncio.run(told(morpho))
    identity = "0x" + market_of(morpho).id.hex()
    said = liquidations(f"local/morpho-blue/{identity}", "--since", str(story.first))
    assert (said.code, said.err) == (Exit.OK, "")
    rows: list[Record] = json.loads(said.out)
    assert [(int(row["block"]), row["borrower"], int(row["nth_in_block"])) for row in rows] == [
        (story.blocks[0], ADA, 1),
        (story.blocks[0], ADA, 2),
        (story.blocks[1], CYD, 1),
        (story.blocks[2], BOB, 1),
    ]
    asyncio.run(checked(morpho, story, rows))


async def checked(world: MorphoChain, story: Story, rows: list[Record]) -> None:
    """First what stands in the chain's past, then what would have been, from the last liquidation to the first."""
    past = Said(world, Truth(world))
    try:
        for receipts in story.receipts:
            mine = [row for row in rows if int(row["block"]) == receipts[0].block]
            await past.amounts(receipts, mine)
            for row in mine:
                await past.moment(row)
        assert int(rows[0]["liquidatable_since"]) == story.fall
        assert [int(row["delay_blocks"]) for row in rows] == [6, 6, 0, 3]
        assert [bool(row["bad_debt"]) for row in rows] == [False, False, False, True]
    finally:
        await past.truth.close()
    for snapshot, row in zip(reversed(story.snapshots), (rows[3], rows[2], rows[0]), strict=True):
        await replayed(world, snapshot, row)


@dataclass(frozen=True, slots=True)
class Said:
    """Plain AsyncWeb3 answers at past blocks."""

    world: MorphoChain
    truth: Truth

    async def amounts(self, receipts: list[Receipt], rows: list[Record]) -> None:
        """Morpho's own logs one by one, and the tokens that moved in the whole block."""
        market, block, w3 = market_of(self.world), receipts[0].block, self.truth.w3
        events = w3.eth.contract(self.world.morpho.address, abi=build()["EventsLib"].abi)
        for sent, row in zip(receipts, rows, strict=True):
            found = await w3.eth.get_transaction_receipt(sent.hash)
            (log,) = events.events.Liquidate().process_receipt(found, errors=DISCARD)
            assert (log["logIndex"], log["args"]["caller"]) == (int(row["log_index"]), row["liquidator"])
            amounts = log["args"]["repaidAssets"], log["args"]["seizedAssets"], log["args"]["badDebtAssets"]
            bad = sum(int(one["amount_raw"]) for one in row["bad_debt"])
            assert amounts == (int(row["repaid_raw"]), int(row["received_raw"]), bad)
            assert row["protocol_fee_raw"] == "0"
        assert market.collateral is not None
        moved = []
        for token in (market.loan, market.collateral):
            balance = w3.eth.contract(token.address, abi=token.abi).functions.balanceOf(LIQUIDATOR)
            moved.append(await balance.call(block_identifier=block) - await balance.call(block_identifier=block - 1))
        paid, taken = (sum(int(row[f"{name}_raw"]) for row in rows) for name in ("repaid", "received"))
        assert moved == [-paid, taken]

    async def price(self, block: int) -> int:
        source = oracle(self.world)
        asked = self.truth.w3.eth.contract(source.address, abi=source.abi).functions.price()
        return int(await asked.call(block_identifier=block))

    async def moment(self, row: Record) -> None:
        """Health by Morpho's own accrued totals; since when Morpho itself would have liquidated; the gain at the oracle's price."""
        who, block, market = row["borrower"], int(row["block"]), market_of(self.world)
        _, _, assets, shares, *_ = await self.truth.totals(market, block - 1)
        position = await self.truth.morpho.functions.position(market.id, who).call(block_identifier=block - 1)
        owed = -(-position[1] * (assets + 1) // (shares + 10**6))
        worth = position[2] * await self.price(block - 1) // 10**36
        assert int(row["health_before_wad"]) == worth * market.params[4] // WAD * WAD // owed
        since = block
        while (await self.truth.liquidations(market, [who], since - 1))[0].answer is not None:
            since -= 1
        assert int(row["liquidatable_since"]) == since
        price = await self.price(block)
        assert units(row["price_held"], 36) == price
        gain = int(row["received_raw"]) * price // 10**36 - int(row["repaid_raw"])
        assert (units(row["bonus"], 18), row["unit"]) == (gain, "WETH")


async def replayed(world: MorphoChain, snapshot: str, row: Record) -> None:
    """At the block before: the repayment saves, one raw unit less does not; at the trigger price it falls, one unit above it does not."""
    who, repay, trigger = row["borrower"], int(row["saving_repay_raw"]), int(row["trigger_answer"])
    chain, market = world.chain, market_of(world)
    assert row["saving_foreseen"] is (who == CYD)
    its_own = [priced(oracle(world), units(row["price_held"], 36))] if row["saving_foreseen"] else []
    for amount, saved in ((repay, True), (repay - 1, False)):
        snapshot = await back(chain, snapshot)
        paid: Deed = (world.morpho, ("repay", market.params, amount, 0, who, b""), who)
        await done(chain, [paid, *its_own], 12 if its_own else 0)
        assert await healthy(world, who) is saved, amount
    for answer, safe in ((trigger, False), (trigger + 1, True)):
        snapshot = await back(chain, snapshot)
        await done(chain, [priced(oracle(world), answer)], 0)
        assert await healthy(world, who) is safe, answer
    await chain.revert(snapshot)


async def healthy(world: MorphoChain, who: str) -> bool:
    """Whether Morpho itself refuses to liquidate, for no other reason than health."""
    truth = Truth(world)
    try:
        (verdict,) = await truth.liquidations(market_of(world), [who], await world.chain.block_number())
    finally:
        await truth.close()
    assert verdict.reason in ("", "position is healthy")
    return verdict.answer is None
