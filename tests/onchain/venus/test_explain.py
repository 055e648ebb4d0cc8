"""`watcher explain` on a real Venus pool: one cause gets all of it, and at every cut health is that of the contracts' own views.

Interest runs by blocks there, so nobody pays any until time is the cause.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.onchain.explained import Story, adds_up, cuts, moved, only, shares
from tests.onchain.scan_scene import commands
from tests.onchain.venus.conftest import configured
from tests.onchain.venus.scene import ADA, Scene, play
from tests.onchain.venus.truth import PAYER
from watcher.localchain import venus_actions as do
from watcher.localchain.venus import BLOCKS_PER_YEAR, make
from watcher.localchain.venus_pool import VenusPool
from watcher.units import WAD


async def lived(pool: VenusPool, scene: Scene) -> Story:
    chain, debt, plan = pool.chain, pool.markets["USDC"].v, pool.markets["WETH"]
    price = plan.scaled(plan.plan.price)
    await debt.send(
        "_setInterestRateModel", (await make(chain, "JumpRateModel", 0, 0, 0, WAD, BLOCKS_PER_YEAR)).address
    )
    await scene.open_position(ADA, {"WETH": 3 * WAD, "USDT": 100 * WAD}, {"USDC": 4_000 * 10**6})
    story = Story(await chain.block_number())
    story.happened("price of WETH", (await do.set_price(pool, "WETH", price * 99 // 100)).block)
    story.happened("own action", (await do.repay(pool, ADA, "USDC", 50 * 10**6)).block)
    await do.set_price(pool, "WETH", price * 3 // 4)
    story.happened("liquidation", (await do.liquidate(pool, PAYER, ADA, "USDC", "WETH", 700 * 10**6)).block)
    rates = [n * WAD // 100 for n in (2, 15, 200, 75)]
    await debt.send("_setInterestRateModel", (await make(chain, "JumpRateModel", *rates, BLOCKS_PER_YEAR)).address)
    since = await chain.block_number()
    await chain.mine(100)
    story.happened("time", await chain.block_number(), since)
    await chain.mine()  # the newest block is not final
    return story


def test_one_cause_gets_all_of_it_and_every_cut_is_the_pools_own(
    pool: VenusPool, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    stories: list[Story] = []
    healths: dict[int, int | None] = {}
    watcher = commands(configured(pool), tmp_path, capsys, monkeypatch)

    async def told(scene: Scene) -> None:
        stories.append(await lived(pool, scene))

    async def asked(scene: Scene) -> None:
        for block in found:
            healths[block] = (await scene.truth.figures(ADA, block)).health

    play(pool, told)
    (story,) = stories
    for cause, stretch in story.stretches.items():
        row = only(watcher, ADA, *stretch)
        assert shares(row) == {cause: ("10000", moved(row), moved(row))} and moved(row)
    whole = only(watcher, ADA, story.first, story.last, "--each")
    assert adds_up(whole) and shares(whole).keys() == story.stretches.keys()
    found = cuts(whole)
    assert found.keys() >= {story.stretches[deed][1] for deed in ("own action", "liquidation")}
    play(pool, asked)
    assert found == healths
