"""`watcher demo` as a whole, and that its own check can fail."""

from __future__ import annotations

import http.client
import itertools
import json
import os
import re
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, replace
from fractions import Fraction
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from watcher.__main__ import main
from watcher.localchain.stage.margin import Margin
from watcher.localchain.stage.play import STEPS
from watcher.localchain.stage.truth import Figures, Told, Truth
from watcher.model import PositionKey
from watcher.units import WAD

from .conftest import Local

WATCHER = (sys.executable, "-m", "watcher")


def environment() -> dict[str, str]:
    """This one's, without endpoints of its own."""
    return {key: value for key, value in os.environ.items() if key != "ETH_RPC_URL" and "WATCHER_RPC" not in key}


@dataclass(frozen=True, slots=True)
class Held:
    """A demo that has played and keeps its node: its process, and what it printed."""

    child: subprocess.Popen[str]
    document: dict[str, Any]


@pytest.fixture(scope="module")
def held(local: Local) -> Iterator[Held]:
    """`local` only for its packages, which are all there when it is."""
    command = (*WATCHER, "demo", "--json", "--hold", "--quiet")
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment()) as child:
        try:
            assert child.stdout is not None
            text = ""
            for line in child.stdout:
                text += line
                if line == "}\n":
                    break
            yield Held(child, json.loads(text))
        finally:
            child.terminate()
            child.wait(30)


def test_the_demo_keeps_every_promise(held: Held) -> None:
    seen = held.document
    assert seen["mismatches"] == 0
    assert seen["comparisons"] >= 500
    assert seen["comparisons"] == seen["positions"] * seen["blocks"]
    assert seen["accounts"] == 20
    assert seen["crossed"]["aave_v3"] > 0
    assert seen["crossed"]["morpho_blue"] > 0
    assert (seen["liquidations"], seen["reorgs"], seen["replaced_blocks"], seen["faults"]) == (1, 1, 2, 1)
    assert seen["transitions"] == seen["expected_transitions"] > seen["positions"]
    assert (seen["kills"], seen["gaps"], seen["unwatched_blocks"]) == (1, 2, 3)
    assert seen["retractions"] > 0
    whole = seen["followed"]
    assert (whole["markets"], whole["unexplained_debt_shares"]) == (6, "0")
    assert whole["at_risk"] == whole["expected_at_risk"] > whole["at_risk_at_the_end"] > 0
    assert whole["at_risk_at_the_end"] == whole["expected_at_risk_at_the_end"]
    assert whole["transitions"] == whole["expected_transitions"] > 100  # of the crowd on Aave V3.6
    assert seen["scan"]["coverage"]["exact"]
    assert (seen["ok"], seen["broken"]) == (True, [])
    assert {row["market"].rpartition("/")[0] for row in seen["final"]} == {"local/aave-v3", "local/morpho-blue"}


def test_a_newcomer_hears_of_the_held_node_after_two_commands(held: Held, tmp_path: Path) -> None:
    (owner,) = {row["account"] for row in held.document["final"] if row["name"] == "alice"}
    mine, own_store = str(tmp_path / "mine.toml"), {**environment(), "WATCHER_DB": str(tmp_path / "watcher.db")}
    said = []
    for words in (
        ("init", "--address", owner, "--chains", held.document["chains"], "--config", mine),
        ("run", "--config", mine, "--cycles", "2"),
    ):
        run = subprocess.run((*WATCHER, *words), capture_output=True, text=True, env=own_store, cwd=tmp_path)
        assert run.returncode == 0, run.stderr
        said.append(run)
    alerts = said[1].stdout.split("\n\n")
    assert any(owner in one and "The first reading: " in one for one in alerts)
    blocks = [int(number) for number in re.findall(r"block (\d+);", said[1].stderr)]
    assert blocks[1] > blocks[0] > int(held.document["block"])  # the node goes on


def test_account_shows_the_same_of_the_held_node(held: Held) -> None:
    owners = sorted({row["account"] for row in held.document["final"] if row["name"] in ("alice", "chloe", "otto")})
    command = (*WATCHER, "account", *owners, "--chains", held.document["chains"], "--format", "json")
    command = (*command, "--block", held.document["block"])  # its prices have moved since
    run = subprocess.run(command, capture_output=True, text=True, env=environment())
    assert run.returncode == 0, run.stderr
    fields = ("account", "market", "status", "health", "collateral", "debt")
    shown = {tuple(row[field] for field in fields) for row in json.loads(run.stdout) if row["kind"] == "position"}
    demo = {tuple(row[field] for field in fields) for row in held.document["final"] if row["account"] in owners}
    assert len(demo) == 7
    assert shown == demo


def test_what_the_demo_recorded_can_be_asked_for_and_gone_on_with(held: Held) -> None:
    address = held.document["final"][0]["account"]
    files = ("--config", held.document["config"], "--db", held.document["db"])
    told = subprocess.run(
        (*WATCHER, "history", address, *files, "--format", "jsonl"), capture_output=True, text=True, env=environment()
    )
    assert "nobody watched blocks" in told.stdout, told.stderr
    again = subprocess.run((*WATCHER, "run", "--once", *files), capture_output=True, text=True, env=environment())
    assert again.returncode == 0, again.stderr
    blocks = re.findall(r"block (\d+);", again.stderr)
    assert int(blocks[-1]) > int(held.document["block"])


def test_why_it_moved_comes_out_of_what_the_demo_recorded(held: Held, tmp_path: Path) -> None:
    rows = [row for row in held.document["final"] if row["name"] == "alice"]
    first = int(held.document["block"]) - int(held.document["blocks"]) + 2
    command = (*WATCHER, "explain", rows[0]["account"], "--from", str(first), "--to", held.document["block"])
    place = ("--config", held.document["config"], "--db", held.document["db"], "--format", "json")
    run = subprocess.run((*command, *place), capture_output=True, text=True, env=environment(), cwd=tmp_path)
    assert run.returncode == 0, run.stderr
    found = {one["market"]: one for one in json.loads(run.stdout)}
    assert found
    healths = {row["market"]: Fraction(row["health"]) * WAD for row in rows}
    assert all(int(one["to"]["health"]) == healths[market] for market, one in found.items())
    for one in found.values():
        moved = int(one["to"]["margin"]) - int(one["from"]["margin"])
        assert sum(int(cause["margin"]) for cause in one["causes"]) == moved
        assert "price" in {cause["cause"] for cause in one["causes"]}


def test_scan_shows_the_market_of_the_held_node_with_the_book_that_was_recorded(held: Held) -> None:
    place = ("--chains", held.document["chains"], "--db", held.document["db"])
    command = (*WATCHER, "scan", held.document["scan"]["market"], *place, "--format", "json")
    run = subprocess.run(command, capture_output=True, text=True, env=environment())
    assert run.returncode == 0, run.stderr
    seen = json.loads(run.stdout)
    assert seen["positions"] == held.document["scan"]["positions"]
    assert int(seen["positions"]) > 120
    assert seen["coverage"]["exact"]
    assert seen["audit"]["mismatches"] == "0"
    assert int(seen["block"]) > int(held.document["block"])


def test_a_held_demo_ends_well_at_sigterm_and_leaves_nothing_behind(held: Held) -> None:
    held.child.terminate()
    assert held.child.wait(30) == 0
    assert not Path(held.document["chains"]).exists()
    place = urlsplit(held.document["url"])
    with pytest.raises(ConnectionRefusedError):
        http.client.HTTPConnection(str(place.hostname), place.port, timeout=5).connect()


def lives(process: str) -> bool:
    """What has ended and waits to be collected does not."""
    try:
        return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


@pytest.mark.long  # of its parts, the guard, the signal and the held demo's end are tested without
@pytest.mark.parametrize(("sent", "code"), [(signal.SIGTERM, 130), (signal.SIGKILL, -signal.SIGKILL)])
def test_a_run_that_is_ended_in_the_middle_leaves_no_process_behind(
    local: Local, sent: signal.Signals, code: int
) -> None:
    with subprocess.Popen(
        (*WATCHER, "demo", "--json"), stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, env=environment()
    ) as child:
        assert child.stderr is not None
        for line in child.stderr:
            if line.startswith("block "):
                break
        family = Path(f"/proc/{child.pid}/task/{child.pid}/children").read_text().split()
        assert len(family) == 4  # the node, watcher run, and a guard of each
        child.send_signal(sent)
        rest = child.stderr.read()
        assert child.wait(30) == code
    assert sent is signal.SIGKILL or rest.splitlines()[-1] == "watcher: interrupted"
    end = time.monotonic() + 30
    while any(map(lives, family)) and time.monotonic() < end:
        time.sleep(0.05)
    assert not any(map(lives, family))


def more_by_one(figures: Figures, field: str) -> Figures:
    return {**figures, field: int(figures[field] or 0) + 1}


def falsified(told: Told) -> Told:
    """One field of one Aave account, one Morpho debt and one Morpho total, each more by a single unit, and so is one health of somebody
    whom nobody has listed; one safe health is at the line.
    """
    owing = [key for key, figures in told.positions.items() if figures["debt"]]
    lied: dict[PositionKey, Figures] = dict(told.positions)
    for key, field in (
        (next(key for key in owing if "aave" in key.market), "available"),
        (next(key for key in owing if "morpho" in key.market), "debt"),
    ):
        lied[key] = more_by_one(lied[key], field)
    market, totals = next(iter(told.totals.items()))
    far = next(key for key, margin in told.margins.items() if margin.health and margin.health > 2)
    stranger = next(key for key, margin in told.crowd.items() if margin.health and margin.health > Fraction(8, 5))
    health = told.crowd[stranger].health
    assert health is not None
    return replace(
        told,
        crowd={**told.crowd, stranger: replace(told.crowd[stranger], health=health + Fraction(1, WAD))},
        positions=lied,
        totals={**told.totals, market: {**totals, "borrowed": totals["borrowed"] + 1}},
        margins={**told.margins, far: Margin(Fraction(1), False, None)},
    )


def test_the_check_fails_when_the_truth_is_off_by_one_unit(
    local: Local, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """A play of its first blocks alone: the promises about what comes later are not kept."""
    honest, blocks = Truth.at, itertools.count(1)

    async def at(self: Truth, number: int) -> Told:
        told = await honest(self, number)
        return falsified(told) if next(blocks) == 2 else told

    monkeypatch.setattr(Truth, "at", at)
    monkeypatch.setattr("watcher.cli.demo.run.STEPS", STEPS[:5])
    assert main(["demo", "--json", "--quiet"]) == 1
    seen = json.loads(capsys.readouterr().out)
    assert seen["broken"][0] == "12 mismatches"
    assert seen["expected_transitions"] == seen["transitions"] + 2  # down to critical at once, up after three blocks
    assert seen["followed"]["expected_at_risk"] == seen["followed"]["at_risk"] + 1
    fields = Counter(re.split(" of 0x| is ", text.split(": ")[1])[0] for text in seen["differences"])
    assert fields == {
        "available": 1,
        "debt": 1,
        "borrowed": 1,
        "status": 1,
        "change": 2,
        "health in the book": 2,  # of the one at the line, and of somebody in the crowd
        "health in the list of those at risk": 1,
        **{f"accounts below {line * WAD // 100}": 1 for line in (105, 110, 125)},
    }
