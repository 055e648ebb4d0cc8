"""The line, by simulated `absorb`s: one unit of a feed's answer, and one raw unit of debt, on either side of it."""

from __future__ import annotations

import asyncio

import pytest

from tests.onchain.compound_v3.scene import PAUSED, Scene, View, play
from watcher.adapter import Acted, Liquidation, Repay, Which
from watcher.adapters.compound_v3 import ADAPTER
from watcher.errors import MissingPrice
from watcher.localchain import comet_actions as do
from watcher.localchain.comet import CometChain, LocalComet
from watcher.localchain.contract import DEPLOYER
from watcher.localchain.scenario import account, fund
from watcher.model import Blocked, DoubtKind
from watcher.units import Raw

ALICE = account("alice")
CASES = {  # comet: collaterals in raw units, debt in raw base; the first collateral's feed moves
    "usd": ({"WETH": 10**18}, 1_600 * 10**6),
    "usd many": ({"WETH": 3 * 10**18 + 1, "WBTC": 12_345_678, "COMP": 77 * 10**18 + 7}, 9_876_543_210),
    "eth": ({"wstETH": 10**19 + 3}, 10 * 10**18),
    "wide": ({"C17": 6 * 10**6 + 1, "C19": 2 * 10**8, "C02": 3 * 10**6 + 1}, 1_100 * 10**6),
}


@pytest.fixture(params=CASES)
def case(comets: CometChain, request: pytest.FixtureRequest) -> tuple[LocalComet, str]:
    """Alice owes against her collaterals, a week old. The symbol of the first of them."""
    local: LocalComet = getattr(comets, request.param.split()[0])
    held, debt = CASES[request.param]

    async def opened() -> None:
        for symbol, amount in held.items():
            await do.supply(local, ALICE, symbol, amount)
        await do.borrow(local, ALICE, debt)
        await local.chain.advance(7 * 86_400)

    asyncio.run(opened())
    return local, next(iter(held))


async def line(scene: Scene, symbol: str) -> int:
    """The smallest answer of its feed at which we call Alice healthy, at the newest block's time."""
    view, token = await scene.view([ALICE]), scene.local.tokens[symbol].address
    low, high = 1, 10**16
    while high - low > 1:
        middle = (low + high) // 2
        quote = ADAPTER.reprice(view.terms, view.accrued(), {token: middle})
        low, high = (middle, high) if view.value(ALICE, quote).liquidatable else (low, middle)
    return high


async def at_the_same_time(scene: Scene, symbol: str, answer: int) -> None:
    """The feed's answer in a block at the time of the one before it: no interest in between."""
    await scene.local.chain.next_timestamp(await scene.local.chain.timestamp())
    await scene.local.feeds[symbol].send("set", answer)


def test_one_unit_of_the_answer_decides(case: tuple[LocalComet, str]) -> None:
    local, symbol = case

    async def story(scene: Scene) -> None:
        edge = await line(scene, symbol)
        for answer, absorbable in ((edge - 1, True), (edge, False), (edge + 1, False)):
            await at_the_same_time(scene, symbol, answer)
            view = await scene.view([ALICE])
            assert view.value(ALICE).liquidatable is absorbable
            assert await scene.absorbable(view.block.number, [ALICE]) == [absorbable]

    play(local, story)


def test_one_raw_unit_of_debt_decides(case: tuple[LocalComet, str]) -> None:
    """Alice, just below the line, repays; from the same block, the least that saves her, and one raw unit less and more."""
    local, symbol = case

    async def story(scene: Scene) -> None:
        await at_the_same_time(scene, symbol, await line(scene, symbol) * 999 // 1000)
        await fund(local.base, ALICE, 10**30, local.comet.address)
        await do.touch(local, ALICE)
        view = await scene.view([ALICE])
        low, high = 0, -view.holdings[ALICE].principal
        while high - low > 1:
            middle = (low + high) // 2
            low, high = (low, middle) if saved(view, middle) else (middle, high)
        for amount, absorbable in ((high - 1, True), (high, False), (high + 1, False)):
            snapshot = await local.chain.snapshot()
            await local.chain.next_timestamp(view.block.timestamp)
            await local.comet.send("supply", local.base.address, amount, sender=ALICE)
            after = await scene.view([ALICE])
            assert after.value(ALICE).liquidatable is absorbable
            assert await scene.absorbable(after.block.number, [ALICE]) == [absorbable]
            await local.chain.revert(snapshot)

    play(local, story)


def saved(view: View, amount: int) -> bool:
    """Whether repaying so much would lead out of the liquidatable."""
    acted = ADAPTER.act(view.terms, view.accrued(), view.holdings[ALICE], Repay(view.terms.base.address, Raw(amount)))
    assert isinstance(acted, Acted)
    return not ADAPTER.value(view.terms, acted.quote, acted.holding).liquidatable


def test_the_view_looks_at_stored_indices_and_absorb_at_the_truth(comets: CometChain) -> None:
    """A year of interest that nobody has accrued: `isLiquidatable` says no, `absorb` succeeds."""

    async def story(scene: Scene) -> None:
        await do.supply(comets.usd, ALICE, "WETH", 10**18)
        await do.borrow(comets.usd, ALICE, 1_650 * 10**6)
        await scene.local.feeds["WETH"].send("set", 1_840 * 10**8)
        await comets.chain.advance(365 * 86_400)
        view = await scene.view([ALICE])
        (early,) = await scene.told(view.block.number, ("isLiquidatable", [ALICE]))
        assert (early, await scene.absorbable(view.block.number, [ALICE])) == (False, [True])
        assert view.value(ALICE).liquidatable
        assert not view.value(ALICE, view.accrued(which=Which.NONE)).liquidatable

    play(comets.usd, story)


def test_a_pause_of_absorptions_stands_beside_the_verdict(comets: CometChain) -> None:
    async def story(scene: Scene) -> None:
        await do.supply(comets.usd, ALICE, "WETH", 10**18)
        await do.borrow(comets.usd, ALICE, 1_600 * 10**6)
        await scene.local.feeds["WETH"].send("set", 1_000 * 10**8)
        await comets.usd.comet.send("pause", False, False, False, True, False, sender=DEPLOYER)
        view = await scene.view([ALICE])
        seen = view.value(ALICE)
        assert (seen.liquidatable, seen.blocked) == (True, Blocked.PAUSED)
        assert await scene.absorbable(view.block.number, [ALICE]) == [PAUSED]
        done = ADAPTER.liquidation(
            view.terms,
            view.accrued(),
            view.holdings[ALICE],
            view.terms.base.address,
            view.terms.assets[0].token.address,
        )
        assert isinstance(done, Liquidation) and done.blocked is Blocked.PAUSED
        assert ADAPTER.governance is not None
        assert ADAPTER.governance.stops(view.terms, view.quote) == ("absorb is paused",)

    play(comets.usd, story)


@pytest.mark.parametrize("mode", [1, 2, 3, 4, "zero", "negative"])
def test_a_feed_without_an_answer_matters_only_where_comet_would_read_it(comets: CometChain, mode: int | str) -> None:
    """WETH covers the debt, so WBTC's feed is not read; once it does not, the contract reverts and we do not know."""
    local = comets.usd

    async def story(scene: Scene) -> None:
        await do.supply(local, ALICE, "WETH", 10**18)
        await do.supply(local, ALICE, "WBTC", 10**7)
        await do.borrow(local, ALICE, 1_600 * 10**6)
        broken = ("set", 0 if mode == "zero" else -1) if isinstance(mode, str) else ("setMode", mode)
        await local.feeds["WBTC"].send(*broken)
        view = await scene.view([ALICE])
        seen = view.value(ALICE)
        assert await scene.told(view.block.number, ("isLiquidatable", [ALICE])) == [False]
        assert (seen.liquidatable, [doubt.kind for doubt in seen.doubts]) == (False, [DoubtKind.UNPRICED])
        await local.feeds["WETH"].send("set", 1_700 * 10**8)
        view = await scene.view([ALICE])
        ((answer,), (attempt,)) = (
            await scene.told(view.block.number, ("isLiquidatable", [ALICE])),
            await scene.absorbable(view.block.number, [ALICE]),
        )
        assert not isinstance(answer, bool) and not isinstance(attempt, bool)
        with pytest.raises(MissingPrice) as missing:
            view.value(ALICE)
        assert missing.value.token == local.tokens["WBTC"].address
        (report,) = (await scene.reader.run(ADAPTER.reported(view.terms, scene.keys([ALICE])), view.block)).values()
        assert set(report.figures) == {"debt"}

    play(local, story)
