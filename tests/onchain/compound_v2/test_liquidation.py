"""What a liquidation would do against one that happens; and what keeps one from happening, or lets it happen without a shortfall."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest
from eth_utils.crypto import keccak

from tests.onchain.compound_v2.scene import ADA, Scene, View, each_pair, play
from tests.onchain.compound_v2.truth import ALLOWED, PAYER, REJECTED
from watcher.adapter import Liquidation, Refusal, Which
from watcher.adapters.compound_v2 import ADAPTER
from watcher.errors import MissingPrice
from watcher.localchain import compound_v2_actions as do
from watcher.localchain.compound_v2 import CompoundV2
from watcher.localchain.compound_v2 import do as ordered
from watcher.localchain.contract import transact
from watcher.model import Blocked, Moment
from watcher.units import WAD

DEBTS, HELD = ("USDC", "ETH", "DAI"), ("WBTC", "DUST", "DAI", "ETH")
PRICE_ERROR = 13
RESERVES_ADDED = "0x" + keccak(text="ReservesAdded(address,uint256,uint256)").hex()


def said(view: View, who: str, pair: tuple[str, str], at: Moment | None = None) -> Liquidation | Refusal:
    quote = view.accrued(at=at)
    return ADAPTER.liquidation(view.terms, quote, view.holdings[who], *(view.token(symbol) for symbol in pair))


async def balances(world: CompoundV2, pair: tuple[str, str], who: str) -> tuple[int, int]:
    """What `who` has to pay with, and of the cToken that is seized; a native debt is counted by what the market holds."""
    debt, held = (world.markets[symbol] for symbol in pair)
    paid = -await debt.ctoken.call("getCash") if debt.token is None else await debt.token.call("balanceOf", who)
    return paid, await held.ctoken.call("balanceOf", who)


def words(log: Mapping[str, Any]) -> list[int]:
    return [int(log["data"][start : start + 64], 16) for start in range(2, len(log["data"]), 64)]


async def happens(scene: Scene, pair: tuple[str, str]) -> Liquidation:
    """The largest liquidation, announced and carried out in the next block; a unit more is refused there."""
    world, at = scene.world, await scene.next_moment()
    view = await scene.view(ADA)
    told = said(view, ADA, pair, at)
    assert isinstance(told, Liquidation), told
    before = await balances(world, pair, PAYER)
    market = world.markets[pair[0]]
    call = market.ctoken.transaction(*do.liquidation(world, ADA, *pair, told.repay), sender=PAYER)
    receipt = await transact(world.chain, {**call, "value": hex(0 if market.token else told.repay)})
    assert receipt.block == at.number
    after = await balances(world, pair, PAYER)
    held = world.markets[pair[1]]
    liquidated = [words(log) for log in receipt.logs if log["address"].lower() == market.ctoken.address.lower()][-1]
    added = next(words(log)[1] for log in receipt.logs if log["topics"][0] == RESERVES_ADDED)
    seized, gained = liquidated[4], after[1] - before[1]
    assert gained == seized - seized * await held.ctoken.call("protocolSeizeShareMantissa") // WAD
    cash, borrows, reserves, supply = [
        await held.ctoken.call(name) for name in ("getCash", "totalBorrows", "totalReserves", "totalSupply")
    ]
    rate = (cash + borrows - (reserves - added)) * WAD // (supply + seized - gained)  # as it was before the seizure
    assert (before[0] - after[0], added) == (told.repay, told.fee)
    assert seized * rate // WAD == told.seize
    return told


@pytest.mark.parametrize("price", [2_000, 700], ids=["by the close factor", "by what there is to seize"])
def test_a_liquidation_that_happens_moves_what_we_said(world: CompoundV2, price: int) -> None:
    async def story(scene: Scene) -> None:
        debts = {"USDC": 60_000 * 10**6 + 1, "ETH": 10**19 + 3, "DAI": 9_000 * 10**18}
        await scene.open_position(ADA, {"WBTC": 3 * 10**8 + 1, "DUST": 10**27 + 7, "DAI": 10**22}, debts)
        await do.supply(world, ADA, "ETH", 10**17)  # not entered: it protects nothing and can be seized
        await world.chain.mine(20)
        await do.set_price(world, "WBTC", price * 10**15 * 10**10)
        snapshot = await world.chain.snapshot()
        for pair in each_pair(DEBTS, HELD):
            view = await scene.view(ADA)
            told = said(view, ADA, pair)
            assert isinstance(told, Liquidation)
            (verdict,) = await scene.truth.liquidations(ADA, [pair], told.repay, view.block.number)
            (more,) = await scene.truth.liquidations(
                ADA, [pair], told.repay + told.repay // 10**6 + 2, view.block.number
            )
            assert verdict == ALLOWED and more in (REJECTED, "LIQUIDATE_SEIZE_TOO_MUCH")
            await happens(scene, pair)
            await world.chain.revert(snapshot)
            snapshot = await world.chain.snapshot()

    play(world, story)


def test_a_debt_in_a_deprecated_market_is_liquidated_in_full_without_a_shortfall(newest: CompoundV2) -> None:
    async def story(scene: Scene) -> None:
        await scene.open_position(ADA, {"ETH": 10**20}, {"USDC": 10**9 + 7})
        pair, comptroller, usdc = ("USDC", "ETH"), newest.comptroller, newest.markets["USDC"].ctoken
        view = await scene.view(ADA)
        assert said(view, ADA, pair) == Refusal("INSUFFICIENT_SHORTFALL")
        await ordered(comptroller, "_setCollateralFactor", usdc.address, 0)
        await comptroller.send("_setBorrowPaused", usdc.address, True)
        await ordered(usdc, "_setReserveFactor", WAD)
        view = await scene.view(ADA)
        seen = view.value(ADA)
        assert (seen.liquidatable, seen.blocked, seen.health > WAD) == (True, None, True)  # type: ignore[operator]
        told = await happens(scene, pair)
        assert told.repay > 10**9 + 7  # with interest
        assert not (await scene.view(ADA)).value(ADA).debt

    play(newest, story)


def test_paused_seizures_block_and_a_price_of_zero_is_unknown(newest: CompoundV2) -> None:
    async def story(scene: Scene) -> None:
        pair = ("USDC", "WBTC")
        await scene.open_position(ADA, {"WBTC": 10**8, "DAI": 10**18}, {"USDC": 40_000 * 10**6})
        await do.set_price(newest, "WBTC", 20 * 10**28)
        await newest.comptroller.send("_setSeizePaused", True)
        view = await scene.view(ADA)
        told = said(view, ADA, pair)
        assert isinstance(told, Liquidation)
        assert (told.blocked, view.value(ADA).blocked) == (Blocked.PAUSED, Blocked.PAUSED)
        assert await scene.truth.liquidations(ADA, [pair], 1, view.block.number) == ["seize is paused"]
        await do.set_price(newest, "DAI", 0)
        view = await scene.view(ADA)
        with pytest.raises(MissingPrice):
            view.value(ADA, Which.NONE)
        with pytest.raises(MissingPrice):
            said(view, ADA, pair)
        assert (await scene.truth.line(ADA, view.block.number))[0] == PRICE_ERROR
        assert await scene.reported(view) == {}
        assert await scene.truth.liquidations(ADA, [pair], 1, view.block.number) == [REJECTED]

    play(newest, story)
