"""Liquidations of an Aave pool, of V2 or V3, as a test sees them: accounts at the edge, our amounts, and what really happens."""

from __future__ import annotations

import random

import pytest
from eth_abi.abi import decode
from eth_typing import ChecksumAddress
from eth_utils.crypto import keccak

from tests.onchain.aave_scene import Scene, send
from watcher.adapter import Borrow, Refusal, SetMode, Supply
from watcher.adapters.aave_v3.facts import Holding, Terms
from watcher.errors import CallReverted
from watcher.formula.aave.version import Version
from watcher.localchain.contract import Receipt
from watcher.localchain.scenario import account
from watcher.units import MAX, Raw


async def indebted(stage: Scene, dice: random.Random, terms: Terms) -> None:
    """Every actor with one or two collaterals and debts, borrowed to the edge, worth from a hundred dollars to a quarter million."""
    for place, who in enumerate(stage.actors):
        mode = (0, 2, 0, 1)[place % 4] if terms.version > Version.V2 else 0
        collaterals = {0: ("WETH", "WBTC", "LINK", "USDC"), 1: ("WETH", "wstETH"), 2: ("USDC",)}[mode]
        debts = {0: ("USDC", "DAI", "WETH", "USDT"), 1: ("WETH",), 2: ("USDC", "USDT")}[mode]
        dollars = 250_000 if place % 6 == 0 else dice.choice((100, 2_500, 2_900, 5_000))
        for symbol in dice.sample(collaterals, min(len(collaterals), dice.choice((1, 2)))):
            reserve = stage.local.reserves[symbol]
            worth = dollars * stage.local.dollar * 10**reserve.decimals // reserve.asset.price
            await send(stage.local, who, Supply(reserve.token.address, Raw(worth)))
        if terms.version > Version.V2:
            await send(stage.local, who, SetMode(mode))
        chosen = dice.sample(debts, min(len(debts), 2 if place % 6 == 0 else dice.choice((1, 2))))
        for left, symbol in zip(range(len(chosen), 0, -1), chosen, strict=True):
            quote, holdings = await stage.world(terms)
            room = stage.adapter.value(terms, quote, holdings[stage.key(who)]).available
            reserve = stage.local.reserves[symbol]
            wanted = room * 98 * 10**reserve.decimals // reserve.asset.price // 100 // left
            await send(stage.local, who, Borrow(reserve.token.address, Raw(wanted)))


def said(stage: Scene, receipt: Receipt, borrower: str) -> tuple[int, int, int, int | None]:
    """(repaid, received by the liquidator, fee to the treasury, deficit booked) from the logs of a liquidation."""
    call = topic("LiquidationCall(address,address,address,uint256,uint256,address,bool)")
    deficit = topic("DeficitCreated(address,address,uint256)")
    transfer = topic("Transfer(address,address,uint256)")
    treasury = stage.local.treasury[2:].lower().rjust(64, "0")
    (done,) = [log for log in receipt.logs if log["topics"][0] == call]
    repaid, received, _, _ = decode(["uint256", "uint256", "address", "bool"], bytes.fromhex(done["data"][2:]))
    debt = done["topics"][2]
    own = borrower[2:].lower().rjust(64, "0")  # V2 also mints the treasury's interest now
    paid = [transfer, f"0x{own}", f"0x{treasury}"]
    moved = [log for log in receipt.logs if log["topics"] == paid]
    booked = [log for log in receipt.logs if log["topics"][0] == deficit and log["topics"][2] == debt]
    assert done["topics"][3][26:] == borrower[2:].lower()
    return repaid, received, int(moved[0]["data"], 16) if moved else 0, int(booked[0]["data"], 16) if booked else None


def topic(signature: str) -> str:
    return "0x" + keccak(text=signature).hex()


async def liquidated(stage: Scene, terms: Terms, who: ChecksumAddress, debt: str, collateral: str) -> str:
    """One pair of one account: our amounts against a transaction of the next block, undone afterwards. What it came to."""
    chain, key = stage.local.chain, stage.key(who)
    number = await chain.block_number()
    before = await chain.snapshot()
    at = await chain.timestamp() + 5
    quote, holdings = await stage.world(terms, at)
    owed, held = stage.local.reserves[debt].token.address, stage.local.reserves[collateral].token.address
    ours = stage.adapter.liquidation(terms, quote, holdings[key], owed, held)
    liquidator = account("liquidator")

    async def call(amount: int) -> Receipt:
        await chain.next_timestamp(at)
        return await stage.local.pool.send("liquidationCall", held, owed, who, amount, False, sender=liquidator)

    try:
        if isinstance(ours, Refusal):
            with pytest.raises(CallReverted) as reverted:
                await call(MAX)
            assert stage.refused(reverted.value.data) == ours.reason
            return ours.reason
        assert ours.blocked is None
        try:
            repaid, received, fee, deficit = said(stage, await call(MAX), who)
            ended = "whole"
        except CallReverted as reverted:
            assert stage.refused(reverted.data) == "MustNotLeaveDust"
            await chain.revert(before)
            before = await chain.snapshot()
            with pytest.raises(CallReverted):
                await call(ours.repay + 1)
            await chain.revert(before)
            before = await chain.snapshot()
            repaid, received, fee, deficit = said(stage, await call(ours.repay), who)
            ended = "most"
        assert (repaid, received + fee, fee) == (ours.repay, ours.seize, ours.fee)
        if stage.local.version == "3.6":
            assert (deficit or 0) == ours.deficit
        return f"{ended} with deficit" if ours.deficit else ended
    finally:
        await chain.revert(before)
        assert await chain.block_number() == number, "the node did not undo the liquidation"


def pairs(terms: Terms, holding: Holding) -> list[tuple[str, str]]:
    """Every (debt, collateral) of an account, by symbol."""
    debts = [r.token.symbol for r in terms.reserves if holding.borrows(r.id)]
    return [(d, c.token.symbol) for d in debts for c in terms.reserves if holding.secures(c.id)]


SCENES = (  # prices in percent of the listed ones, one after another
    {"WETH": 96, "WBTC": 95, "LINK": 95},
    {"WETH": 80, "WBTC": 82, "LINK": 85},
    {"WETH": 45, "WBTC": 50, "LINK": 40},
    {"WETH": 104, "WBTC": 90, "LINK": 104, "USDC": 97},
    {"WETH": 125, "wstETH": 98, "USDC": 100},
    {"USDC": 60, "wstETH": 70},
)
