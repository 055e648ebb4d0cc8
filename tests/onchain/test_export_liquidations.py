"""`watcher export liquidations` on the real contracts: the file has what the command says, in every format."""

from __future__ import annotations

import asyncio
import csv
import json
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest

from tests.chain.server import Front, serve
from tests.onchain.account_scene import configured
from tests.onchain.conftest import Local
from tests.onchain.liquidation_scene import Liquidations, liquidations
from tests.onchain.test_liquidations import Forgetful, told
from watcher.__main__ import main
from watcher.config import Endpoint, dump
from watcher.exit import Exit
from watcher.export.schema import SHEETS, Sheet
from watcher.localchain.aave_market import AaveMarket

__all__ = ["liquidations"]  # a fixture
PARQUET = import_module("pyarrow.parquet")  # it has no types


def test_the_file_has_what_the_command_says(v36: AaveMarket, liquidations: Liquidations, tmp_path: Path) -> None:
    story = asyncio.run(told(v36))
    said = liquidations(v36.name, "--since", str(story.first)).all
    chains = tmp_path / "chains.toml"  # as the command was given it

    def written(ending: str) -> Path:
        out = tmp_path / f"out.{ending}"
        line = ["--since", str(story.first), "--chains", str(chains), "--quiet", "-o", str(out)]
        assert main(["export", "liquidations", v36.name, *line]) == Exit.OK
        return out

    rows = [json.loads(line) for line in written("jsonl").read_text().splitlines()]
    assert len(rows) == len(said) == 4
    for row, record in zip(rows, said, strict=True):
        for field in SHEETS[Sheet.LIQUIDATIONS]:
            assert plain(row[field.name]) == plain(record[field.name]) or field.name in {"unknown", "block_time"}
        assert row["unknown"] is None and record["unknown"] == []
    table = PARQUET.read_table(written("parquet")).to_pylist()
    cells = list(csv.DictReader(written("csv").read_text().splitlines()))
    for row, other, cell in zip(rows, table, cells, strict=True):
        for name in ("repaid_raw", "received_raw", "health_before_wad", "saving_repay_raw", "trigger_answer"):
            assert (other[name], cell[name]) == (row[name], row[name] or "")
        assert json.loads(other["bad_debt"]) == row["bad_debt"]


def plain(value: Any) -> Any:
    """Whole numbers stand as text in the one and as numbers in the other."""
    return str(value) if isinstance(value, int) and not isinstance(value, bool) else value


def test_without_an_archive_cells_are_empty_with_the_reason_and_the_exit_is_4(
    local: Local, v36: AaveMarket, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    story = asyncio.run(told(v36))
    out = tmp_path / "out.jsonl"

    async def asked() -> int:
        node = Forgetful(Front(v36.chain.url), story.blocks[1])
        try:
            async with serve(node) as server:
                chains = tmp_path / "chains.toml"
                chains.write_text(dump(configured(local, [Endpoint("node", server.url)])), encoding="utf-8")
                line = ["--since", str(story.first), "--chains", str(chains), "-o", str(out)]
                return await asyncio.to_thread(main, ["export", "liquidations", v36.name, *line])
        finally:
            if node.node.session is not None:
                await node.node.session.close()

    assert asyncio.run(asked()) == Exit.SOURCE
    rows = [json.loads(line) for line in out.read_text().splitlines()]
    assert [row["health_before_wad"] is None for row in rows] == [True, True, True, False]
    assert all("missing trie node" in row["unknown"] for row in rows[:3])
    assert "missing trie node" in capsys.readouterr().err


def test_a_range_must_be_named(v36: AaveMarket, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["export", "liquidations", v36.name, "-o", str(tmp_path / "x.csv")]) == Exit.USAGE
    assert "say since when" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []
