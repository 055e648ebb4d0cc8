"""Flat records as parquet: read back with pyarrow, they are what was written, and the head says where they come from."""

from __future__ import annotations

import sys
from enum import StrEnum
from importlib import import_module
from math import inf
from pathlib import Path
from typing import Any

import pytest

from watcher.errors import ConfigError, UsageError
from watcher.export.table import write_table
from watcher.export.write import read_origin

pyarrow: Any = import_module("pyarrow")  # it has no types
parquet: Any = import_module("pyarrow.parquet")


class Kind(StrEnum):
    PRICE = "price"


ROWS = (
    {"asset": "WETH", "blocked": False, "block": 21_000_000, "margin": 2**63 - 1, "wad": 10**18, "loss": 0.1, "none": None},
    {"asset": Kind.PRICE, "blocked": None, "block": None, "margin": -(2**63), "wad": 10**30, "loss": 2, "none": None},
    {"asset": None, "blocked": True, "block": 0, "margin": None, "wad": -(10**30), "loss": -inf, "none": None, "late": "yes"},
)  # fmt: skip
ABOUT = {"block": "21000000", "model": "fhs", "chain": "ethereum · 1"}


def test_records_read_back_as_they_were_with_columns_of_what_is_in_them(tmp_path: Path) -> None:
    path = tmp_path / "risk.parquet"
    write_table(ROWS, path, ABOUT)
    table = parquet.read_table(path)
    assert {field.name: field.type for field in table.schema} == {
        "asset": pyarrow.string(),
        "blocked": pyarrow.bool_(),
        "block": pyarrow.int64(),
        "margin": pyarrow.int64(),
        "wad": pyarrow.string(),
        "loss": pyarrow.float64(),
        "none": pyarrow.string(),
        "late": pyarrow.string(),
    }
    assert table.to_pydict() == {
        "asset": ["WETH", "price", None],
        "blocked": [False, None, True],
        "block": [21_000_000, None, 0],
        "margin": [2**63 - 1, -(2**63), None],
        "wad": [str(10**18), str(10**30), str(-(10**30))],
        "loss": [0.1, 2.0, -inf],
        "none": [None, None, None],
        "late": [None, None, "yes"],
    }
    assert read_origin(path) == ABOUT


def test_no_records_are_a_whole_file_too(tmp_path: Path) -> None:
    path = tmp_path / "empty.parquet"
    write_table((), path, ABOUT)
    assert parquet.read_table(path).num_columns == 0
    assert read_origin(path) == ABOUT


@pytest.mark.parametrize("cell", [("a",), {"a": 1}, b"a", "text"])
def test_what_is_not_flat_is_refused_and_the_older_file_stays(tmp_path: Path, cell: object) -> None:
    path = tmp_path / "risk.parquet"
    write_table(ROWS, path, ABOUT)
    with pytest.raises(TypeError, match="column loss holds"):
        write_table(({"loss": 1}, {"loss": cell}), path, {})
    assert read_origin(path) == ABOUT


def test_a_file_appears_when_it_is_whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "risk.parquet"
    write_table(ROWS, path, ABOUT)

    def full(table: object, where: str) -> None:
        Path(where).write_bytes(b"PAR1")
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(parquet, "write_table", full)
    with pytest.raises(UsageError, match="No space left"):
        write_table((), path, {})
    assert [one.name for one in tmp_path.iterdir()] == ["risk.parquet"]
    assert read_origin(path) == ABOUT


@pytest.mark.parametrize(("name", "reason"), [("risk.csv", "risk.parquet"), ("no/risk.parquet", "no folder")])
def test_a_file_that_cannot_be_is_named(tmp_path: Path, name: str, reason: str) -> None:
    with pytest.raises(UsageError, match=reason):
        write_table(ROWS, tmp_path / name, ABOUT)


def test_without_pyarrow_it_says_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pyarrow", None)
    with pytest.raises(ConfigError, match="lending-watcher"):
        write_table(ROWS, tmp_path / "risk.parquet", ABOUT)
