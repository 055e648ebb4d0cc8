"""What `watcher backfill` refuses before it asks anybody or makes a store."""

from __future__ import annotations

from pathlib import Path

import pytest

from watcher.__main__ import main
from watcher.exit import Exit

WHO = "0x" + "a1" * 20


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ([WHO, "--from", "100"], "name one with --chain"),
        ([WHO, "--from", "2026-01-01", "--to", "100"], "name one with --chain"),
        ([WHO, "--from", "7d", "--every", "0"], "--every needs a time"),
        ([WHO, "--from", "7d", "--every", "soon"], "write it as 1h"),
        (["0x12", "--from", "7d"], "40 hex digits"),
        ([WHO], "--from"),
    ],
)
def test_what_cannot_be_meant_is_refused_with_the_way_out(
    arguments: list[str], said: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    db = tmp_path / "watcher.db"
    assert main(["backfill", *arguments, "--db", str(db)]) == Exit.USAGE
    assert said in capsys.readouterr().err
    assert not db.exists()
