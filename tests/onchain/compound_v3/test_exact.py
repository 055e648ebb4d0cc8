"""Every figure of a Comet position to the last unit: against the twin, asked by plain web3."""

from __future__ import annotations

from tests.onchain.compound_v3.scene import Scene, play
from watcher.adapter import Which
from watcher.localchain import comet_actions as do
from watcher.localchain.comet import CometChain
from watcher.localchain.scenario import account
from watcher.model import Side

ALICE = account("alice")


def test_one_account_a_day_later_is_what_the_contract_says(comets: CometChain) -> None:
    async def story(scene: Scene) -> None:
        await do.supply(scene.local, ALICE, "WETH", 10**18)
        await do.borrow(scene.local, ALICE, 1_600 * 10**6)
        await comets.chain.advance(86_400)
        view = await scene.view([ALICE])
        owed, answer, liquidatable = await scene.told(
            view.block.number,
            ("borrowBalanceOf", [ALICE]),
            ("getPrice", [scene.local.feeds["USDC"].address]),
            ("isLiquidatable", [ALICE]),
        )
        seen = view.value(ALICE)
        (debt,) = (leg for leg in seen.legs if leg.side is Side.DEBT)
        assert (debt.amount, seen.debt) == (owed, owed * answer // 10**6)
        assert (seen.collateral, seen.line.weighted) == (2_000 * 10**8, 1_800 * 10**8)
        assert (seen.unit.symbol, seen.unit.decimals) == ("USD", 8)
        assert view.value(ALICE, view.accrued(which=Which.NONE)).liquidatable is liquidatable is False

    play(comets.usd, story)
