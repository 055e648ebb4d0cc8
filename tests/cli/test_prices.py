"""`watcher prices` as it is typed: files in, what is stored, what of it is not used, and what makes no sense."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from watcher.__main__ import main
from watcher.exit import Exit

USAGE = int(Exit.USAGE)
HOURS = "time,price\n" + "".join(f"{hour * 3600},{price}\n" for hour, price in enumerate((2000, 2001, 0.0001, 2002), 1))


@pytest.fixture(autouse=True)
def nowhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No file of the user's own is seen."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("WATCHER_CONFIG", str(tmp_path / "watcher.toml"))
    monkeypatch.delenv("WATCHER_DB", raising=False)
    (tmp_path / "eth.csv").write_text(HOURS)


def said(capsys: pytest.CaptureFixture[str], *line: str, code: int = 0) -> tuple[Any, str]:
    """The rows of stdout, and stderr."""
    assert main(["prices", *line, "--db", "watcher.db", "--format", "json"]) == code
    out, err = capsys.readouterr()
    return (json.loads(out) if out else None), err


def test_a_file_goes_in_once_and_what_is_not_used_is_listed(capsys: pytest.CaptureFixture[str]) -> None:
    for new in ("4", "0"):
        rows, err = said(capsys, "sync", "eth/usd", "--from", "eth.csv")
        assert rows == [{"pair": "ETH/USD", "source": "file eth.csv", "read": "4", "new": new, "error": None}]
        assert "eth.csv: 4 rows, no requests" in err
    ((row,), _) = said(capsys, "show")
    assert {name: row[name] for name in ("pair", "source", "rows", "first", "last", "rejected", "gaps")} == {
        "pair": "ETH/USD",
        "source": "file eth.csv",
        "rows": "4",
        "first": "1970-01-01 01:00:00",
        "last": "1970-01-01 04:00:00",
        "rejected": "1",
        "gaps": "0",
    }
    ((row,), err) = said(capsys, "show", "ETH/USD")
    assert (row["fault"], row["time"], row["price"]) == ("bad tick", "1970-01-01 03:00:00", "0.0001")
    assert "3 prices from 1970-01-01 01:00:00 to 1970-01-01 04:00:00, of file eth.csv" in err


def test_a_dry_run_stores_nothing(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    rows, err = said(capsys, "sync", "ETH/USD", "--from", "eth.csv", "--dry-run")
    assert rows is None
    assert "4 rows" in err
    rows, err = said(capsys, "sync", "ETH/USD", "--by", "binance", "--since", "10d", "--dry-run")
    assert rows == []
    assert "1 sources: about 1 requests for about 240 rows" in err
    assert not (tmp_path / "watcher.db").exists()


def test_a_pair_of_which_nothing_is_stored_has_no_prices(capsys: pytest.CaptureFixture[str]) -> None:
    said(capsys, "sync", "ETH/USD", "--from", "eth.csv")
    rows, err = said(capsys, "show", "BTC/USD")
    assert rows == []
    assert "BTC/USD: no prices" in err


@pytest.mark.parametrize(
    ("line", "why"),
    [
        (["sync", "ETHUSD", "--from", "eth.csv"], "is no pair"),
        (["sync", "--from", "eth.csv"], "takes the one PAIR"),
        (["sync", "ETH/USD", "BTC/USD", "--from", "eth.csv"], "takes the one PAIR"),
        (["sync", "ETH/USD", "--from", "eth.csv", "--by", "feeds"], "takes the one PAIR"),
        (["sync", "ETH/USD", "--from", "none.csv"], "cannot be read"),
        (["sync", "--by", "binance"], "an exchange is asked for pairs"),
        (["sync", "--since", "19000000"], "--since takes a date"),
        (["show", "--dry-run"], "for sync"),
        (["sync"], "no source of prices is known"),
    ],
)
def test_what_makes_no_sense_is_refused(capsys: pytest.CaptureFixture[str], line: list[str], why: str) -> None:
    _, err = said(capsys, *line, code=USAGE)
    assert why in err
