"""What we say an absorption would do is what one that happens does, to the last unit."""

from __future__ import annotations

from typing import Any

import pytest

from tests.onchain.compound_v3.bench import absorption
from tests.onchain.compound_v3.scene import ABSORBER, Scene, View, play
from tests.onchain.compound_v3.town import move_prices, settle
from watcher.adapter import Liquidation, Position, Refusal
from watcher.adapters.compound_v3 import ADAPTER
from watcher.health.largest import largest
from watcher.localchain import comet_actions as do
from watcher.localchain.comet import CometChain, LocalComet
from watcher.localchain.scenario import account

ALICE, BOB = account("alice"), account("bob")
LEVELS = {"usd": (860, 500), "eth": (950, 600), "wide": (820, 500)}  # thousandths of the listed prices


@pytest.fixture(params=LEVELS)
def local(comets: CometChain, request: pytest.FixtureRequest) -> LocalComet:
    """The test runs on every Comet."""
    found: LocalComet = getattr(comets, request.param)
    return found


def said(view: View, who: str) -> Liquidation | Refusal:
    return largest(Position(ADAPTER, view.terms, view.accrued(), view.holdings[who]))


def test_amounts_are_those_of_an_absorption_that_happens(comets: CometChain, local: LocalComet) -> None:
    """Some leave their owners base, some leave the reserves short; each at its own snapshot, at the time that was read."""

    async def story(scene: Scene) -> None:
        owners = await settle(local, 12, seed=7)
        levels = next(levels for name, levels in LEVELS.items() if getattr(comets, name) is local)
        kinds = set()
        for level in levels:
            await move_prices(local, level)
            await local.chain.advance(86_400)
            view = await scene.view(owners)
            for who in owners:
                done = said(view, who)
                if isinstance(done, Liquidation):
                    await happened(scene, view, who, done)
                    kinds.add((done.credit > 0, done.deficit > 0))
        assert kinds >= {(True, False), (False, True)}

    play(local, story)


async def happened(scene: Scene, view: View, who: str, done: Liquidation) -> None:
    local, at = scene.local, view.block.number
    snapshot = await local.chain.snapshot()
    (owed,), (before,) = (await scene.told(at, ("borrowBalanceOf", [who])), await scene.told(at, ("getReserves", [])))
    await local.chain.next_timestamp(view.block.timestamp)
    receipt = await do.absorb(local, ABSORBER, [who])
    (paid, worth), values = absorption(receipt)
    taken = {done.collateral.address: done.seize} | {token.address: amount for token, amount in done.along}
    assert (done.repay, done.repay + done.credit, done.absorbed, done.blocked) == (owed, paid, True, None)
    assert done.bonus == sum(values) - worth
    for token, amount in taken.items():
        ((held, _), (left, _)) = (
            (await scene.told(at, ("userCollateral", [who, token])))[0],
            (await scene.told(receipt.block, ("userCollateral", [who, token])))[0],
        )
        assert (amount, left) == (held, 0)
    assert len(taken) == len(values)
    after: list[Any] = await scene.told(
        receipt.block, ("borrowBalanceOf", [who]), ("balanceOf", [who]), ("getReserves", []), ("userBasic", [who])
    )
    assert after[0] == 0 and after[3][3:] == (0, 0)
    assert done.credit - 1 <= after[1] <= done.credit  # its principal is rounded down
    assert abs(before - after[2] - paid) <= 2  # reserves paid, but for the rounding of two totals
    price = (await scene.told(at, ("getPrice", [local.feeds[local.plan.base].address])))[0]
    assert done.deficit == max(0, owed - sum(values) * 10**local.plan.decimals // price)
    await local.chain.revert(snapshot)


def test_a_healthy_account_and_another_pair_are_refused(comets: CometChain) -> None:
    async def story(scene: Scene) -> None:
        await do.supply(comets.usd, ALICE, "WETH", 10**18)
        await do.borrow(comets.usd, ALICE, 1_600 * 10**6)
        view = await scene.view([ALICE])
        assert said(view, ALICE) == Refusal("NotLiquidatable")
        base, (weth, wbtc, *_) = view.terms.base.address, (asset.token.address for asset in view.terms.assets)
        pairs = {(weth, weth): "lends USDC only", (base, wbtc): "holds none", (base, base): "holds none"}
        for pair, reason in pairs.items():
            answer = ADAPTER.liquidation(view.terms, view.accrued(), view.holdings[ALICE], *pair)
            assert isinstance(answer, Refusal) and reason in answer.reason

    play(comets.usd, story)
