"""`watcher export`: the file, its format, and the documented columns."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path

import pytest

from tests.store.scene import Scene, block
from watcher.__main__ import main
from watcher.export.schema import SHEETS, Sheet
from watcher.store.history import record
from watcher.store.open import open_store


@pytest.fixture
def db(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    monkeypatch.delenv("WATCHER_CONFIG", raising=False)
    scene = Scene.of("morpho_blue")
    with open_store(tmp_path / "watcher.db", write=True, create=True) as store:
        for number in (1, 2):
            at = block(scene.chain, number)
            record(store, at, [scene.entry(at)], read_at=at.timestamp)
    return str(tmp_path / "watcher.db")


@pytest.mark.parametrize("ending", ["csv", "json", "jsonl", "parquet"])
def test_the_ending_of_the_file_names_its_format(
    ending: str, db: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / f"readings.{ending}"
    assert main(["export", "readings", "-o", str(out), "--db", db]) == 0
    assert capsys.readouterr().err.startswith("2 readings from ")
    start = {"csv": b"chain,market,", "json": b'{"origin": ', "jsonl": b'{"chain": ', "parquet": b"PAR1"}[ending]
    assert out.read_bytes().startswith(start)


def test_a_dash_is_stdout_and_nothing_else_is_on_it(db: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["export", "quotes", "-o", "-", "--format", "jsonl", "--db", db]) == 0
    (line,) = capsys.readouterr().out.splitlines()
    assert json.loads(line)["block"] == 1


@pytest.mark.parametrize(
    ("line", "why"),
    [
        (["readings"], "say what and where to"),
        (["readings", "-o", "x.txt"], "its ending names no format"),
        (["readings", "-o", "-", "--format", "parquet"], "parquet needs a file"),
        (["quotes", "-o", "x.csv", "--account", "0x" + "11" * 20], "--account has no meaning"),
        (["readings", "-o", "x.csv", "--since", "12345"], "--since takes a date"),
        (["prices", "-o", "x.csv"], "'prices' is not one of"),
    ],
)
def test_what_cannot_be_done_is_said_and_no_file_is_made(
    line: list[str], why: str, db: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["export", *line, "--db", db]) == 2
    assert why in capsys.readouterr().err
    assert [one for one in tmp_path.iterdir() if one.suffix in (".csv", ".txt", ".partial")] == []


def test_the_schema_names_every_column_of_every_export(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["export", "--schema", "--format", "csv"]) == 0
    rows = list(csv.DictReader(io.StringIO(capsys.readouterr().out)))
    assert [(row["export"], row["column"]) for row in rows] == [
        (sheet, field.name) for sheet in Sheet for field in SHEETS[sheet]
    ]
    assert all(row["kind"] and row["meaning"] for row in rows)
    assert main(["export", "cycles", "--schema"]) == 0
    assert "readings" not in capsys.readouterr().out


@pytest.mark.parametrize(
    ("line", "why"),
    [
        (["panel", "-o", "x.csv"], "say of which market: watcher export panel MARKET -o FILE"),
        (["panel", "nowhere", "-o", "x.csv"], "nowhere was never followed; the store has none"),
        (["panel", "m", "--every", "0", "-o", "x.csv"], "a panel needs a step"),
        (["panel", "m", "--at", "5", "-o", "x.csv"], "--at has no meaning for panel"),
        (["book", "m", "--since", "1d", "-o", "x.csv"], "--since has no meaning for book"),
        (["book", "m", "-o", "folder"], "its ending names no format"),
        (["liquidations", "m", "-o", "x.csv"], "say since when"),
        (["readings", "m", "-o", "x.csv"], "narrow readings to a market with --market m"),
    ],
)
def test_what_a_followed_market_cannot_give_is_said(
    line: list[str], why: str, db: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["export", *line, "--db", db]) == 2
    assert why in capsys.readouterr().err
    assert [one for one in tmp_path.iterdir() if one.suffix in (".csv", ".partial") or one.is_dir()] == []
