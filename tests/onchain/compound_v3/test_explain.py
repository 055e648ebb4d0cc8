"""`watcher explain` on a real Comet: one cause gets all of it, and at every cut health is that of the contract's own views."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from tests.onchain.compound_v3.conftest import configured
from tests.onchain.compound_v3.scene import ABSORBER
from tests.onchain.compound_v3.truth import figures
from tests.onchain.explained import Story, adds_up, cuts, moved, only, shares, standing
from tests.onchain.scan_scene import commands
from watcher.localchain import comet_actions as do
from watcher.localchain.comet import CometChain, LocalComet
from watcher.localchain.scenario import account, fund

ALICE = account("alice")


async def lived(local: LocalComet) -> Story:
    chain, weth = local.chain, local.feeds["WETH"]
    await do.supply(local, ALICE, "WETH", 10 * 10**18)
    await do.supply(local, ALICE, "LINK", 100 * 10**18)
    await do.borrow(local, ALICE, 15_000 * 10**6)
    await fund(local.base, ALICE, 10**9, local.comet.address)
    await chain.advance(86_400)
    story = Story(await chain.block_number())
    story.happened("price of WETH", (await standing(weth, "set", 1_900 * 10**8)).block)
    await chain.advance(86_400)
    story.happened("time", await chain.block_number())
    repaid = await standing(local.comet, "supply", local.base.address, 10**9, sender=ALICE)
    story.happened("own action", repaid.block)
    await standing(weth, "set", 1_400 * 10**8)
    story.happened("liquidation", (await standing(local.comet, "absorb", ABSORBER, [ALICE], sender=ABSORBER)).block)
    await chain.mine()  # the newest block is not final
    return story


def test_one_cause_gets_all_of_it_and_every_cut_is_the_comets_own(
    comets: CometChain, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    local = comets.usd
    story = asyncio.run(lived(local))
    watcher = commands(configured(comets), tmp_path, capsys, monkeypatch)
    for cause, stretch in story.stretches.items():
        row = only(watcher, ALICE, *stretch)
        assert shares(row) == {cause: ("10000", moved(row), moved(row))} and moved(row)
    whole = only(watcher, ALICE, story.first, story.last, "--each")
    assert adds_up(whole) and shares(whole).keys() == story.stretches.keys()
    found = cuts(whole)
    assert found.keys() >= {story.stretches[deed][1] for deed in ("own action", "liquidation")}
    assert found == {block: asyncio.run(figures(local, [ALICE], block))[ALICE].health for block in found}
