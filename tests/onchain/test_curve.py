"""`watcher curve` on the real contracts: an account is liquidatable at its threshold and not a step before; sums are the pool's."""

from __future__ import annotations

import asyncio
import csv
import io
import json
from pathlib import Path
from typing import Any

import pytest

from tests.onchain.conftest import either
from tests.onchain.scan_scene import Run, accounts, at_once, priced, watcher
from tests.onchain.test_scan import round_trip
from watcher.exit import Exit
from watcher.health.fall import STEPS
from watcher.localchain.aave_market import AaveMarket
from watcher.localchain.seeder import seed
from watcher.units import WAD

__all__ = ["watcher"]  # a fixture

BORROWERS = 120


def answer(market: AaveMarket, symbol: str, steps: int) -> int:
    return market.reserves[symbol].asset.price * (STEPS - steps) // STEPS


def reset(market: AaveMarket, snapshot: str) -> str:
    async def run() -> str:
        await market.chain.revert(snapshot)
        return await market.chain.snapshot()

    return asyncio.run(run())


@either
def test_a_threshold_is_the_first_step_at_which_the_pool_would_liquidate(aave: AaveMarket, watcher: Run) -> None:
    asyncio.run(seed(aave, BORROWERS))
    said = watcher("curve", aave.name, "--group", "ETH", "--to", "-50%")
    assert said.code == Exit.OK
    found = [one for one in json.loads(said.out)["thresholds"] if one["fall"] != "0"]
    assert len(found) > 10
    symbols = ("WETH", "wstETH")
    snapshot = asyncio.run(aave.chain.snapshot())
    for one in (found[0], found[len(found) // 3], found[2 * len(found) // 3], found[-1]):
        steps = round_trip(one["fall"], 6)
        for step, fallen in ((steps, True), (steps - 1, False)):
            asyncio.run(at_once(aave, [(symbol, answer(aave, symbol, step)) for symbol in symbols]))
            health = accounts(aave, [one["account"]])[one["account"]][5]
            assert (health < WAD) is fallen, (one, step)
            snapshot = reset(aave, snapshot)


@either
def test_the_sums_at_a_fall_are_those_of_the_pool_with_its_feed_there(aave: AaveMarket, watcher: Run) -> None:
    owners = asyncio.run(seed(aave, BORROWERS))
    asyncio.run(priced(aave, 95))
    found = json.loads(watcher("curve", aave.name, "--asset", "WETH", "--to", "-40%", "--every", "20%").out)
    assert [point["fall"] for point in found["points"]] == ["0", "0.2", "0.4"]
    present = aave.reserves["WETH"].asset.price * 95 // 100
    snapshot = asyncio.run(aave.chain.snapshot())
    for point, tenths in zip(found["points"], (0, 2, 4), strict=True):
        asyncio.run(at_once(aave, [("WETH", present * (10 - tenths) // 10)]))
        below = [data for data in accounts(aave, owners).values() if data[5] < WAD]
        assert int(point["accounts"]) == len(below)
        assert round_trip(point["debt"], 8) == sum(data[1] for data in below)
        assert round_trip(point["collateral"], 8) == sum(data[0] for data in below)
        snapshot = reset(aave, snapshot)
    assert round_trip(found["points"][-1]["bad_debt"], 8) > 0


def test_by_itself_each_account_falls_as_far_as_a_scan_says(v36: AaveMarket, watcher: Run) -> None:
    asyncio.run(seed(v36, BORROWERS))
    rows = json.loads(watcher("scan", v36.name, "--below", "10", "--price", "LINK=-3%").out)["accounts"]
    curve = json.loads(watcher("curve", v36.name, "--to", "-99%", "--every", "33%").out)
    said: dict[str, Any] = {one["account"]: one["fall"] for one in curve["thresholds"]}
    linkless = [row for row in rows if all(leg["symbol"] != "LINK" for leg in row["legs"])]
    assert len(linkless) >= 40
    assert {row["account"]: row["collateral_fall"]["fraction"] for row in linkless} == {
        row["account"]: said.get(row["account"]) for row in linkless
    }


def test_every_format_has_the_same_points_and_a_picture_is_a_file(
    v36: AaveMarket, watcher: Run, tmp_path: Path
) -> None:
    asyncio.run(seed(v36, 40))
    arguments = ("--every", "10%", "--to", "-30%")
    points = json.loads(watcher("curve", v36.name, *arguments).out)["points"]
    lines = [json.loads(line) for line in watcher("curve", v36.name, *arguments, "--format", "jsonl").out.splitlines()]
    assert [line["debt"] for line in lines] == [point["debt"] for point in points]
    (header, *cells) = csv.reader(io.StringIO(watcher("curve", v36.name, *arguments, "--format", "csv").out))
    assert [cell[header.index("bad_debt")] for cell in cells] == [point["bad_debt"] for point in points]
    table = watcher("curve", v36.name, *arguments, "--format", "table").out
    assert all(f"{percent}.00 %" in table for percent in (0, 10, 20, 30)) and "all values in USD" in table
    assert watcher("curve", v36.name, "--plot", str(tmp_path / "c.svg"), "--format", "table").code == Exit.OK
    assert "liquidatable debt" in (tmp_path / "c.svg").read_text()


@pytest.mark.parametrize(
    ("arguments", "word"),
    [
        (("--asset", "WHET"), "this market reads no such price"),
        (("--group", "SHEEP"), "--group SHEEP"),
        (("--to", "60"), "write it in per cent"),
        (("--to", "-100%"), "less than 100 %"),
        (("--asset", "WETH", "--group", "ETH"), "one asset or one group"),
        (("--plot", "curve.jpg", "--format", "table"), "curve.jpg"),
    ],
)
def test_what_makes_no_sense_is_said(v36: AaveMarket, watcher: Run, arguments: tuple[str, ...], word: str) -> None:
    said = watcher("curve", v36.name, *arguments)
    assert said.code == Exit.USAGE
    assert word in said.err
