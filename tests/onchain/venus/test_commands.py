"""`watcher scan`, `curve`, `account`, `market`, `liquidations`, `history` and `export panel` on a Venus pool say what the contracts say."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, replace
from io import StringIO
from pathlib import Path
from random import Random
from typing import Any, TypeVar

import pytest

from tests.onchain.explained import only_liquidated
from tests.onchain.scan_scene import Run, commands
from tests.onchain.test_scan import round_trip
from tests.onchain.venus.conftest import configured
from tests.onchain.venus.scene import ADA, BOB, CYD, Scene, play
from tests.onchain.venus.test_liquidation import wallet
from tests.onchain.venus.town import move_prices, settle
from tests.onchain.venus.truth import PAYER, Figures, Truth
from watcher.__main__ import main
from watcher.config import dump
from watcher.config.read_watch import load_watch
from watcher.exit import Exit
from watcher.health.fall import STEPS
from watcher.localchain import venus_actions as do
from watcher.localchain.venus_pool import NAME, VenusPool
from watcher.model import BlockRef
from watcher.units import WAD
from watcher.watching.session import opened

T = TypeVar("T")
TURNS = 5
DECIMALS = {"USDC": 6, "VAI": 18, "BNB": 18}


@pytest.fixture
def watcher(
    pool: VenusPool, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> Run:
    return commands(configured(pool), tmp_path, capsys, monkeypatch)


def asked(pool: VenusPool, question: Callable[[Truth], Awaitable[T]]) -> T:
    async def run() -> T:
        truth = Truth(pool)
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
    pool: VenusPool, watcher: Run
) -> None:
    owners = asyncio.run(settle(pool, 36))
    asyncio.run(move_prices(pool, 950))
    asyncio.run(pool.chain.mine(20))
    said = watcher("scan", NAME, "--below", "1.2")
    assert (said.code, said.err) == (Exit.OK, "")
    told = json.loads(said.out)
    truth = asked(pool, lambda truth: truth.everybody(owners, int(told["block"])))
    under = {who: one for who, one in truth.items() if one.health is not None and one.health < 12 * WAD // 10}
    assert 3 < len(under) < len(owners) - 8
    assert {row["account"]: read(row) for row in told["accounts"]} == under
    assert told["coverage"]["exact"]


def test_a_threshold_of_a_curve_is_the_first_step_at_which_a_liquidation_goes_through(
    pool: VenusPool, watcher: Run
) -> None:
    """At the very block of the curve, as if the oracle answered so: a block later there is more interest than a step is wide."""
    asyncio.run(settle(pool, 27))
    said = watcher("curve", NAME, "--asset", "WETH", "--to", "-60%")
    assert said.code == Exit.OK
    told = json.loads(said.out)
    found = [one for one in told["thresholds"] if one["fall"] != "0"]
    assert len(found) >= 4 and told["unit"] == "USD"
    price, block = pool.markets["WETH"].scaled(pool.markets["WETH"].plan.price), int(told["block"])

    async def story(scene: Scene) -> None:
        for one in found:
            steps = round_trip(one["fall"], 6)
            for step, fallen in ((steps, True), (steps - 1, False)):
                as_if = {"WETH": price * (STEPS - step) // STEPS}
                _, shortfall, _ = await scene.truth.line(one["account"], block, (*pool.markets, "VAI"), as_if)
                assert (shortfall > 0) is fallen, (one, step)

    play(pool, story)


def test_an_account_and_the_market_are_shown_as_they_are(pool: VenusPool, watcher: Run) -> None:
    owner = asyncio.run(settle(pool, 1, seed=9))[0]
    asyncio.run(pool.chain.mine(10))
    records = json.loads(watcher("account", owner).out)
    (record,) = [one for one in records if one["kind"] == "position" and one["market"] == NAME]
    assert read(record) == asked(pool, lambda truth: truth.figures(owner, int(record["block"])))
    asyncio.run(pool.comptroller.send("setForcedLiquidation", pool.markets["TUSD"].v.address, True))
    shown = watcher("market", NAME, "--format", "table").out
    assert "now for everybody: TUSD" in shown and "ether alone" in shown


def test_liquidations_that_happened_are_told_as_balances_say(pool: VenusPool, watcher: Run) -> None:
    """Of a debt, of VAI and of coins; what was given is vTokens, and the health before is what the contracts say of the block before."""
    first = asyncio.run(pool.chain.block_number()) + 1
    pairs = {ADA: ("USDC", "WETH"), BOB: ("VAI", "WETH"), CYD: ("BNB", "WBTC")}
    moved: dict[str, tuple[int, int, int]] = {}

    async def story(scene: Scene) -> None:
        await scene.open_position(ADA, {"WETH": 3 * WAD}, {"USDC": 4_000 * 10**6})
        await scene.open_position(BOB, {"WETH": 3 * WAD}, {"VAI": 4_000 * WAD})
        await scene.open_position(CYD, {"WBTC": 10**7}, {"BNB": 4_000 * WAD})
        await move_prices(pool, 750)
        await pool.chain.mine(20)
        for who, (debt, collateral) in pairs.items():
            v = pool.markets[collateral].v
            before = await wallet(scene, debt), await v.call("balanceOf", PAYER)
            receipt = await do.liquidate(pool, PAYER, who, debt, collateral, 700 * 10 ** DECIMALS[debt])
            paid, given = before[0] - await wallet(scene, debt), await v.call("balanceOf", PAYER) - before[1]
            moved[who] = receipt.block, paid, given

    play(pool, story)
    rows = json.loads(watcher("liquidations", NAME, "--since", str(first)).out)
    assert {
        row["borrower"]: (int(row["block"]), int(row["repaid_raw"]), int(row["received_raw"])) for row in rows
    } == moved
    for row in rows:
        debt, collateral = pairs[row["borrower"]]
        assert (row["debt_symbol"], row["collateral_symbol"], row["liquidator"]) == (debt, collateral, PAYER)
        who, block = row["borrower"], int(row["block"]) - 1
        before = asked(pool, lambda truth, who=who, block=block: truth.figures(who, block))  # type: ignore[misc]
        assert int(row["health_before_wad"]) == before.health
        assert row["unknown"] == []
        only_liquidated(watcher, who, block + 1)


@dataclass(frozen=True, slots=True)
class Past:
    """A market followed for a while, and what the contracts said of everybody at each of its blocks."""

    db: Path
    chains: Path
    truth: dict[BlockRef, Mapping[str, Figures]]


@pytest.fixture
def past(pool: VenusPool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Past:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    return asyncio.run(lived(pool, tmp_path))


async def lived(pool: VenusPool, folder: Path) -> Past:
    """Interest, falling prices, deposits, repayments, a change of pool and liquidations."""
    chance, truth = Random(7), Truth(pool)
    owners = [owner for number, owner in enumerate(await settle(pool, 14, seed=7)) if number % 9 != 8]
    (folder / "chains.toml").write_text(dump(replace(configured(pool), finality=4)), encoding="utf-8")
    toml = folder / "watcher.toml"
    toml.write_text(f'chains_file = "chains.toml"\ndb = "watcher.db"\n[[follow]]\nmarket = "{NAME}"\n')
    past = Past(folder / "watcher.db", folder / "chains.toml", {})
    try:
        async with opened(load_watch(toml, {}), {}, StringIO()) as session:
            (seen,) = session.desk.chains.values()
            for turn in range(TURNS):
                await stirred(pool, owners[turn // 3 % len(owners)], turn)
                for later in (0, chance.randint(7_200, 21_600)):
                    if later:
                        await pool.chain.advance(later)
                    await session.once()
                    assert seen.tip is not None and seen.follower.markets[NAME].block == seen.tip
                    past.truth[seen.tip] = await truth.everybody(owners, seen.tip.number)
    finally:
        await truth.close()
    return past


async def stirred(pool: VenusPool, owner: str, turn: int) -> None:
    """One transaction, and so one block: coins come in, count, and a price falls or they count no longer."""
    coins = pool.markets["BNB"].v
    match turn % 4:
        case 0:
            await do.send(coins, "mint", sender=owner, value=10 * WAD)
        case 1:
            await do.enter(pool, owner, "BNB")
        case 2:
            await do.set_price(pool, "WETH", pool.markets["WETH"].scaled(200_000 - 10_000 * turn))
        case 3:
            await do.send(coins, "borrow", WAD, sender=owner)


@pytest.mark.slow
def test_history_and_a_panel_of_a_followed_market_are_what_the_contracts_said_then(
    past: Past, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    files = ("--db", str(past.db), "--chains", str(past.chains))
    for number, (block, truth) in enumerate(past.truth.items()):
        owner = list(truth)[number % len(truth)]
        asked_ = ["history", owner, "--market", NAME, *files, "--at", str(block.number)]
        capsys.readouterr()
        assert main([*asked_, "--format", "json", "--quiet"]) == Exit.OK
        (row,) = json.loads(capsys.readouterr().out)
        assert (row["block"], plain(row["health"], row["collateral"], row["debt"])) == (str(block.number), truth[owner])
    out = tmp_path / "panel.jsonl"
    assert main(["export", "panel", NAME, *files, "--every", "1h", "-o", str(out)]) == Exit.OK
    by_number = {block.number: truth for block, truth in past.truth.items()}
    rows: list[dict[str, Any]] = [json.loads(line) for line in out.read_text().splitlines()]
    compared = 0
    for row in rows:
        for owner, one in by_number.get(row["block"], {}).items():
            if owner.lower() == row["position"]:
                assert plain(row["health_exact"], row["collateral_exact"], row["debt_exact"]) == one
                compared += 1
    assert compared > 50


def plain(health: str | None, collateral: str, debt: str) -> Figures:
    return Figures(None if health is None else int(health), int(collateral), int(debt))
