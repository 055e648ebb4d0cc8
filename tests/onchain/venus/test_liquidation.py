"""A liquidation that really happens moves what we said, to the last unit, and one unit more is refused."""

from __future__ import annotations

import pytest

from tests.onchain.venus.scene import ADA, Scene, View, play
from tests.onchain.venus.truth import PAYER
from watcher.adapter import Refusal
from watcher.adapters.venus import ADAPTER, vai
from watcher.adapters.venus.account import minted, owing
from watcher.adapters.venus.facts import Holding, Quote
from watcher.adapters.venus.quote import rate
from watcher.formula.compound.exponential import times
from watcher.localchain import venus_actions as do
from watcher.localchain.contract import transact
from watcher.localchain.venus_pool import VenusPool
from watcher.model import Moment
from watcher.units import WAD

USDC, WBTC = 10**6, 10**8
CASES: dict[str, tuple[dict[str, int], dict[str, int], str, str, int]] = {  # collateral, debts, the pair, e-mode
    "one pair": ({"WETH": 3 * WAD}, {"USDC": 4_000 * USDC + 1}, "USDC", "WETH", 0),
    "two collaterals": ({"WETH": 2 * WAD, "WBTC": WBTC // 10}, {"USDC": 5_500 * USDC}, "USDC", "WBTC", 0),
    "VAI": ({"WETH": 3 * WAD}, {"VAI": 4_000 * WAD + 7}, "VAI", "WETH", 0),
    "VAI, more than its collateral": ({"WETH": 3 * WAD, "USDT": 50 * WAD}, {"VAI": 4_000 * WAD + 7}, "VAI", "USDT", 0),
    "e-mode's own incentive": ({"USDC": 900 * USDC, "WETH": 2 * WAD}, {"USDT": 3_700 * WAD}, "USDT", "USDC", 1),
    "coins repaid": ({"WETH": 2 * WAD}, {"BNB": 2_900 * WAD + 5}, "BNB", "WETH", 0),
    "coins seized": ({"BNB": 3_000 * WAD, "WETH": WAD}, {"USDC": 3_500 * USDC}, "USDC", "BNB", 0),
    "the same asset": ({"WETH": 5 * WAD}, {"WETH": WAD, "USDC": 5_500 * USDC}, "WETH", "WETH", 0),
    "dust": ({"WETH": 2 * 10**12}, {"USDC": 3}, "USDC", "WETH", 0),
}
FALLS = (70, pytest.param(40, marks=pytest.mark.long), 10)  # per cent of ether's price that are left


@pytest.mark.parametrize("name", CASES)
@pytest.mark.parametrize("fall", FALLS)
def test_a_real_liquidation_moves_what_we_said(pool: VenusPool, name: str, fall: int) -> None:
    collateral, debts, debt, seized, mode = CASES[name]

    async def story(scene: Scene) -> None:
        await scene.open_position(ADA, collateral, debts, mode=mode)
        await pool.chain.mine(20)
        await do.set_price(pool, "WETH", pool.markets["WETH"].scaled(2_000 * fall))
        before = await scene.view([ADA, PAYER])
        await one_more_is_refused(scene, before, debt, seized)
        at = Moment(before.block.number + 1, before.block.timestamp + 1)
        quote = before.accrued(at=at)
        said = ADAPTER.liquidation(before.terms, quote, before.holdings[ADA], before.token(debt), before.token(seized))
        if isinstance(said, Refusal):
            return
        purse = await wallet(scene, debt)
        amount = asked(quote, before.holdings[ADA], debt, said.repay)
        contract, function, args, value = do.liquidation(pool, ADA, debt, seized, amount)
        fields = contract.transaction(
            function, *args, sender=PAYER
        )  # of the next block: a simulation now owes less interest
        await transact(pool.chain, fields | {"value": hex(value)}, function)
        after = await scene.view([ADA, PAYER], before.terms)
        assert after.block.number == at.number
        assert purse - await wallet(scene, debt) == said.repay
        assert await scene.truth.owed(ADA, debt, at.number) == left(before, quote, debt, said.repay)
        place = before.terms.place(said.collateral.address)
        assert place is not None
        gained = [view.holdings[PAYER].entry(place).tokens for view in (before, after)]
        lost = [view.holdings[ADA].entry(place).tokens for view in (before, after)]
        assert gained[1] - gained[0] == lost[0] - lost[1] > 0
        assert times(rate(before.terms.assets[place], quote.pools[place]), lost[0] - lost[1]) == said.seize
        assert (said.deficit > 0) is (
            not any(entry.tokens for entry in after.holdings[ADA].entered())
            and left(before, quote, debt, said.repay) > 0
        )

    play(pool, story)


async def one_more_is_refused(scene: Scene, view: View, debt: str, seized: str) -> None:
    """At this very block: what we say goes through, one unit more does not; where we refuse, a single unit is refused."""
    said = ADAPTER.liquidation(view.terms, view.accrued(), view.holdings[ADA], view.token(debt), view.token(seized))
    block = view.block.number
    if isinstance(said, Refusal):
        assert not (await scene.truth.liquidated(ADA, debt, seized, 1, block)).done
        return
    amount = asked(view.accrued(), view.holdings[ADA], debt, said.repay)
    assert (await scene.truth.liquidated(ADA, debt, seized, amount, block)).done
    if debt != "VAI":  # of which a unit more may come to the same parts
        assert not (await scene.truth.liquidated(ADA, debt, seized, amount + 1, block)).done


def asked(quote: Quote, holding: Holding, debt: str, paid: int) -> int:
    """The smallest amount to name so that this much is paid: VAI is split into parts that are rounded down."""
    if debt != "VAI" or holding.vai is None:
        return paid
    low, high = 0, 2 * paid + WAD
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if vai.parts(quote, holding.vai, middle).paid < paid else (low, middle)
    return high


def left(view: View, quote: Quote, debt: str, paid: int) -> int:
    """What is owed after it, in the same block."""
    holding = view.holdings[ADA]
    if debt == "VAI" and holding.vai is not None:
        done = vai.parts(quote, holding.vai, asked(quote, holding, debt, paid))
        return minted(quote, vai.after(quote, holding.vai, done))
    place = view.terms.place(view.token(debt))
    assert place is not None
    return owing(quote, holding.entry(place)) - paid


async def wallet(scene: Scene, symbol: str) -> int:
    """What the payer has of it, asked by plain web3."""
    token = scene.pool.vai if symbol == "VAI" else scene.pool.markets[symbol].token
    if token is None:
        return int(await scene.w3.eth.get_balance(PAYER))
    return int(await scene.truth.plain(token).functions.balanceOf(PAYER).call())
