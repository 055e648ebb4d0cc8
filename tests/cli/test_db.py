"""`watcher db` as it is typed: what it prints, what it refuses, and the code that it ends with."""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from tests.store.scene import Scene, block
from watcher.__main__ import main
from watcher.exit import Exit
from watcher.store.history import record
from watcher.store.migrations import REVISIONS
from watcher.store.open import open_store

STORAGE = int(Exit.STORAGE)


@pytest.fixture(autouse=True)
def nowhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No file of the user's own is seen."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("WATCHER_CONFIG", str(tmp_path / "watcher.toml"))
    monkeypatch.delenv("WATCHER_DB", raising=False)


def said(capsys: pytest.CaptureFixture[str], *line: str, code: int = 0) -> tuple[Any, str]:
    """The rows of stdout, and stderr."""
    assert main(["db", *line, "--format", "json"]) == code
    out, err = capsys.readouterr()
    return (json.loads(out) if out else None), err


def filled(path: Path) -> Scene:
    """A store with an hour and a half of readings."""
    scene = Scene.of("morpho_blue")
    with open_store(path, write=True, create=True) as store:
        for number in range(1, 461, 20):
            at = block(scene.chain, number)
            record(store, at, [scene.entry(at)], read_at=at.timestamp)
    return scene


def test_upgrade_makes_a_store_and_may_be_repeated(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    path = tmp_path / "a" / "watcher.db"
    for before in (None, REVISIONS[-1]):
        rows, _ = said(capsys, "upgrade", "--db", str(path))
        assert rows == [{"before": before, "now": REVISIONS[-1], "copy": None}]
    assert path.is_file()


def test_check_says_that_a_store_is_sound_and_how_it_grows(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    path = tmp_path / "watcher.db"
    filled(path)
    ((row,), err) = said(capsys, "check", "--db", str(path))
    assert row["problems"] == []
    assert int(row["month"]) > int(row["bytes"]) > 0
    assert f"{path} is sound" in err


def test_the_environment_names_the_store_too(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    filled(tmp_path / "named.db")
    monkeypatch.setenv("WATCHER_DB", str(tmp_path / "named.db"))
    assert "named.db is sound" in said(capsys, "check")[1]


def test_f46_check_of_rows_without_their_block_ends_with_the_code_of_the_store(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    path = tmp_path / "watcher.db"
    filled(path)
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("DELETE FROM block WHERE number = 1")
    _, err = said(capsys, "check", "--db", str(path), code=STORAGE)
    assert "1 readings stand at a block that is not stored" in err
    assert "restore a backup" in err


def test_a_store_that_is_not_there_is_not_made_by_looking(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    path = tmp_path / "watcher.db"
    for deed in (["check"], ["backup"], ["prune", "--keep", "readings=1d"]):
        _, err = said(capsys, *deed, "--db", str(path), code=STORAGE)
        assert f"no store at {path}" in err
    assert [found.name for found in tmp_path.iterdir()] == []


def test_backup_copies_while_another_writes(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    path, copy = tmp_path / "watcher.db", tmp_path / "copy.db"
    filled(path)
    with open_store(path, write=True):
        rows, _ = said(capsys, "backup", str(copy), "--db", str(path))
        said(capsys, "backup", "--db", str(path))
    assert rows == [{"store": str(path), "backup": str(copy), "bytes": str(copy.stat().st_size)}]
    assert len(list(tmp_path.glob("watcher.db.backup-*Z"))) == 1
    assert "is sound" in said(capsys, "check", "--db", str(copy))[1]
    _, err = said(capsys, "backup", str(path), "--db", str(path), code=Exit.USAGE)
    assert "is the store itself" in err


def test_backup_replaces_an_earlier_one_and_no_other_file(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    path, copy, config = tmp_path / "watcher.db", tmp_path / "copy.db", tmp_path / "mine.toml"
    filled(path)
    config.write_text("[[wallets]]\n")
    for _ in range(2):
        said(capsys, "backup", str(copy), "--db", str(path))
    for target, why in ((config, "is no backup"), (tmp_path, "cannot be written")):
        assert why in said(capsys, "backup", str(target), "--db", str(path), code=Exit.USAGE)[1]
    assert config.read_text() == "[[wallets]]\n"
    assert sorted(found.name for found in tmp_path.glob("*partial*")) == []


def test_prune_removes_what_is_older_and_says_how_much(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    path = tmp_path / "watcher.db"
    filled(path)
    rows, _ = said(capsys, "prune", "--keep", "readings=1d", "--keep", "cycles=99999w", "--db", str(path))
    assert rows == [{"table": "readings", "removed": "23"}, {"table": "cycles", "removed": "0"}]


def test_f45_prune_beside_a_running_watcher_says_who_holds_the_store(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    path = tmp_path / "watcher.db"
    filled(path)
    with open_store(path, write=True):
        _, err = said(capsys, "prune", "--keep", "readings=1d", "--db", str(path), code=STORAGE)
    assert "is being written by another watcher (process " in err


@pytest.mark.parametrize(
    ("line", "why"),
    [
        (["prune"], "nothing says what is old"),
        (["prune", "--keep", "readings"], "use TABLE=AGE"),
        (["prune", "--keep", "rumours=1d"], "tables are readings"),
        (["prune", "--keep", "readings=-1d"], "use TABLE=AGE"),
        (["check", "--keep", "readings=1d"], "--keep has no meaning"),
        (["check", "file"], "takes no file"),
        (["vacuum"], "vacuum"),
        (["check", "--db", "mysql://me:secret@host/x"], "postgresql://"),
    ],
)
def test_what_makes_no_sense_is_refused(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, line: list[str], why: str
) -> None:
    code = STORAGE if "mysql" in line[-1] else int(Exit.USAGE)
    db = [] if "--db" in line else ["--db", str(tmp_path / "watcher.db")]
    _, err = said(capsys, *line, *db, code=code)
    assert why in err
    assert "secret" not in err
