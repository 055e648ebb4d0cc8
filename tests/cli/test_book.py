"""`watcher book export|import`: members leave a store and enter another as a list that people can read."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.adapters.situations import OWNERS
from watcher.__main__ import main
from watcher.config import load
from watcher.exit import Exit
from watcher.store import survey
from watcher.store.open import open_store

MARKET = "ethereum/aave-v3/core"


@pytest.fixture
def db(tmp_path: Path) -> str:
    return str(tmp_path / "watcher.db")


def run(*arguments: str, db: str) -> int:
    return main(["book", *arguments, "--db", db])


def known(db: str) -> list[str]:
    with open_store(db) as store:
        return [key.key.hex() for key in survey.members(store, load().market(MARKET))]


@pytest.mark.parametrize("form", ["txt", "csv", "jsonl"])
def test_a_list_goes_in_and_out_again(db: str, tmp_path: Path, form: str) -> None:
    source, out, other = tmp_path / "in.txt", tmp_path / f"out.{form}", str(tmp_path / "other.db")
    source.write_text("\n".join(OWNERS), encoding="utf-8")
    assert run("import", MARKET, str(source), db=db) == Exit.OK
    assert run("export", MARKET, "-o", str(out), db=db) == Exit.OK
    assert run("import", MARKET, str(out), db=other) == Exit.OK
    assert known(other) == known(db) == [owner[2:].lower() for owner in OWNERS]


def test_who_is_known_already_is_not_counted_as_new(
    db: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    source = tmp_path / "in.txt"
    for count, said in ((2, "2 accounts, 2 of them new"), (3, "3 accounts, 1 of them new")):
        source.write_text("\n".join(OWNERS[:count]), encoding="utf-8")
        assert run("import", MARKET, str(source), db=db) == Exit.OK
        assert said in capsys.readouterr().err


def test_stdout_gets_addresses_and_nothing_else(db: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "in.txt").write_text("\n".join(OWNERS), encoding="utf-8")
    run("import", MARKET, str(tmp_path / "in.txt"), db=db)
    capsys.readouterr()
    assert run("export", MARKET, "-o", "-", db=db) == Exit.OK
    assert capsys.readouterr().out.split() == list(OWNERS)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("export", MARKET), "book export needs -o"),
        (("import", MARKET), "book import needs FILE"),
        (("import", MARKET, "in.txt", "-o", "x.csv"), "-o is for book export"),
        (("open", MARKET, "in.txt"), "FILE is for book import"),
        (("import", MARKET, "missing.txt"), "missing.txt cannot be read"),
        (("import", MARKET, "in.parquet"), "cannot be read"),
        (("export", "ethereum/aave-v3/cor", "-o", "x.csv"), "did you mean"),
    ],
)
def test_what_makes_no_sense_is_said(
    db: str, capsys: pytest.CaptureFixture[str], arguments: tuple[str, ...], said: str
) -> None:
    assert run(*arguments, db=db) == Exit.USAGE
    assert said in capsys.readouterr().err


def test_an_empty_book_says_how_it_is_filled(db: str, capsys: pytest.CaptureFixture[str]) -> None:
    open_store(db, write=True, create=True).close()
    assert run("export", MARKET, "-o", "-", db=db) == Exit.USAGE
    assert f"watcher book open {MARKET}" in capsys.readouterr().err
