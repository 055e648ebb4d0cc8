"""`watcher scan --risk` on the real contracts: its chances are those of the same paths counted by hand with what the pool itself says."""

from __future__ import annotations

import asyncio
import csv
import io
import json
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from eth_typing import ChecksumAddress

from tests.onchain.account_scene import asked_web3, configured, plain
from tests.onchain.conftest import Local
from tests.onchain.scan_scene import Run, accounts, commands
from tests.onchain.test_scan_morpho import NAME, WHO, borrowed
from watcher.appraisal.asset import Asset, leads
from watcher.appraisal.basis import Basis, basis
from watcher.appraisal.pasts import Grid, columns
from watcher.config import Chain
from watcher.exit import Exit
from watcher.export.write import libraries
from watcher.localchain.aave_market import AaveMarket
from watcher.localchain.morpho import MorphoChain
from watcher.localchain.seeder import PAIRS, seed
from watcher.model import Token
from watcher.risk.exposure import Floats
from watcher.risk.scenario import Model
from watcher.store.open import open_store
from watcher.store.prices import Source, enter, extents

EACH = 5  # borrowers in a row with the same pair
BORROWERS = 60
HOUR = 3600
DAYS = 40
YEAR = 365 * 86_400
VOLATILE = {"WETH": 0.009, "WBTC": 0.007, "wstETH": 0.009, "LINK": 0.012, "USDC": 0.0002, "DAI": 0.0002, "USDT": 0.0003}


@dataclass(frozen=True, slots=True)
class Scene:
    chain: Chain
    market: AaveMarket
    owners: tuple[ChecksumAddress, ...]
    store: Path
    go: Run

    def scan(self, *arguments: str) -> Any:
        return self.go("scan", self.market.name, "--risk", "--db", str(self.store), "--no-sync", *arguments)


@pytest.fixture
def scene(
    local: Local, v36: AaveMarket, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> Iterator[Scene]:
    chain = replace(configured(local), finality=1, groups=())
    owners = asyncio.run(seed(v36, BORROWERS, each=EACH))
    yield Scene(chain, v36, owners, tmp_path / "w.db", commands(chain, tmp_path, capsys, monkeypatch))


def entered(scene: Scene, symbols: Sequence[str] = tuple(VOLATILE)) -> None:
    """Made-up hourly prices up to the newest block, each token's own."""
    now = asyncio.run(scene.market.chain.timestamp())
    put(scene.store, scene.chain.id, {one: scene.market.reserves[one].token.address for one in symbols}, now)


def put(where: Path, chain: int, tokens: Mapping[str, ChecksumAddress], now: int) -> None:
    random = np.random.default_rng(12)
    common = random.standard_t(4, 24 * DAYS)
    with open_store(where, write=True, create=True) as store:
        for symbol, size in VOLATILE.items():
            moves = size * (0.7 * common + 0.5 * random.standard_t(4, 24 * DAYS)) / np.sqrt(2)
            if symbol in tokens:
                prices = 2_000 * np.exp(np.concatenate([[0.0], np.cumsum(moves)]))
                times = (now // HOUR - np.arange(len(prices))[::-1]) * HOUR
                pair = f"{chain}:{tokens[symbol]}/USD"
                enter(
                    store,
                    Source(pair, "file", 8),
                    [(int(t), int(p * 1e8)) for t, p in zip(times, prices, strict=True)],
                )


def ground(
    chain: Chain, where: Path, tokens: Mapping[str, ChecksumAddress], block_time: int
) -> tuple[Basis, dict[str, Asset]]:
    """The same past, read from the store."""
    assets = {symbol: Asset(chain.id, Token(address, symbol, 18)) for symbol, address in tokens.items()}
    end = block_time // HOUR * HOUR
    grid = Grid(end - 90 * 86_400, end)
    wanted = leads(list(assets.values()), (chain,), ())
    with open_store(where) as store:
        return basis(wanted, columns(store, wanted, (), grid), grid, ()), assets


def walked(over: Basis, assets: Mapping[str, Asset], *, seed: int, hours: int) -> dict[str, Floats]:
    """Hours × 1,000 scenarios of each token's cumulated log moves, in the two parts that a scan draws."""
    paths = {symbol: np.empty((hours, 1000)) for symbol in assets}
    tokens = [over.driven[one] for one in assets.values()]
    for start, key in ((0, seed), (500, seed + (1 << 64))):
        for hour, now in enumerate(over.paths(Model.FHS, tokens, key, 500, hours)):
            for place, symbol in enumerate(assets):
                paths[symbol][hour, start : start + 500] = now.oracle[:, place]
    return paths


def rates(market: AaveMarket) -> dict[str, tuple[float, float]]:
    """(earned, paid) a year, as the pool says."""

    async def read(w3: Any) -> dict[str, tuple[float, float]]:
        pool, found = plain(w3, market.pool), {}
        for symbol in VOLATILE:
            data = await pool.functions.getReserveData(market.reserves[symbol].token.address).call()
            found[symbol] = (data[2] / 1e27, data[4] / 1e27)
        return found

    return asked_web3(market, read)


def test_chances_are_those_of_the_same_paths_counted_by_hand(scene: Scene) -> None:
    entered(scene)
    said = scene.scan("--scenarios", "1000", "--seed", "4", "--horizon", "2d", "--top", "1000", "--sort", "chance")
    found = json.loads(said.out)
    assert (said.code, said.err) == (Exit.OK, "")
    listed = {row["account"]: row for row in found["accounts"]}
    assert set(listed) == set(scene.owners)
    truth, yearly = accounts(scene.market, scene.owners), rates(scene.market)
    tokens = {symbol: scene.market.reserves[symbol].token.address for symbol in VOLATILE}
    paths = walked(*ground(scene.chain, scene.store, tokens, int(found["block_time"])), seed=4, hours=48)
    grown = np.arange(1, 49)[:, None] * HOUR / YEAR
    hits = 0
    for number, owner in enumerate(scene.owners):
        held, owed = PAIRS[number // EACH % len(PAIRS)]
        collateral, debt, _, threshold, _, health = truth[owner]
        weighted = collateral * threshold / 10_000 * np.exp(paths[held] + yearly[held][0] * grown)
        below = weighted < debt * np.exp(paths[owed] + yearly[owed][1] * grown)
        share = float(np.mean(np.any(below, axis=0)))
        row = listed[owner]
        assert int(row["health_wad"]) == health
        assert float(row["chance"]) == pytest.approx(share, abs=1.5 / 1000)
        assert float(row["chance_error"]) == pytest.approx(np.sqrt(share * (1 - share) / 1000), abs=1e-3)
        assert float(row["expected_loss"]) == pytest.approx(float(row["chance"]) * float(row["cost"]), rel=1e-6)
        hits += int(0 < share < 1)
    assert hits >= 5  # a row of borrowers with the same pair at least
    figures = found["figures"]
    expected = sum(float(row["chance"]) * float(row["debt"]) for row in found["accounts"])
    assert float(figures["liquidations"][1]["mean"]) == pytest.approx(expected, rel=1e-6)
    assert int(figures["looked_up"]) == BORROWERS
    chances = [float(row["chance"]) for row in found["accounts"]]
    assert chances == sorted(chances, reverse=True)
    again = scene.scan("--scenarios", "1000", "--seed", "4", "--horizon", "2d", "--top", "1000", "--sort", "chance")
    assert again.out == said.out


def test_without_a_past_everybody_who_needs_it_is_unknown_and_the_command_is_named(scene: Scene) -> None:
    said = scene.scan()
    found = json.loads(said.out)
    assert said.code == Exit.SOURCE
    assert found["figures"] is None and found["accounts"] == []
    assert {row["account"] for row in found["unknown_accounts"]} == set(scene.owners)
    assert all("watcher prices sync" in row["reason"] for row in found["unknown_accounts"])
    entered(scene, ("WETH", "USDC", "WBTC", "DAI"))
    said = scene.scan("--scenarios", "1000", "--top", "1000")
    found = json.loads(said.out)
    assert said.code == Exit.SOURCE
    missing = {
        owner
        for number, owner in enumerate(scene.owners)
        if {"LINK", "wstETH"} & set(PAIRS[number // EACH % len(PAIRS)])
    }
    assert {row["account"] for row in found["unknown_accounts"]} == missing
    assert {row["account"] for row in found["accounts"]} == set(scene.owners) - missing
    assert float(found["unknown_debt"]) > 0 and found["figures"] is not None
    table = scene.scan("--scenarios", "1000", "--format", "table")
    assert "LINK has no stored past" in table.out and "UNKNOWN and in no figure" in table.out
    asyncio.run(scene.market.chain.advance(2 * HOUR))  # the only round of every feed is old enough to stay
    assert scene.go("scan", scene.market.name, "--risk", "--db", str(scene.store)).code == Exit.SOURCE
    with open_store(scene.store) as store:
        pair = f"{scene.chain.id}:{scene.market.reserves['LINK'].token.address}/USD"
        assert {one.source.name.split()[0] for one in extents(store, pair)} == {"feed", "quotes"}


def test_every_format_is_of_the_same_accounts_and_a_file_has_all(scene: Scene, tmp_path: Path) -> None:
    entered(scene)
    file = tmp_path / "all.parquet"
    few = ("--scenarios", "1000", "--top", "3")
    rows = json.loads(scene.scan(*few, "--parquet", str(file)).out)["accounts"]
    lines = [json.loads(line) for line in scene.scan(*few, "--format", "jsonl").out.splitlines()]
    (header, *cells) = csv.reader(io.StringIO(scene.scan(*few, "--format", "csv").out))
    table = scene.scan(*few, "--format", "table").out
    assert [line["account"] for line in lines[:-1]] == [row["account"] for row in rows]
    assert lines[-1]["kind"] == "scan_risk" and lines[-1]["basis"]["seed"] == "1"
    assert [cell[header.index("chance")] for cell in cells] == [row["chance"] for row in rows]
    assert (
        "not included: changes of interest rates" in table
        and "seed 1" in table
        and "3 of 60 accounts are shown" in table
    )
    _, parquet = libraries()
    written = parquet.read_table(str(file))
    assert written.num_rows == BORROWERS
    assert set(written.column("account").to_pylist()) == set(scene.owners)
    losses = [float(row["expected_loss"]) for row in rows]
    assert losses == sorted(losses, reverse=True)


def test_from_other_prices_on_some_are_liquidatable_and_debt_is_not_covered(scene: Scene) -> None:
    entered(scene)
    truth = accounts(scene.market, scene.owners)
    found = json.loads(scene.scan("--scenarios", "1000", "--horizon", "7d", "--price", "WETH=-30%", "--top", "60").out)
    past = {
        owner
        for number, owner in enumerate(scene.owners)
        if PAIRS[number // EACH % len(PAIRS)][0] == "WETH"
        and truth[owner][0] * 7 // 10 * truth[owner][3] < truth[owner][1] * 10_000
    }
    now = {row["account"]: row for row in found["accounts"] if row["liquidatable"]}
    assert set(now) == past and 0 < len(past) < BORROWERS
    assert {row["chance"] for row in now.values()} == {"1"}
    assert found["prices_assumed"][0]["symbol"] == "WETH"
    short = sum(max(0.0, truth[owner][1] - truth[owner][0] * 0.7) for owner in past) / 1e8
    bad = found["figures"]["bad_debt"]
    assert float(bad["present"]) == pytest.approx(short, rel=1e-6) and float(bad["es_97_5"]) > short > 0
    for side in ("debt", "collateral"):
        parts = [float(one["es_97_5"]) for one in found["figures"]["es_parts"] if one["side"] == side]
        assert sum(parts) == pytest.approx(float(bad["es_97_5"]), rel=1e-8)
    assert {one["account"] for one in found["es_accounts"]} <= set(scene.owners)


def test_a_market_that_counts_in_a_token_moves_by_the_ratio_of_two_prices(
    local: Local,
    morpho: MorphoChain,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    asyncio.run(borrowed(morpho))
    market = morpho.markets[NAME]
    tokens = {symbol: morpho.tokens[symbol].address for symbol in ("WETH", "wstETH")}
    chain = replace(configured(local), finality=1, groups=())
    where = tmp_path / "w.db"
    put(where, chain.id, tokens, asyncio.run(morpho.chain.timestamp()))
    go = commands(chain, tmp_path, capsys, monkeypatch)
    some = ("--risk", "--db", str(where), "--no-sync", "--scenarios", "1000", "--horizon", "7d")
    said = go("scan", f"local/morpho-blue/0x{market.id.hex()}", *some)
    found = json.loads(said.out)
    assert (said.code, found["unit"], len(found["accounts"])) == (Exit.OK, "WETH", len(WHO))
    paths = walked(*ground(chain, where, tokens, int(found["block_time"])), seed=1, hours=168)
    ratio = (paths["wstETH"] - paths["WETH"]).min(axis=0)
    for row in found["accounts"]:
        share = float((ratio < -np.log(float(row["health"]))).mean())
        assert float(row["chance"]) == pytest.approx(share, abs=0.01)  # by hand without a week's interest
        assert row["told"] == "own" and float(row["repaid"]) == pytest.approx(float(row["debt"]), rel=1e-6)
    assert len({row["chance"] for row in found["accounts"]}) > 3
    assert found["figures"]["es_parts"] == [] or {one["symbol"] for one in found["figures"]["es_parts"]} == {
        "WETH",
        "wstETH",
    }


@pytest.mark.long
def test_ten_thousand_accounts_within_a_minute_of_work(
    local: Local, v36: AaveMarket, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    chain = replace(configured(local), finality=1, groups=())
    owners = asyncio.run(seed(v36, 10_000))
    scene = Scene(chain, v36, owners, tmp_path / "w.db", commands(chain, tmp_path, capsys, monkeypatch))
    entered(scene)
    began = time.process_time()
    said = scene.scan("--top", "20")
    spent = time.process_time() - began
    found = json.loads(said.out)
    assert said.code == Exit.OK
    assert (int(found["simulated"]), int(found["unknown"])) == (10_000, 0)
    assert float(found["figures"]["liquidations"][0]["mean"]) > 0
    sys.stderr.write(f"10,000 accounts: {spent:.1f} s of work\n")
