"""`watcher scan`, `curve`, `account`, `market`, `history` and `export panel` on an isolated pool say what its comptroller says."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from io import StringIO
from pathlib import Path
from random import Random
from typing import Any, TypeVar

import pytest

from tests.onchain.scan_scene import Run, commands
from tests.onchain.test_scan import round_trip
from tests.onchain.venus_isolated.conftest import configured
from tests.onchain.venus_isolated.town import move_prices, settle
from tests.onchain.venus_isolated.truth import PAYER, Figures, Truth
from watcher.__main__ import main
from watcher.config import dump
from watcher.config.read_watch import load_watch
from watcher.errors import CallReverted
from watcher.exit import Exit
from watcher.health.fall import STEPS
from watcher.localchain import venus_isolated_actions as do
from watcher.localchain.scenario import account, set_price
from watcher.localchain.venus_isolated import NAME, VenusIsolated, VenusPool
from watcher.model import BlockRef
from watcher.units import WAD
from watcher.watching.session import opened

T = TypeVar("T")
SLUG = "defi-friends"
POOL = f"{NAME}/{SLUG}"
TURNS = 6


@pytest.fixture
def watcher(
    world: VenusIsolated, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> Run:
    return commands(configured(world), tmp_path, capsys, monkeypatch)


def asked(world: VenusIsolated, question: Callable[[Truth], Awaitable[T]]) -> T:
    async def run() -> T:
        truth = Truth(world)
        try:
            return await question(truth)
        finally:
            await truth.close()

    return asyncio.run(run())


def read(row: Mapping[str, Any]) -> Figures:
    """The four figures of a record."""
    health = None if row["health_wad"] is None else int(row["health_wad"])
    wads = (round_trip(row[name], 18) for name in ("collateral", "debt", "available_borrow"))
    return Figures(health, *wads)


def test_a_scan_finds_everybody_who_owes_and_lists_exactly_who_is_under_the_limit(
    world: VenusIsolated, watcher: Run
) -> None:
    pool = world.pools[SLUG]
    owners = asyncio.run(settle(pool, 27))
    asyncio.run(move_prices(pool, 900))
    asyncio.run(world.chain.mine(100))
    said = watcher("scan", POOL, "--below", "1.2")
    assert (said.code, said.err) == (Exit.OK, "")
    told = json.loads(said.out)
    truth = asked(world, lambda truth: truth.everybody(pool, owners, int(told["block"])))
    under = {who: one for who, one in truth.items() if one.health is not None and one.health < 12 * WAD // 10}
    assert 3 < len(under) < len(owners) - 5
    assert {row["account"]: read(row) for row in told["accounts"]} == under
    assert told["coverage"]["exact"]


def test_a_threshold_of_a_curve_is_the_first_step_at_which_the_account_falls_short(
    world: VenusIsolated, watcher: Run
) -> None:
    pool = world.pools[SLUG]
    asyncio.run(settle(pool, 18))
    said = watcher("curve", POOL, "--asset", "WETH", "--to", "-60%")
    assert said.code == Exit.OK
    told = json.loads(said.out)
    found = [one for one in told["thresholds"] if one["fall"] != "0"]
    assert len(found) >= 2 and told["unit"] == "USD"
    price, feed = 2_000 * 10**8, pool.markets["WETH"].feed

    async def checked() -> None:
        truth = Truth(world)
        try:
            for one in (found[0], found[-1]):
                steps = round_trip(one["fall"], 6)
                for step, fallen in ((steps, True), (steps - 1, False)):
                    stand = await world.chain.snapshot()
                    await set_price(feed, price * (STEPS - step) // STEPS)
                    seen = await truth.figures(pool, one["account"], int(told["block"]) + 1)
                    assert seen.health is not None and (seen.health < WAD) is fallen
                    await world.chain.revert(stand)
        finally:
            await truth.close()

    asyncio.run(checked())


def test_an_account_and_the_market_are_shown_as_they_are(world: VenusIsolated, watcher: Run) -> None:
    pool = world.pools[SLUG]
    owner = asyncio.run(settle(pool, 1, seed=9))[0]
    asyncio.run(world.chain.mine(50))
    records = json.loads(watcher("account", owner).out)
    (record,) = [one for one in records if one["kind"] == "position" and one["market"] == POOL]
    assert read(record) == asked(world, lambda truth: truth.figures(pool, owner, int(record["block"])))
    assert (record["audited"], record["mismatches"]) == (True, [])
    asyncio.run(pool.comptroller.send("setForcedLiquidation", pool.markets["EURS"].vtoken.address, True))
    shown = watcher("market", POOL, "--format", "table").out
    assert "all of the debt at once: EURS" in shown and "healAccount" in shown


def test_an_account_that_can_only_be_liquidated_whole_is_shown_with_what_that_comes_to(
    world: VenusIsolated, watcher: Run
) -> None:
    pool = world.pools[SLUG]
    owner = account("small")

    async def fallen() -> None:
        await do.supply(pool.markets["WETH"], owner, 6 * 10**16)
        await do.enter(pool, owner, ["WETH"])
        await do.borrow(pool.markets["USDC"], owner, 80 * 10**6)
        await set_price(pool.markets["WETH"].feed, 1_200 * 10**8)

    asyncio.run(fallen())
    (record,) = [one for one in json.loads(watcher("account", owner).out) if one["kind"] == "position"]
    assert (record["liquidatable"], record["liquidation"]["possible"]) == (True, False)
    assert "only the whole account" in record["liquidation"]["reason"]
    (way,) = record["whole_account"]
    assert (way["path"], way["possible"]) == ("healAccount", True)
    (paid,), (left,) = way["repay"], way["written_off"]
    owed = asked(world, lambda truth: truth.owed(pool, owner, "USDC", int(record["block"])))
    assert round_trip(paid["amount"], 6) + round_trip(left["amount"], 6) == owed
    shown = watcher("account", owner, "--format", "table").out
    assert "the whole account now, by healAccount: repay 65.4" in shown and "written off" in shown


@dataclass(frozen=True, slots=True)
class Past:
    """A pool followed for a while, and what its contracts said of everybody at each of its blocks."""

    db: Path
    chains: Path
    truth: dict[BlockRef, Mapping[str, Figures]]


@pytest.fixture
def past(world: VenusIsolated, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Past:
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    return asyncio.run(lived(world, tmp_path))


async def lived(world: VenusIsolated, folder: Path) -> Past:
    """Interest, falling prices, deposits, repayments, a change of the rules and an account that is healed."""
    pool, chance, truth = world.pools[SLUG], Random(7), Truth(world)
    await truth.prepare()
    owners = [owner for number, owner in enumerate(await settle(pool, 10, seed=7)) if number % 9 != 8]
    (folder / "chains.toml").write_text(dump(replace(configured(world), finality=4)), encoding="utf-8")
    toml = folder / "watcher.toml"
    toml.write_text(f'chains_file = "chains.toml"\ndb = "watcher.db"\n[[follow]]\nmarket = "{POOL}"\n')
    past = Past(folder / "watcher.db", folder / "chains.toml", {})
    try:
        async with opened(load_watch(toml, {}), {}, StringIO()) as session:
            (seen,) = session.desk.chains.values()
            for turn in range(TURNS):
                await stirred(pool, owners, turn)
                await session.once()
                assert seen.tip is not None and seen.follower.markets[POOL].block == seen.tip
                past.truth[seen.tip] = await truth.everybody(pool, owners, seen.tip.number)
                await world.chain.advance(chance.randint(7_200, 21_600))
                await session.once()
                past.truth[seen.tip] = await truth.everybody(pool, owners, seen.tip.number)
    finally:
        await truth.close()
    return past


async def stirred(pool: VenusPool, owners: Sequence[str], turn: int) -> None:
    who = owners[turn % len(owners)]
    match turn % 6:
        case 0:
            await do.supply(pool.markets["USDC"], who, 3 * 10**6)
        case 1:
            await do.supply(pool.markets["WETH"], who, 10**16)
            await do.enter(pool, who, ["WETH"])
        case 2:
            await move_prices(pool, 900)
        case 3:
            weth = pool.markets["WETH"].vtoken.address
            await pool.comptroller.send("setCollateralFactor", weth, WAD * 70 // 100, WAD * 79 // 100)
        case 4:
            await pool.comptroller.send("setMinLiquidatableCollateral", 10**9 * WAD)
        case 5:
            await move_prices(pool, 300)
            for owner in owners:
                with suppress(CallReverted):
                    await pool.comptroller.send("healAccount", owner, sender=PAYER)


@pytest.mark.long
def test_history_and_a_panel_of_a_followed_pool_are_what_the_contracts_said_then(
    past: Past, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    files = ("--db", str(past.db), "--chains", str(past.chains))
    for number, (block, truth) in enumerate(past.truth.items()):
        owner = list(truth)[number % len(truth)]
        asked_ = ["history", owner, "--market", POOL, *files, "--at", str(block.number)]
        capsys.readouterr()
        assert main([*asked_, "--format", "json", "--quiet"]) == Exit.OK
        (row,) = json.loads(capsys.readouterr().out)
        assert (row["block"], plain(row["health"], row["collateral"], row["debt"])) == (
            str(block.number),
            three(truth[owner]),
        )
    out = tmp_path / "panel.jsonl"
    assert main(["export", "panel", POOL, *files, "--every", "1h", "-o", str(out)]) == Exit.OK
    by_number = {block.number: truth for block, truth in past.truth.items()}
    rows: list[dict[str, Any]] = [json.loads(line) for line in out.read_text().splitlines()]
    compared = 0
    for row in rows:
        for owner, one in by_number.get(row["block"], {}).items():
            if owner.lower() == row["position"]:
                assert plain(row["health_exact"], row["collateral_exact"], row["debt_exact"]) == three(one)
                compared += 1
    assert compared > 40
    healed = [one for one in list(past.truth.values())[-1].values() if one.health is None]
    assert healed  # at least one account lost everything and owes nothing


def plain(health: str | None, collateral: str, debt: str) -> tuple[int | None, int, int]:
    return (None if health is None else int(health), int(collateral), int(debt))


def three(one: Figures) -> tuple[int | None, int, int]:
    return one.health, one.collateral, one.debt
