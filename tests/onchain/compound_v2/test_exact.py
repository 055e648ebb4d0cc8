"""Every figure equals Compound's own: at stored books its view, accrued what its entry points would see, over blocks full of events."""

from __future__ import annotations

from dataclasses import replace

from tests.onchain.compound_v2.scene import ADA, BOB, CYD, Scene, View, play
from watcher.adapter import Which
from watcher.adapters.compound_v2 import ADAPTER
from watcher.formula.compound.exponential import Library
from watcher.localchain import compound_v2_actions as do
from watcher.localchain.compound_v2 import CompoundV2
from watcher.model import Side

SYMBOLS = ("ETH", "USDC", "DAI", "WBTC", "DUST")
WORTH = {
    "ETH": 10**18,
    "USDC": 2_000 * 10**6,
    "DAI": 2_000 * 10**18,
    "WBTC": 3_200_000,
    "DUST": 81 * 10**24,
}  # of about one ether


async def checked(scene: Scene, view: View, who: str) -> None:
    """Both sums' difference as they are stored, with every market accrued and with each pair of markets accrued; every leg's amount."""
    block = view.block.number
    stale, fresh = view.value(who, Which.NONE), view.value(who)
    assert (0, stale.liquidity, stale.shortfall) == await scene.truth.line(who, block)
    assert [(0, fresh.liquidity, fresh.shortfall)] == await scene.truth.accrued(who, [SYMBOLS], block)
    for leg in fresh.legs:
        ask = scene.truth.owed if leg.side is Side.DEBT else scene.truth.held
        assert leg.amount == await ask(who, leg.token.symbol, block)


def test_an_account_is_worth_what_compound_says_stale_by_pair_and_accrued(world: CompoundV2) -> None:
    async def story(scene: Scene) -> None:
        await scene.open_position(
            ADA, {"WBTC": 3 * 10**8, "DUST": 10**27 + 7}, {"USDC": 50_000 * 10**6 + 1, "ETH": 10**19}
        )
        await scene.open_position(BOB, {"ETH": 10**19 + 3, "USDC": 7}, {"DAI": 12_345 * 10**18 + 1})
        await do.supply(world, CYD, "USDC", 1_234_567)  # not entered
        await world.chain.mine(40)
        await do.touch(world, "DAI")
        await world.chain.mine(5)
        view = await scene.view(ADA, BOB, CYD)
        for who in (ADA, BOB, CYD):
            await checked(scene, view, who)
            pairs = [(one, other) for one in SYMBOLS for other in SYMBOLS]
            ours = [view.value(who, view.tokens(*pair)) for pair in pairs]
            truth = await scene.truth.accrued(who, pairs, view.block.number)
            assert [(0, one.liquidity, one.shortfall) for one in ours] == truth
        assert view.value(ADA).health != view.value(ADA, Which.NONE).health
        assert [leg.side for leg in view.value(CYD).legs] == [Side.DEPOSIT]

    play(world, story)


def test_how_the_comptroller_rounds_is_told_by_what_it_answers(worlds: dict[str, CompoundV2]) -> None:
    """And it matters: under the other library the same account comes to another figure."""
    for library, world in worlds.items():

        async def story(scene: Scene, library: str = library, world: CompoundV2 = world) -> None:
            await scene.open_position(ADA, {"DUST": 10**30 + 7, "WBTC": 123_456_789}, {"USDC": 10**9})
            for symbol in ("ETH", "DAI", "WBTC", "DUST"):
                await do.borrow(world, ADA, symbol, WORTH[symbol] // 7)
            apart = 0
            for _ in range(6):
                for symbol in SYMBOLS:  # uneven exchange rates
                    await do.touch(world, symbol)
                view = await scene.view(ADA)
                assert (view.terms.library.value, view.terms.told) == (library, True)
                quote, held = view.accrued(Which.NONE), view.holdings[ADA]
                lines = {ADAPTER.value(replace(view.terms, library=one), quote, held).line for one in Library}
                apart += len(lines) - 1
                await checked(scene, view, ADA)
            assert apart

        play(world, story)
