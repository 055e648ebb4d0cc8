"""`watcher explain` on real Compound V2: one cause gets all of it, and at every cut health is that of the contracts' own views.

Interest runs by blocks there, so nobody pays any until time is the cause.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.onchain.compound_v2.conftest import configured
from tests.onchain.compound_v2.scene import ADA, Scene, play
from tests.onchain.compound_v2.truth import PAYER
from tests.onchain.explained import Story, adds_up, astray, cuts, only, shares
from tests.onchain.scan_scene import commands
from watcher.localchain import compound_v2_actions as do
from watcher.localchain.compound_v2 import CompoundV2, artifact, scaled
from watcher.units import WAD

# What a seizure adds to the reserves is rounded down to a raw unit of WBTC, to the good of every cToken: the rate moves.
DUST = {"liquidation": 4 * 10**11}  # the worth of one


async def lived(world: CompoundV2, scene: Scene) -> Story:
    chain, price = world.chain, scaled(world.markets["WBTC"].plan)
    await do.set_model(world, "USDC", artifact("JumpRateModel"), 0, 0, 0, WAD)
    await scene.open_position(ADA, {"WBTC": 3 * 10**8, "DAI": 10**21}, {"USDC": 100_000 * 10**6})
    story = Story(await chain.block_number())
    story.happened("price of WBTC", (await do.set_price(world, "WBTC", price * 99 // 100)).block)
    story.happened("own action", (await do.repay(world, ADA, "USDC", 500 * 10**6)).block)
    await do.set_price(world, "WBTC", price * 3 // 4)
    story.happened("liquidation", (await do.liquidate(world, PAYER, ADA, "USDC", "WBTC", 10**9)).block)
    await do.set_model(world, "USDC", artifact("JumpRateModel"), WAD // 100, WAD // 10, WAD, WAD)
    since = await chain.block_number()
    await chain.mine(100)
    story.happened("time", await chain.block_number(), since)
    await chain.mine()  # the newest block is not final
    return story


def test_one_cause_gets_all_of_it_and_every_cut_is_compounds_own(
    newest: CompoundV2, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    stories: list[Story] = []
    healths: dict[int, int | None] = {}
    watcher = commands(configured(newest), tmp_path, capsys, monkeypatch)

    async def told(scene: Scene) -> None:
        stories.append(await lived(newest, scene))

    async def asked(scene: Scene) -> None:
        for block in found:
            healths[block] = (await scene.truth.everybody([ADA], block))[ADA].health

    play(newest, told)
    (story,) = stories
    assert len(story.stretches) == 4
    assert astray(watcher, ADA, story, DUST) == {}
    whole = only(watcher, ADA, story.first, story.last, "--each")
    assert adds_up(whole) and shares(whole).keys() - {"rates"} == story.stretches.keys()
    found = cuts(whole)
    assert found.keys() >= {story.stretches[deed][1] for deed in ("own action", "liquidation")}
    play(newest, asked)
    assert found == healths
