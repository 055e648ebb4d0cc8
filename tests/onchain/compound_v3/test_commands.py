"""`watcher scan`, `curve`, `account`, `market`, `liquidations`, `history` and `export panel` on Comets say what the contract says."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from io import StringIO
from pathlib import Path
from random import Random
from typing import Any

import pytest

from tests.onchain.compound_v3.bench import absorption
from tests.onchain.compound_v3.conftest import configured
from tests.onchain.compound_v3.scene import ABSORBER, Scene, play
from tests.onchain.compound_v3.town import move_prices, settle
from tests.onchain.compound_v3.truth import Figures, figures
from tests.onchain.explained import only_liquidated
from tests.onchain.scan_scene import Run, commands
from tests.onchain.test_scan import round_trip
from watcher.__main__ import main
from watcher.config import dump
from watcher.config.read_watch import load_watch
from watcher.exit import Exit
from watcher.health.fall import STEPS
from watcher.localchain import comet_actions as do
from watcher.localchain.comet import CometChain, LocalComet, upgrade
from watcher.localchain.contract import DEPLOYER
from watcher.localchain.scenario import account
from watcher.model import BlockRef
from watcher.units import WAD
from watcher.watching.session import opened

ALICE, BOB = account("alice"), account("bob")
TURNS = 5


@pytest.fixture
def watcher(
    comets: CometChain, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> Run:
    return commands(configured(comets), tmp_path, capsys, monkeypatch)


@pytest.fixture(params=["usd", *(pytest.param(name, marks=pytest.mark.long) for name in ("eth", "wide"))])
def local(comets: CometChain, request: pytest.FixtureRequest) -> LocalComet:
    found: LocalComet = getattr(comets, request.param)
    return found


def read(row: Mapping[str, Any]) -> Figures:
    """The three figures of a record."""
    health = None if row["health_wad"] is None else int(row["health_wad"])
    return Figures(health, round_trip(row["collateral"], 8), round_trip(row["debt"], 8))


async def sent_by_a_borrower(local: LocalComet) -> None:
    """Alice is handed collateral and sends Bob base that she owes from then on: no log names her but the first."""
    first = local.plan.listings[0]
    unit = 10**first.decimals
    await do.supply(local, BOB, first.symbol, 40 * unit)
    await do.transfer(local, BOB, ALICE, first.symbol, 20 * unit)
    limit = 20 * first.price * first.borrow // 100 * 98 // 100
    await do.transfer(local, ALICE, BOB, local.plan.base, limit * 10**local.plan.decimals // local.plan.price)


def test_a_scan_finds_everybody_who_owes_and_lists_exactly_who_is_under_the_limit(
    local: LocalComet, watcher: Run
) -> None:
    owners = [*asyncio.run(settle(local, 18)), ALICE, BOB]
    asyncio.run(sent_by_a_borrower(local))
    asyncio.run(move_prices(local, 960))
    asyncio.run(local.chain.advance(20 * 86_400))
    said = watcher("scan", local.name, "--below", "1.2")
    assert (said.code, said.err) == (Exit.OK, "")
    told = json.loads(said.out)
    truth = asyncio.run(figures(local, owners, int(told["block"])))
    under = {who: one for who, one in truth.items() if one.health is not None and one.health < 12 * WAD // 10}
    assert 0 < len(under) < len(owners) and ALICE in under
    assert {row["account"]: read(row) for row in told["accounts"]} == under
    assert told["coverage"]["exact"]


def test_a_threshold_of_a_curve_is_the_first_step_at_which_absorb_succeeds(comets: CometChain, watcher: Run) -> None:
    local = comets.eth
    asyncio.run(settle(local, 18))
    said = watcher("curve", local.name, "--asset", "wstETH", "--to", "-60%")
    assert said.code == Exit.OK
    told = json.loads(said.out)
    found = [one for one in told["thresholds"] if one["fall"] != "0"]
    assert len(found) >= 4 and told["unit"] == "ETH"
    listed = local.plan.listings[0].price

    async def story(scene: Scene) -> None:
        for one in (found[0], found[len(found) // 2], found[-1]):
            steps = round_trip(one["fall"], 6)
            for step, fallen in ((steps, True), (steps - 1, False)):
                await local.chain.next_timestamp(await local.chain.timestamp())
                await local.feeds["wstETH"].send("set", listed * (STEPS - step) // STEPS)
                assert await scene.absorbable(await local.chain.block_number(), [one["account"]]) == [fallen]

    play(local, story)


def test_an_account_and_the_market_are_shown_as_they_are(comets: CometChain, watcher: Run) -> None:
    owner = asyncio.run(settle(comets.usd, 1, seed=9))[0]
    asyncio.run(comets.chain.advance(86_400))
    records = json.loads(watcher("account", owner).out)
    (record,) = [one for one in records if one["kind"] == "position" and one["market"] == comets.usd.name]
    assert read(record) == asyncio.run(figures(comets.usd, [owner], int(record["block"])))[owner]
    asyncio.run(comets.usd.comet.send("pause", False, False, False, True, False, sender=DEPLOYER))
    shown = watcher("market", comets.usd.name, "--format", "table").out
    assert "absorb is paused" in shown and "all or nothing" in shown


def test_absorptions_that_happened_are_told_with_all_that_was_taken(comets: CometChain, watcher: Run) -> None:
    """Two in one block, by one call, and one a day later; amounts, losses and the health before are the chain's."""
    local, first = comets.usd, asyncio.run(comets.chain.block_number()) + 1
    owners = asyncio.run(settle(local, 18, seed=7))
    asyncio.run(move_prices(local, 700))
    asyncio.run(comets.chain.advance(3_600))
    receipts: list[Any] = []

    async def story(scene: Scene) -> None:
        view = await scene.view(owners)
        ripe = [who for who in owners if view.value(who).liquidatable]
        await local.chain.advance(12)
        receipts.append(await do.absorb(local, ABSORBER, [ripe[0]]))
        receipts.append(await do.absorb(local, ABSORBER, [ripe[1]]))

    play(local, story)
    rows = json.loads(watcher("liquidations", local.name, "--since", str(first)).out)
    assert [int(row["block"]) for row in rows] == [receipt.block for receipt in receipts]
    for row, receipt in zip(rows, receipts, strict=True):
        (paid, worth), values = absorption(receipt)
        assert (int(row["repaid_raw"]), row["liquidator"]) == (paid, ABSORBER)
        taken = {row["collateral_token"]: int(row["received_raw"])}
        taken |= {one["token"]: int(one["amount_raw"]) for one in row["received_along"]}
        assert len(taken) == len(values) and row["absorbed"]
        assert round_trip(row["bonus"].removeprefix("-"), 8) == abs(sum(values) - worth)
        before = asyncio.run(figures(local, [row["borrower"]], receipt.block - 1))[row["borrower"]]
        assert int(row["health_before_wad"]) == before.health
        assert row["unknown"] == []
        only_liquidated(watcher, row["borrower"], receipt.block)


@dataclass(frozen=True, slots=True)
class Past:
    """A market followed for days, and what the contract said of everybody at each of its blocks."""

    db: Path
    chains: Path
    market: LocalComet
    truth: dict[BlockRef, Mapping[str, Figures]]


@pytest.fixture
def past(comets: CometChain, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Past:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    return asyncio.run(lived(comets, tmp_path))


async def lived(world: CometChain, folder: Path) -> Past:
    """Interest, deposits, repayments, falling prices, an absorption, and other rules by an upgrade."""
    chance, market = Random(7), world.usd
    owners = await settle(market, 12, seed=7)
    owners = [owner for number, owner in enumerate(owners) if number % 9 != 8]  # the others never owed
    (folder / "chains.toml").write_text(dump(replace(configured(world), finality=4)), encoding="utf-8")
    toml = folder / "watcher.toml"
    toml.write_text(f'chains_file = "chains.toml"\ndb = "watcher.db"\n[[follow]]\nmarket = "{market.name}"\n')
    past = Past(folder / "watcher.db", folder / "chains.toml", market, {})
    async with opened(load_watch(toml, {}), {}, StringIO()) as session:
        (seen,) = session.desk.chains.values()
        for turn in range(TURNS):
            await stirred(market, owners, turn)
            await session.once()
            assert seen.tip is not None and seen.follower.markets[market.name].block == seen.tip
            past.truth[seen.tip] = await figures(market, owners, seen.tip.number)
            await market.chain.advance(chance.randint(7_200, 21_600))
            await session.once()
            past.truth[seen.tip] = await figures(market, owners, seen.tip.number)
    return past


async def stirred(market: LocalComet, owners: list[str], turn: int) -> None:
    match turn:
        case 0:
            await do.supply(market, owners[0], "WETH", 10**16)
        case 1:
            await do.supply(market, owners[1], "USDC", 10**8)
        case 2:
            await move_prices(market, 820)
        case 3:
            ripe = [who for who in owners if await market.comet.call("isLiquidatable", who)]
            await do.absorb(market, ABSORBER, ripe[:1])
        case 4:
            first, *others = market.plan.listings
            await upgrade(market, replace(market.plan, listings=(replace(first, borrow=60, liquidate=70), *others)))


@pytest.mark.slow
def test_history_and_a_panel_of_a_followed_market_are_what_the_contract_said_then(
    past: Past, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    files = ("--db", str(past.db), "--chains", str(past.chains))
    for number, (block, truth) in enumerate(past.truth.items()):
        owner = list(truth)[number % len(truth)]
        asked = ["history", owner, "--market", past.market.name, *files, "--at", str(block.number)]
        capsys.readouterr()
        assert main([*asked, "--format", "json", "--quiet"]) == Exit.OK
        (row,) = json.loads(capsys.readouterr().out)
        assert (row["block"], plain(row["health"], row["collateral"], row["debt"])) == (str(block.number), truth[owner])
    out = tmp_path / "panel.jsonl"
    assert main(["export", "panel", past.market.name, *files, "--every", "1h", "-o", str(out)]) == Exit.OK
    by_number = {block.number: truth for block, truth in past.truth.items()}
    rows: list[dict[str, Any]] = [json.loads(line) for line in out.read_text().splitlines()]
    compared = 0
    for row in rows:
        for owner, one in by_number.get(row["block"], {}).items():
            if owner.lower() == row["position"]:
                assert plain(row["health_exact"], row["collateral_exact"], row["debt_exact"]) == one
                compared += 1
    assert compared > 50
    assert {row["status"] for row in rows} >= {"owing", "liquidatable", "no_debt"}


def plain(health: str | None, collateral: str, debt: str) -> Figures:
    return Figures(None if health is None else int(health), int(collateral), int(debt))
