"""Every figure of a Venus pool equals the pool's own: at stored books its views', accrued what its entry points would see."""

from __future__ import annotations

from collections.abc import Mapping

import pytest

from tests.onchain.venus.scene import ADA, BOB, CYD, DAN, Scene, play
from watcher.adapter import Which
from watcher.adapters.venus import ADAPTER
from watcher.health.audit import compare
from watcher.localchain import venus_actions as do
from watcher.localchain.venus_pool import VenusPool
from watcher.model import Side
from watcher.units import WAD

EVERYTHING = ("BNB", "WBTC", "WETH", "USDC", "USDT", "TUSD", "VAI")
HELD: Mapping[str, tuple[Mapping[str, int], Mapping[str, int], int]] = {
    ADA: ({"WETH": 10 * WAD + 7, "BNB": 5 * WAD}, {"USDC": 4_000 * 10**6 + 1, "VAI": 3_000 * WAD + 3}, 0),
    BOB: ({"USDC": 50_000 * 10**6 + 1, "WETH": 3}, {"USDT": 40_000 * WAD + 11}, 1),
    CYD: ({"WBTC": 10**8, "USDT": 9 * WAD}, {"TUSD": 11_111 * WAD, "BNB": 77 * WAD + 7, "WBTC": 123}, 0),
    DAN: ({"WETH": WAD}, {"WETH": WAD // 3}, 2),
}


async def opened(scene: Scene) -> None:
    """Everybody of `HELD`, blocks of interest, some of it accrued, and deposits that do not count."""
    for who, (collateral, debts, mode) in HELD.items():
        await scene.open_position(who, collateral, debts, mode=mode)
    await do.supply(scene.pool, ADA, "TUSD", 1_000 * WAD)
    await scene.pool.chain.mine(40)
    await do.borrow(scene.pool, ADA, "USDC", 5)
    await do.mint_vai(scene.pool, ADA, 7)
    await do.repay_vai(scene.pool, ADA, 100 * WAD)
    await scene.pool.chain.mine(30)


@pytest.mark.parametrize("touched", [(), EVERYTHING, ("USDC", "WETH"), ("VAI", "BNB")])
def test_accounts_are_worth_what_the_comptroller_says_whatever_has_accrued(
    pool: VenusPool, touched: tuple[str, ...]
) -> None:
    async def story(scene: Scene) -> None:
        await opened(scene)
        view = await scene.view(tuple(HELD))
        which = frozenset(view.token(symbol) for symbol in touched)
        for who in HELD:
            ours = view.value(who, which)
            theirs = await scene.truth.line(who, view.block.number, touched)
            assert (ours.liquidity, ours.shortfall, ours.available) == theirs
            assert ours.health is not None and ours.health > WAD

    play(pool, story)


def test_each_amount_is_what_its_contract_says_after_accrual(pool: VenusPool) -> None:
    async def story(scene: Scene) -> None:
        await opened(scene)
        view = await scene.view(tuple(HELD))
        seen = {(who, leg.token.symbol, leg.side): leg.amount for who in HELD for leg in view.value(who).legs}
        for (who, symbol, side), amount in seen.items():
            ask = scene.truth.owed if side is Side.DEBT else scene.truth.held
            assert amount == await ask(who, symbol, view.block.number)
        assert [side for (who, symbol, side) in seen if (who, symbol) == (ADA, "TUSD")] == [Side.DEPOSIT]
        assert len(seen) == 14 and {symbol for _, symbol, _ in seen} == set(EVERYTHING)

    play(pool, story)


def test_the_audit_agrees_with_all_of_them_and_terms_stay_fresh(pool: VenusPool) -> None:
    async def story(scene: Scene) -> None:
        await opened(scene)
        view = await scene.view(tuple(HELD))
        reported = await scene.reported(view)
        for who in HELD:
            told = reported[view.holdings[who].key]
            assert told.which is Which.NONE and set(told.figures) == {"liquidity", "shortfall", "available"}
            assert compare(view.value(who, Which.NONE), told) == ()
        assert await scene.reader.run(ADAPTER.fresh(view.terms), view.block)
        await pool.comptroller.send("setIsBorrowAllowed", 1, pool.markets["USDC"].v.address, False)
        assert not await scene.reader.run(ADAPTER.fresh(view.terms), await scene.reader.head())

    play(pool, story)
