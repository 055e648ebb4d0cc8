"""`watcher scan`, `curve`, `account`, `market`, `history` and `export panel` on a comptroller say what its contracts say."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from io import StringIO
from pathlib import Path
from random import Random
from typing import Any, TypeVar

import pytest

from tests.onchain.compound_v2.conftest import configured
from tests.onchain.compound_v2.scene import ADA, Scene, play
from tests.onchain.compound_v2.test_liquidation import RESERVES_ADDED
from tests.onchain.compound_v2.town import settle
from tests.onchain.compound_v2.truth import PAYER, Figures, Truth
from tests.onchain.explained import only_liquidated
from tests.onchain.scan_scene import Run, commands
from tests.onchain.test_scan import round_trip
from watcher.__main__ import main
from watcher.config import dump
from watcher.config.read_watch import load_watch
from watcher.errors import CallReverted
from watcher.exit import Exit
from watcher.health.fall import STEPS
from watcher.localchain import compound_v2_actions as do
from watcher.localchain.compound_v2 import CompoundV2, scaled
from watcher.model import BlockRef
from watcher.units import WAD
from watcher.watching.session import opened

T = TypeVar("T")
TURNS = 8


@pytest.fixture
def watcher(
    newest: CompoundV2, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> Run:
    return commands(configured(newest), tmp_path, capsys, monkeypatch)


def asked(world: CompoundV2, question: Callable[[Truth], Awaitable[T]]) -> T:
    async def run() -> T:
        truth = Truth(world)
        try:
            return await question(truth)
        finally:
            await truth.close()

    return asyncio.run(run())


def read(row: Mapping[str, Any]) -> Figures:
    """The three figures of a record."""
    health = None if row["health_wad"] is None else int(row["health_wad"])
    return Figures(health, round_trip(row["collateral"], 18), round_trip(row["debt"], 18))


def test_a_scan_finds_everybody_who_owes_and_lists_exactly_who_is_under_the_limit(
    newest: CompoundV2, watcher: Run
) -> None:
    owners = asyncio.run(settle(newest, 36))
    asyncio.run(do.set_price(newest, "WBTC", scaled(newest.markets["WBTC"].plan) * 95 // 100))
    asyncio.run(newest.chain.mine(60))
    said = watcher("scan", newest.name, "--below", "1.2")
    assert (said.code, said.err) == (Exit.OK, "")
    told = json.loads(said.out)
    truth = asked(newest, lambda truth: truth.everybody(owners, int(told["block"])))
    under = {who: one for who, one in truth.items() if one.health is not None and one.health < 12 * WAD // 10}
    assert 3 < len(under) < len(owners) - 8
    assert {row["account"]: read(row) for row in told["accounts"]} == under
    assert told["coverage"]["exact"] and int(told["audit"]["looked"]) >= len(under)
    for one in told["coverage"]["debts"]:
        assert abs(int(one["total"]) - int(one["booked"])) <= int(one["rounding"]) < int(one["total"]) or not int(
            one["total"]
        )


def test_a_threshold_of_a_curve_is_the_first_step_at_which_there_is_a_shortfall(
    newest: CompoundV2, watcher: Run
) -> None:
    """At the very block of the curve, as if the oracle answered so: a block later there is more interest than a step is wide."""
    owners = asyncio.run(settle(newest, 40))
    said = watcher("curve", newest.name, "--asset", "WBTC", "--to", "-80%")
    assert said.code == Exit.OK
    told = json.loads(said.out)
    found = [one for one in told["thresholds"] if one["fall"] != "0" and one["account"] in owners]
    assert len(found) >= 4 and told["unit"] == "USD"
    price = scaled(newest.markets["WBTC"].plan)

    async def story(scene: Scene) -> None:
        for one in found:
            steps = round_trip(one["fall"], 6)
            for step, fallen in ((steps, True), (steps - 1, False)):
                answer = price * (STEPS - step) // STEPS
                ((_, _, shortfall),) = await scene.truth.accrued(
                    one["account"], [list(newest.markets)], int(told["block"]), {"WBTC": answer}
                )
                assert (shortfall > 0) is fallen, (one, step)

    play(newest, story)


def test_an_account_its_forecast_and_the_market_are_shown_as_they_are(newest: CompoundV2, watcher: Run) -> None:
    """The forecast is of a later block: interest runs by blocks, one every twelve seconds here."""

    async def opened_() -> None:
        scene = Scene(newest)
        await scene.open_position(ADA, {"WBTC": 10**8, "DAI": 10**21}, {"ETH": 10**19, "USDC": 10**9})
        await scene.close()
        await newest.chain.mine(5)

    asyncio.run(opened_())
    records = json.loads(watcher("account", ADA, "--at", "+10m").out)
    (record,) = [one for one in records if one["kind"] == "position"]
    block = int(record["block"])
    assert read(record) == asked(newest, lambda truth: truth.everybody([ADA], block))[ADA]
    asyncio.run(newest.chain.mine(50))
    later = asked(newest, lambda truth: truth.everybody([ADA], block + 50))[ADA]
    assert read(record["what_if"]) == later and later != read(record)
    shown = watcher("market", newest.name, "--format", "table").out
    assert "deprecated" in shown and "cDUST" in shown


@dataclass(frozen=True, slots=True)
class Past:
    """A market followed for a while, and what the contracts said of everybody at each of its blocks."""

    db: Path
    chains: Path
    name: str
    truth: dict[BlockRef, Mapping[str, Figures]]


@pytest.fixture
def past(newest: CompoundV2, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Past:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    return asyncio.run(lived(newest, tmp_path))


async def lived(world: CompoundV2, folder: Path) -> Past:
    """Interest, falling prices, deposits, repayments, markets left and another collateral factor."""
    chance, truth = Random(7), Truth(world)
    owners = [owner for number, owner in enumerate(await settle(world, 14, seed=7)) if number % 9 != 8]
    (folder / "chains.toml").write_text(dump(configured(world)), encoding="utf-8")
    toml = folder / "watcher.toml"
    toml.write_text(f'chains_file = "chains.toml"\ndb = "watcher.db"\n[[follow]]\nmarket = "{world.name}"\n')
    past = Past(folder / "watcher.db", folder / "chains.toml", world.name, {})
    try:
        async with opened(load_watch(toml, {}), {}, StringIO()) as session:
            (seen,) = session.desk.chains.values()
            for turn in range(TURNS):
                with suppress(CallReverted):  # who needs a collateral does not leave its market
                    await stirred(world, owners[turn % len(owners)], turn)
                await world.chain.advance(chance.randint(7_200, 21_600))
                await session.once()
                assert seen.tip is not None and seen.follower.markets[world.name].block == seen.tip
                past.truth[seen.tip] = await truth.everybody(owners, seen.tip.number)
    finally:
        await truth.close()
    return past


async def stirred(world: CompoundV2, owner: str, turn: int) -> None:
    match turn % 4:
        case 0:
            await do.supply(world, owner, "DAI", 3 * WAD)
            await do.enter(world, owner, "DAI")
        case 1:
            await do.repay(world, owner, "USDC", 10**6)
        case 2:
            await do.set_price(world, "WBTC", scaled(world.markets["WBTC"].plan) * (90 - 4 * turn) // 100)
        case 3:
            await do.leave(world, owner, "DUST")


@pytest.mark.long
def test_history_and_a_panel_of_a_followed_market_are_what_the_contracts_said_then(
    past: Past, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    files = ("--db", str(past.db), "--chains", str(past.chains))
    for number, (block, truth) in enumerate(past.truth.items()):
        owner = list(truth)[number % len(truth)]
        line = ["history", owner, "--market", past.name, *files, "--at", str(block.number)]
        capsys.readouterr()
        assert main([*line, "--format", "json", "--quiet"]) == Exit.OK
        (row,) = json.loads(capsys.readouterr().out)
        assert (row["block"], plain(row["health"], row["collateral"], row["debt"])) == (str(block.number), truth[owner])
    out = tmp_path / "panel.jsonl"
    assert main(["export", "panel", past.name, *files, "--every", "1h", "-o", str(out)]) == Exit.OK
    by_number = {block.number: truth for block, truth in past.truth.items()}
    rows: list[dict[str, Any]] = [json.loads(line) for line in out.read_text().splitlines()]
    compared = 0
    for row in rows:
        for owner, one in by_number.get(row["block"], {}).items():
            if owner.lower() == row["position"]:
                if row["status"] == "unknown":  # more blocks than one between two looks
                    assert "nobody watched" in row["reason"]
                    continue
                assert plain(row["health_exact"], row["collateral_exact"], row["debt_exact"]) == one
                compared += 1
    assert compared > 60


def plain(health: str | None, collateral: str, debt: str) -> Figures:
    return Figures(None if health is None else int(health), int(collateral), int(debt))


def test_every_liquidation_is_told_as_balances_say(newest: CompoundV2, watcher: Run) -> None:
    """Two pairs, one of them repaid in the native token, at the block's own exchange rates and prices."""
    pairs = (("USDC", "WBTC"), ("ETH", "DAI"))

    async def story() -> list[tuple[int, int, int, int]]:
        scene, found = Scene(newest), []
        await scene.open_position(ADA, {"WBTC": 10**8, "DAI": 10**22}, {"USDC": 20_000 * 10**6, "ETH": 9 * 10**18})
        for one in newest.markets.values():
            await do.pay(newest, one, PAYER)
        await do.set_price(newest, "WBTC", scaled(newest.markets["WBTC"].plan) * 2 // 3)
        for debt, held in pairs:
            amount = newest.markets[debt].unit // 10
            ctoken = newest.markets[held].ctoken
            before = [await ctoken.call("balanceOf", PAYER), await ctoken.call("totalReserves")]
            receipt = await do.liquidate(newest, PAYER, ADA, debt, held, amount)
            words_ = [log for log in receipt.logs if log["topics"][0] == RESERVES_ADDED]
            added = int(words_[-1]["data"][66:130], 16)
            found.append((receipt.block, amount, await ctoken.call("balanceOf", PAYER) - before[0], added))
        await newest.chain.mine(2)
        await scene.close()
        return found

    truth = asyncio.run(story())
    said = watcher("liquidations", newest.name, "--since", str(newest.start))
    assert said.code == Exit.OK, said.err
    rows = [row for row in json.loads(said.out) if row["kind"] == "liquidation"]
    told = [
        (int(row["block"]), int(row["repaid_raw"]), int(row["received_raw"]), int(row["protocol_fee_raw"]))
        for row in rows
    ]
    assert sorted(told) == sorted(truth)
    assert {row["debt_symbol"]: row["received_symbol"] for row in rows} == {"USDC": "cWBTC", "ETH": "cDAI"}
    assert all(row["unknown"] == [] and row["borrower"] == ADA for row in rows)
    for block, *_ in truth:
        only_liquidated(watcher, ADA, block)
