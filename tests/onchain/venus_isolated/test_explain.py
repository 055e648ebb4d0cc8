"""`watcher explain` on a real isolated pool: one cause gets all of it, and at every cut health is that of the contracts' own views."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from tests.onchain.explained import Story, adds_up, cuts, moved, only, shares, standing
from tests.onchain.scan_scene import commands
from tests.onchain.venus_isolated.conftest import configured
from tests.onchain.venus_isolated.scene import ADA, Scene
from tests.onchain.venus_isolated.truth import PAYER
from watcher.localchain import venus_isolated_actions as do
from watcher.localchain.venus_isolated import VenusIsolated

SLUG = "stablecoins"  # its interest runs by time


async def lived(world: VenusIsolated) -> Story:
    scene, pool, chain = await Scene.open(world), world.pools[SLUG], world.chain
    debt, held = pool.markets["USDC"], pool.markets["WETH"]
    try:
        await scene.open_position(pool, ADA, {"WETH": 10**19}, {"USDC": 12_000 * 10**6})
    finally:
        await scene.close()
    await do.prepare_payer(debt, ADA, 10**9)
    await chain.advance(86_400)
    story = Story(await chain.block_number())
    story.happened("price of WETH", (await standing(held.feed, "set", 1_990 * 10**8)).block)
    await chain.advance(86_400)
    story.happened("time", await chain.block_number())
    story.happened("own action", (await standing(debt.vtoken, "repayBorrow", 10**9, sender=ADA)).block)
    await standing(held.feed, "set", 1_300 * 10**8)
    seized = "liquidateBorrow", ADA, 2_000 * 10**6, held.vtoken.address
    story.happened("liquidation", (await standing(debt.vtoken, *seized, sender=PAYER)).block)
    await chain.mine()  # the newest block is not final
    return story


async def healths(world: VenusIsolated, blocks: list[int]) -> dict[int, int | None]:
    scene = await Scene.open(world)
    try:
        return {block: (await scene.truth.figures(world.pools[SLUG], ADA, block)).health for block in blocks}
    finally:
        await scene.close()


def test_one_cause_gets_all_of_it_and_every_cut_is_the_pools_own(
    world: VenusIsolated, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    story = asyncio.run(lived(world))
    watcher = commands(configured(world), tmp_path, capsys, monkeypatch)
    for cause, stretch in story.stretches.items():
        row = only(watcher, ADA, *stretch)
        assert shares(row) == {cause: ("10000", moved(row), moved(row))} and moved(row)
    whole = only(watcher, ADA, story.first, story.last, "--each")
    assert adds_up(whole) and shares(whole).keys() == story.stretches.keys()
    found = cuts(whole)
    assert found.keys() >= {story.stretches[deed][1] for deed in ("own action", "liquidation")}
    assert found == asyncio.run(healths(world, list(found)))
