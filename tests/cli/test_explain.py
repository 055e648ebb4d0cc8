"""`watcher explain` out of the store alone: parts that add up, in every form it can be shown in."""

from __future__ import annotations

import csv
import io
import json
from importlib import import_module
from importlib.metadata import version
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest

from tests.store.scene import Scene, block
from watcher.__main__ import main
from watcher.export.write import read_origin
from watcher.store.entry import Missed
from watcher.store.history import record
from watcher.store.open import open_store

FIRST, LAST = 100, 500
parquet: Any = import_module("pyarrow.parquet")  # it has no types


@pytest.fixture(autouse=True)
def bare(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Nobody's watcher.toml or store is found."""
    for name in ("XDG_CONFIG_HOME", "XDG_DATA_HOME"):
        monkeypatch.setenv(name, str(tmp_path))
    monkeypatch.chdir(tmp_path)
    for name in ("WATCHER_CONFIG", "WATCHER_DB"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture(scope="module")
def scene() -> Scene:
    return Scene.of("aave_v3")


@pytest.fixture(scope="module")
def db(tmp_path_factory: pytest.TempPathFactory, scene: Scene) -> Path:
    """Blocks 100 to 500: a price at 200, twice the amounts at 300, and nobody who watched 401 to 499."""
    path = tmp_path_factory.mktemp("made") / "watcher.db"
    with open_store(path, write=True, create=True) as store:
        for number, quote, holding in ((100, 0, 0), (200, 5, 0), (300, 5, 1), (400, 5, 1), (500, 9, 1)):
            at = block(scene.chain, number)
            missed = Missed(401, 499, "the watcher was off") if number == LAST else None
            record(store, at, [scene.entry(at, quote, holding)], read_at=at.timestamp + 3, missed=missed)
    return path


def said(capsys: pytest.CaptureFixture[str], db: Path, scene: Scene, *line: str, code: int = 0) -> tuple[str, str]:
    capsys.readouterr()
    assert main(["explain", f"0x{scene.key.key.hex()}", "--db", str(db), "--quiet", *line]) == code
    return capsys.readouterr()


def whole(capsys: pytest.CaptureFixture[str], db: Path, scene: Scene, *line: str) -> dict[str, Any]:
    (found,) = json.loads(said(capsys, db, scene, "--from", str(FIRST), *line, "--format", "json")[0])
    return dict(found)


def margin(scene: Scene, number: int, quote: int, holding: int) -> int:
    worth = scene.reading(block(scene.chain, number), quote, holding).valuation
    assert worth is not None
    return worth.line.weighted - worth.line.owed


def test_the_causes_add_up_to_what_was_read_at_both_ends(
    capsys: pytest.CaptureFixture[str], db: Path, scene: Scene
) -> None:
    found = whole(capsys, db, scene, "--each")
    ends = margin(scene, FIRST, 0, 0), margin(scene, LAST, 9, 1)
    assert (int(found["from"]["margin"]), int(found["to"]["margin"])) == ends
    for key in ("margin", "reverse_margin"):
        assert sum(int(one[key]) for one in found["causes"]) == ends[1] - ends[0]
    assert [(piece["first"], piece["last"]) for piece in found["pieces"]] == [("100", "300"), ("300", "500")]
    assert int(found["pieces"][0]["margin"]["after"]) == margin(scene, 300, 5, 1)


def test_without_logs_a_change_of_amounts_is_mixed_and_the_reason_is_told(
    capsys: pytest.CaptureFixture[str], db: Path, scene: Scene
) -> None:
    found = whole(capsys, db, scene)
    assert "mixed" in {one["cause"] for one in found["causes"]}
    assert not {"own action", "liquidation"} & {one["cause"] for one in found["causes"]}
    assert any("blocks 201 to 300" in note and "not told apart" in note for note in found["notes"])


def test_blocks_that_nobody_watched_are_named(capsys: pytest.CaptureFixture[str], db: Path, scene: Scene) -> None:
    assert any("nobody watched blocks 401 to 499" in note for note in whole(capsys, db, scene)["notes"])


def test_before_the_first_block_the_earliest_one_is_named(
    capsys: pytest.CaptureFixture[str], db: Path, scene: Scene
) -> None:
    out, err = said(capsys, db, scene, "--from", "50", "--format", "json", code=4)
    assert json.loads(out) == []
    assert "the earliest block that the store has of it is 100" in err


def test_one_block_is_no_stretch(capsys: pytest.CaptureFixture[str], db: Path, scene: Scene) -> None:
    _, err = said(capsys, db, scene, "--from", "200", "--to", "299", code=4)
    assert "both block 200" in err


def test_people_see_ends_bars_and_both_orders(capsys: pytest.CaptureFixture[str], db: Path, scene: Scene) -> None:
    out, _ = said(capsys, db, scene, "--from", str(FIRST), "--each")
    assert "block 100 → 500" in out
    assert "2 pieces, by the store" in out
    assert "reversed: margin" in out
    assert any("█" in line for line in out.splitlines())


def test_csv_has_a_row_for_every_cause_of_every_piece(
    capsys: pytest.CaptureFixture[str], db: Path, scene: Scene
) -> None:
    out, _ = said(capsys, db, scene, "--from", str(FIRST), "--each", "--format", "csv")
    rows = list(csv.DictReader(io.StringIO(out)))
    pieces = whole(capsys, db, scene, "--each")["pieces"]
    assert len(rows) == sum(len(piece["causes"]) for piece in pieces)
    assert {row["first"] for row in rows} <= {"100", "300"}
    assert sum(int(row["margin"]) for row in rows) == margin(scene, LAST, 9, 1) - margin(scene, FIRST, 0, 0)


def test_the_picture_has_a_bar_for_every_cause(
    capsys: pytest.CaptureFixture[str], db: Path, scene: Scene, tmp_path: Path
) -> None:
    causes = whole(capsys, db, scene)["causes"]
    said(capsys, db, scene, "--from", str(FIRST), "--plot", str(tmp_path / "why.svg"))
    drawn = {one.get("id") or "" for one in ElementTree.parse(tmp_path / "why.svg").iter()}
    assert {one for one in drawn if one.startswith("cause-0-")} == {f"cause-0-{n}" for n in range(len(causes))}


def test_a_picture_of_an_unknown_kind_is_refused_before_anything_is_read(
    capsys: pytest.CaptureFixture[str], db: Path, scene: Scene
) -> None:
    assert "png" in said(capsys, db, scene, "--from", str(FIRST), "--plot", "why.pdf", code=2)[1]


def test_parquet_has_the_rows_and_says_what_they_are_of(
    capsys: pytest.CaptureFixture[str], db: Path, scene: Scene, tmp_path: Path
) -> None:
    path = tmp_path / "why.parquet"
    out, _ = said(capsys, db, scene, "--from", str(FIRST), "--each", "--parquet", str(path))
    rows = parquet.read_table(path).to_pylist()
    pieces = whole(capsys, db, scene, "--each")["pieces"]
    causes = [(piece["first"], one["token"], one["margin"]) for piece in pieces for one in piece["causes"]]
    assert out == ""
    assert [(str(row["first"]), row["token"], str(row["margin"])) for row in rows] == causes
    assert {(row["chain"], row["account"]) for row in rows} == {(scene.chain, f"0x{scene.key.key.hex()}")}
    told = read_origin(path)
    assert "blocks 100 to 500, by the store" in told["stretches"]
    assert (told["program"], told["not explained"]) == (version("lending-watcher"), "")


@pytest.mark.parametrize("file", [("--parquet", "why.csv"), ("--parquet", "why.parquet", "--format", "json")])
def test_a_file_that_cannot_be_written_is_refused_before_anything_is_read(
    capsys: pytest.CaptureFixture[str], scene: Scene, file: tuple[str, ...]
) -> None:
    assert "parquet" in said(capsys, Path("nowhere.db"), scene, "--from", str(FIRST), *file, code=2)[1]
