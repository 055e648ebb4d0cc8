"""`watcher scan`, `curve`, `account`, `market`, `history` and `export panel` on real markets of Aave V2 say what the pool says."""

from __future__ import annotations

import asyncio
import json
import random
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, replace
from io import StringIO
from pathlib import Path
from typing import Any

import pytest

from tests.onchain.aave_v2.conftest import Pools
from tests.onchain.account_scene import figures, user_data
from tests.onchain.followed_past import Said as Words
from tests.onchain.followed_past import said
from tests.onchain.scan_scene import Run, accounts, at_once, commands, priced
from tests.onchain.test_curve import answer, reset
from tests.onchain.test_followed_past import contract
from tests.onchain.test_scan import round_trip
from watcher.__main__ import main
from watcher.config import dump
from watcher.config.read_watch import load_watch
from watcher.errors import CallReverted
from watcher.exit import Exit
from watcher.localchain import aave_actions as do
from watcher.localchain import aave_v2_actions as v2_do
from watcher.localchain.aave_market import AaveMarket
from watcher.localchain.aave_v2_actions import seed
from watcher.localchain.scenario import set_price
from watcher.model import BlockRef
from watcher.units import WAD
from watcher.watching.session import opened

BORROWERS, TURNS = 48, 9
FALLEN = ("WBTC", "LINK", "EURS")


@pytest.fixture
def watcher(still: Pools, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch) -> Run:
    return commands(still.configured(), tmp_path, capsys, monkeypatch)


def decimals(market: AaveMarket) -> int:
    return 8 if market.base is None else 18


def test_a_scan_lists_exactly_whom_the_pool_says_is_under_the_limit(v2: AaveMarket, watcher: Run) -> None:
    owners = asyncio.run(seed(v2, BORROWERS))
    asyncio.run(priced(v2, 90, FALLEN))
    asyncio.run(v2.chain.advance(20 * 86_400))
    found = watcher("scan", v2.name, "--below", "1.2")
    assert (found.code, found.err) == (Exit.OK, "")
    told = json.loads(found.out)
    truth = {who: data for who, data in accounts(v2, owners).items() if data[5] < 12 * WAD // 10}
    assert 0 < len(truth) < BORROWERS
    assert {row["account"]: figures(row, decimals(v2)) for row in told["accounts"]} == truth
    assert told["coverage"]["exact"]


def test_a_threshold_of_a_curve_is_the_first_step_at_which_the_pool_would_liquidate(
    v2_eth: AaveMarket, watcher: Run
) -> None:
    asyncio.run(seed(v2_eth, BORROWERS))
    said = watcher("curve", v2_eth.name, "--asset", "WBTC", "--to", "-50%")
    assert said.code == Exit.OK
    told = json.loads(said.out)
    found = [one for one in told["thresholds"] if one["fall"] != "0"]
    assert len(found) >= 4 and told["unit"] == "ETH"
    snapshot = asyncio.run(v2_eth.chain.snapshot())
    for one in (found[0], found[-1]):
        steps = round_trip(one["fall"], 6)
        for step, fallen in ((steps, True), (steps - 1, False)):
            asyncio.run(at_once(v2_eth, [("WBTC", answer(v2_eth, "WBTC", step))]))
            assert (accounts(v2_eth, [one["account"]])[one["account"]][5] < WAD) is fallen, (one, step)
            snapshot = reset(v2_eth, snapshot)


def test_an_account_and_the_market_are_shown_as_the_pool_says(v2: AaveMarket, watcher: Run) -> None:
    owner = asyncio.run(seed(v2, 12))[1]
    asyncio.run(v2.chain.advance(86_400))
    told = json.loads(watcher("account", owner).out)
    (record,) = [one for one in told if one["kind"] == "position" and one["market"] == v2.name]
    assert figures(record, decimals(v2)) == user_data(v2, owner)
    asyncio.run(v2_do.pause(v2, True))
    shown = watcher("market", v2.name, "--format", "table").out
    assert "the pool is paused" in shown and "at most 50 %" in shown


@dataclass(frozen=True, slots=True)
class Past:
    """A market followed for days, and what the pool said of everybody at each of its blocks."""

    db: Path
    chains: Path
    market: AaveMarket
    truth: dict[BlockRef, Mapping[str, Words]]


@pytest.fixture
def past(still: Pools, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Past]:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    yield asyncio.run(lived(still, tmp_path))


async def lived(pools: Pools, folder: Path) -> Past:
    """Interest, falling prices, rate modes that are swapped, aTokens that change hands, a threshold that changes."""
    chance, market = random.Random(7), pools.eth
    owners = await seed(market, 18)
    (folder / "chains.toml").write_text(dump(replace(pools.configured(), finality=4)), encoding="utf-8")
    toml = folder / "watcher.toml"
    toml.write_text(f'chains_file = "chains.toml"\ndb = "watcher.db"\n[[follow]]\nmarket = "{market.name}"\n')
    past = Past(folder / "watcher.db", folder / "chains.toml", market, {})
    async with opened(load_watch(toml, {}), {}, StringIO()) as session:
        (seen,) = session.desk.chains.values()
        for turn in range(TURNS):
            await stirred(market, owners, turn, chance)
            await session.once()
            assert seen.tip is not None and seen.follower.markets[market.name].block == seen.tip
            past.truth[seen.tip] = await said(market, owners, seen.tip)
            await market.chain.advance(chance.randint(7_200, 21_600))
            await session.once()
            past.truth[seen.tip] = await said(market, owners, seen.tip)
    return past


async def stirred(market: AaveMarket, owners: tuple[str, ...], turn: int, chance: random.Random) -> None:
    owner = owners[1 + turn * 6 % len(owners)]  # owes DAI against WBTC
    with suppress(CallReverted):  # whose health is too low may not do it
        match turn % 5:
            case 0:
                await v2_do.swap_rate(market, owner, "DAI", do.VARIABLE)
            case 1:
                await set_price(market.reserves["WBTC"].feed, market.reserves["WBTC"].asset.price * 85 // 100)
            case 2:
                await do.repay(market, owner, "DAI", 10**20)
            case 3:
                await do.set_thresholds(market, "LINK", 6_000, 6_800, 10_700)
            case 4:
                await do.transfer_receipt(market, owners[0], owner, "WETH", 10**15)


@pytest.mark.long
def test_history_and_a_panel_of_a_followed_market_are_what_the_pool_said_then(
    past: Past, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    files = ("--db", str(past.db), "--chains", str(past.chains))
    for number, (block, truth) in enumerate(past.truth.items()):
        owner = list(truth)[number % len(truth)]
        asked = ["history", owner, "--market", past.market.name, *files, "--at", str(block.number)]
        capsys.readouterr()
        assert main([*asked, "--format", "json", "--quiet"]) == Exit.OK
        (row,) = json.loads(capsys.readouterr().out)
        assert (row["block"], (row["health"], row["collateral"], row["debt"])) == (
            str(block.number),
            contract(truth[owner]),
        )
    out = tmp_path / "panel.jsonl"
    assert main(["export", "panel", past.market.name, *files, "--every", "1h", "-o", str(out)]) == Exit.OK
    by_number = {block.number: truth for block, truth in past.truth.items()}
    rows: list[dict[str, Any]] = [json.loads(line) for line in out.read_text().splitlines()]
    compared = 0
    for row in rows:
        for owner, words in by_number.get(row["block"], {}).items():
            if owner.lower() == row["position"]:
                told = row["health_exact"], row["collateral_exact"], row["debt_exact"]
                assert told == contract(words)
                compared += 1
    assert compared == len(rows) >= 18 * 20
    assert {row["status"] for row in rows} >= {"owing", "liquidatable"}
