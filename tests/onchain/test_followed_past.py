"""What the store keeps of a followed market answers later for accounts that nobody tracked, as the contract answered then."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest

from tests.onchain.conftest import Local
from tests.onchain.followed_past import Past, lived
from watcher.__main__ import main
from watcher.cli.history.at import Moment, at_block
from watcher.cli.history.course import places
from watcher.localchain.scenario import account
from watcher.store.open import open_store
from watcher.units import MAX

pytestmark = pytest.mark.slow
PARQUET = import_module("pyarrow.parquet")  # it has no types


@pytest.fixture(scope="module")
def past(local: Local, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Past]:
    snapshot = asyncio.run(local.chain.snapshot())
    yield asyncio.run(lived(local, tmp_path_factory.mktemp("past")))
    asyncio.run(local.chain.revert(snapshot))


@pytest.fixture(autouse=True)
def bare(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Nobody's watcher.toml is found."""
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    monkeypatch.chdir(tmp_path)


def history(
    capsys: pytest.CaptureFixture[str], past: Past, who: str, *line: str, code: int = 0
) -> list[dict[str, Any]]:
    capsys.readouterr()
    asked = ["history", who, "--market", past.market.name, "--db", str(past.db), "--chains", str(past.chains)]
    assert main([*asked, "--format", "json", "--quiet", *line]) == code
    found: list[dict[str, Any]] = json.loads(capsys.readouterr().out)
    return found


def told(row: dict[str, Any]) -> tuple[str | None, str, str]:
    return row["health"], row["collateral"], row["debt"]


def contract(said: tuple[int, ...]) -> tuple[str | None, str, str]:
    """The health factor, collateral and debt of `getUserAccountData` as the command writes them."""
    return (None if said[5] == MAX else str(said[5])), str(said[0]), str(said[1])


def test_at_any_followed_block_everybody_has_the_health_that_the_contract_told(
    past: Past, capsys: pytest.CaptureFixture[str]
) -> None:
    with open_store(past.db) as store:
        for owner in past.owners[::3]:
            (place,) = places(store, bytes.fromhex(owner[2:]))
            for block, truth in past.truth.items():
                seen = at_block(store, place, block.number)
                assert isinstance(seen, Moment), seen
                kept = seen.kept
                assert kept.block == block
                assert (kept.health and str(kept.health), str(kept.collateral), str(kept.debt)) == contract(
                    truth[owner]
                )
    for number, (block, truth) in enumerate(past.truth.items()):
        owner = past.owners[number % len(past.owners)]
        (row,) = history(capsys, past, owner, "--at", str(block.number))
        assert (row["block"], told(row)) == (str(block.number), contract(truth[owner]))


def test_the_course_goes_through_the_same_figures(past: Past, capsys: pytest.CaptureFixture[str]) -> None:
    for owner in past.owners[:3]:
        rows = history(capsys, past, owner, "--since", "2000-01-01", "--every", "0")
        found = {row["block"]: told(row) for row in rows if row["block"] is not None}
        for block, truth in past.truth.items():
            assert found[str(block.number)] == contract(truth[owner])


def test_where_nobody_looked_and_for_who_never_owed_it_is_unknown_with_the_reason(
    past: Past, capsys: pytest.CaptureFixture[str]
) -> None:
    (row,) = history(capsys, past, past.owners[0], "--at", str(past.gap[2]), code=4)
    assert (row["status"], row["health"]) == ("unknown", None)
    assert "nobody watched" in row["note"]
    first = min(block.number for block in past.truth)
    (row,) = history(capsys, past, past.owners[0], "--at", str(first - 1), code=4)
    assert row["status"] == "unknown" and "not followed by block" in row["note"]
    (row,) = history(capsys, past, account("who never owed"), "--at", str(first), code=4)
    assert row["status"] == "unknown" and "it never owed there" in row["note"]


def exported(past: Past, sheet: str, *line: str) -> int:
    return main(["export", sheet, past.market.name, "--db", str(past.db), "--chains", str(past.chains), *line])


def test_a_panel_has_everybody_at_every_time_as_the_contract_told_and_nothing_where_nobody_looked(
    past: Past, tmp_path: Path
) -> None:
    out = tmp_path / "panel.jsonl"
    assert exported(past, "panel", "--every", "20m", "-o", str(out)) == 0
    by_number = {block.number: truth for block, truth in past.truth.items()}
    seen: dict[str, set[str]] = {}
    for line in out.read_text().splitlines():
        row = json.loads(line)
        seen.setdefault(row["at"], set()).add(row["position"])
        assert row["time"] <= row["at"]
        if row["position"] not in {owner.lower() for owner in past.owners}:
            continue  # a newcomer
        if row["status"] == "unknown":
            assert "nobody watched" in row["reason"] and row["health_exact"] is None
            continue
        said = next(said for owner, said in by_number[row["block"]].items() if owner.lower() == row["position"])
        assert (row["health_exact"], row["collateral_exact"], row["debt_exact"]) == contract(said)
    times = sorted(seen)
    assert len(times) > 20
    assert all({owner.lower() for owner in past.owners} <= seen[time] for time in times)
    rows = [json.loads(line) for line in out.read_text().splitlines()]
    assert {row["status"] for row in rows} >= {"owing", "liquidatable", "unknown"}


def test_a_panel_in_a_folder_is_gone_on_with_and_its_whole_days_are_left_alone(
    past: Past, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "panel"
    assert exported(past, "panel", "--every", "1h", "-o", str(folder)) == 0
    days = sorted(folder.rglob("*.parquet"))
    first, gone, *_, last = days
    gone.unlink()
    before = {path: path.stat().st_mtime_ns for path in (first, last)}
    capsys.readouterr()
    assert exported(past, "panel", "--every", "1h", "-o", str(folder)) == 0
    assert sorted(folder.rglob("*")) == sorted({*days, *(path.parent for path in days)})
    assert first.stat().st_mtime_ns == before[first]
    assert last.stat().st_mtime_ns > before[last]  # its day is not over
    assert f"in 2 files to {folder}, {len(days) - 2} day" in capsys.readouterr().err
    alone = tmp_path / "panel.parquet"
    assert exported(past, "panel", "--every", "1h", "-o", str(alone)) == 0
    parts = [row for path in days for row in PARQUET.ParquetFile(path).read().to_pylist()]
    assert parts == PARQUET.ParquetFile(alone).read().to_pylist()
    assert exported(past, "panel", "--every", "2h", "-o", str(folder)) == 2
    assert "another panel" in capsys.readouterr().err


def test_a_book_has_what_everybody_held_and_owed_at_a_block(past: Past, tmp_path: Path) -> None:
    for number, (block, truth) in enumerate(past.truth.items()):
        if number % 5:
            continue
        out = tmp_path / f"{block.number}.json"
        assert exported(past, "book", "--at", str(block.number), "-o", str(out)) == 0
        told = json.loads(out.read_text())
        assert {one["hash"] for one in told["origin"]["blocks"]} == {block.hash}
        rows = {row["position"]: row for row in told["rows"]}
        for owner, said in truth.items():
            row = rows[owner.lower()]
            assert (row["health_exact"], row["collateral_exact"], row["debt_exact"]) == contract(said)
            assert row["mode"] == 0 and row["words"]["key"]["key"] == owner.lower()
