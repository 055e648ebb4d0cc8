"""`watcher explain` on real Aave V2: one cause gets all of it, and at every cut health is what the pool itself says."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from tests.onchain.aave_v2.conftest import Pools
from tests.onchain.account_scene import OWNER, user_data
from tests.onchain.explained import adds_up, cuts, moved, only, shares
from tests.onchain.scan_scene import commands
from tests.onchain.test_explain import lived


def test_one_cause_gets_all_of_it_and_every_cut_is_the_pools_own(
    still: Pools, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    story = asyncio.run(lived(still.usd))
    watcher = commands(still.configured(), tmp_path, capsys, monkeypatch)
    causes = {"price of WETH" if cause == "price" else cause: block for cause, block in story.blocks.items()}
    for cause, block in causes.items():
        row = only(watcher, OWNER, block - 1, block)
        assert shares(row) == {cause: ("10000", moved(row), moved(row))} and moved(row)
    whole = only(watcher, OWNER, story.first, max(causes.values()), "--each")
    assert adds_up(whole) and shares(whole).keys() == {*causes, "price of WBTC"}
    found = cuts(whole)
    assert found.keys() >= {causes[deed] for deed in ("own action", "terms", "liquidation")}
    assert found == {block: user_data(still.usd, OWNER, block)[-1] for block in found}
