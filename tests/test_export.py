"""What the store holds comes out again as files that other libraries read, to the last unit."""

from __future__ import annotations

import csv
import io
import json
import sqlite3
import tracemalloc
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select

from tests.store.scene import BEGAN, Scene, block
from tests.store.test_appraisals import R32, appraised
from watcher.errors import ConfigError, Transient, UsageError
from watcher.export import write as writing
from watcher.export.field import Field, Kind
from watcher.export.read import SOURCE, Scope, extract, words
from watcher.export.schema import SHEETS, Sheet
from watcher.export.write import Form, write, write_text
from watcher.model import Reading, Status, Transition
from watcher.store import recall, trail
from watcher.store.appraisals import Chance, enter
from watcher.store.entry import Entry, Seen
from watcher.store.history import record, record_failure
from watcher.store.open import Store, open_store
from watcher.store.tables import QUOTE
from watcher.units import MAX, WAD, Wad

ALL = Scope()
PARQUET = import_module("pyarrow.parquet")  # it has no types
CHANCES = {"1d": Chance(86_400, 0.031, 0.0017), "reaction": Chance(7_200, 0.001, None)}
HOSTILE = '=HYPERLINK("http://evil.example")'


def written(store: Store, scene: Scene) -> None:
    """Three good blocks, one that is unknown for a reason that a spreadsheet would run, one market error, one cycle without a block."""
    for number in (1, 2, 3):
        at = block(scene.chain, number)
        record(store, at, [scene.entry(at, number % 2, number - 1)], read_at=at.timestamp + 3)
    at = block(scene.chain, 4)
    unknown = Reading(scene.key, at, Status.UNKNOWN, None, HOSTILE)
    record(store, at, [Entry(scene.market, seen=(Seen(unknown, None),))], read_at=at.timestamp + 3)
    at = block(scene.chain, 5)
    record(store, at, [Entry(scene.market, error=Transient("node", "reset"))], read_at=at.timestamp + 3)
    record_failure(store, [scene.market], Transient("node", "refused"), read_at=BEGAN + 100)


def changed(scene: Scene, number: int) -> Transition:
    at = block(scene.chain, number)
    return Transition("t1", scene.key, at, at.timestamp + 3, None, Status.WARN, None, Wad(MAX), True, at.timestamp + 9)


@pytest.fixture
def scene() -> Scene:
    return Scene.of("aave_v3")


@pytest.fixture
def kept(tmp_path: Path, scene: Scene) -> Iterator[Store]:
    with open_store(tmp_path / "watcher.db", write=True, create=True) as store:
        written(store, scene)
        record(store, block(scene.chain, 3), [], read_at=0, transitions=[changed(scene, 3)])
        enter(store, scene.market, [appraised(scene, 2), appraised(scene, 3, chances=CHANCES, missing=(HOSTILE, "b"))])
        yield store


def exported(store: Store, sheet: Sheet, form: Form, scope: Scope = ALL) -> str:
    out = io.StringIO()
    with extract(store, sheet, scope) as found:
        write_text(out, form, SHEETS[sheet], found.rows, found.origin)
    return out.getvalue()


def lines(store: Store, sheet: Sheet, scope: Scope = ALL) -> list[dict[str, Any]]:
    return [json.loads(line) for line in exported(store, sheet, Form.JSONL, scope).splitlines()]


def test_every_reading_comes_out_to_the_last_unit(kept: Store, scene: Scene) -> None:
    stored = list(recall.readings(kept, scene.key.key))
    rows = lines(kept, Sheet.READINGS)
    assert len(rows) == len(stored) == 4
    for row, one in zip(rows, stored, strict=True):
        assert (row["block"], row["block_hash"], row["status"]) == (one.block.number, one.block.hash, one.status)
        exact = [None if value is None else str(value) for value in (one.health, one.collateral, one.debt)]
        assert [row["health_exact"], row["collateral_exact"], row["debt_exact"]] == exact
        assert row["health"] == (None if one.health is None else one.health / WAD)


def test_quotes_that_are_stored_as_differences_come_out_whole(
    kept: Store, scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(trail, "SMALL", 0)  # a paper market's are
    for number in range(6, 20):
        record(kept, block(scene.chain, number), [scene.entry(block(scene.chain, number), number)], read_at=1)
    with kept.read() as connection:
        assert any(base is not None for base in connection.scalars(select(QUOTE.c.base)))
    rows = lines(kept, Sheet.QUOTES)[-14:]
    assert [row["words"] for row in rows] == [words(scene.quote(number)) for number in range(6, 20)]


def test_what_is_unknown_has_no_number_and_says_why(kept: Store) -> None:
    last = lines(kept, Sheet.READINGS)[-1]
    assert (last["status"], last["reason"]) == ("unknown", HOSTILE)
    assert {last[name] for name in ("health", "health_exact", "collateral", "debt_exact")} == {None}


def test_an_appraisal_has_its_figures_and_no_number_where_none_was_told(kept: Store, scene: Scene) -> None:
    bare, told = lines(kept, Sheet.APPRAISALS)
    assert (told["equity"], told["equity_over_mm"], told["unit"]) == (R32.equity, R32.equity_over_mm, "USD")
    assert (told["chance_1d"], told["error_1d"], told["chance_7d"]) == (0.031, 0.0017, None)
    assert (told["reaction"], told["chance_reaction"], told["error_reaction"]) == (7_200, 0.001, None)
    assert (told["missing"], bare["missing"]) == (f"{HOSTILE}; b", None)
    assert {bare[name] for name in ("chance_1d", "var_1d", "model", "seed", "sigmas")} == {None}


@pytest.mark.parametrize("sheet", SOURCE)
def test_every_row_has_exactly_the_documented_columns(kept: Store, sheet: Sheet) -> None:
    names = [field.name for field in SHEETS[sheet]]
    rows = lines(kept, sheet)
    assert rows
    assert all(list(row) == names for row in rows)
    with extract(kept, sheet, ALL) as found:
        assert all(row.keys() == set(names) for row in found.rows)


@pytest.mark.parametrize("sheet", SOURCE)
def test_csv_json_and_parquet_say_the_same_as_jsonl(kept: Store, sheet: Sheet, tmp_path: Path) -> None:
    rows = lines(kept, sheet)
    assert json.loads(exported(kept, sheet, Form.JSON))["rows"] == rows
    path = tmp_path / "out.parquet"
    with extract(kept, sheet, ALL) as found:
        assert write(path, Form.PARQUET, SHEETS[sheet], found.rows, found.origin) == len(rows)
    table = PARQUET.read_table(path).to_pylist()
    in_csv = list(csv.DictReader(io.StringIO(exported(kept, sheet, Form.CSV))))
    assert len(table) == len(in_csv) == len(rows)
    for ours, other, cells in zip(rows, table, in_csv, strict=True):
        for field in SHEETS[sheet]:
            value, cell = other[field.name], cells[field.name]
            if field.kind is Kind.WORDS:
                value, cell = json.loads(value), json.loads(cell)
            elif field.kind is Kind.TIME and value is not None:
                value = f"{value:%Y-%m-%dT%H:%M:%SZ}"
            assert value == ours[field.name]
            if isinstance(ours[field.name], str) and not ours[field.name].startswith("="):
                assert cell == ours[field.name]
            elif ours[field.name] is None:
                assert cell == ""


def test_no_cell_of_a_csv_is_a_formula(kept: Store) -> None:
    rows = list(csv.DictReader(io.StringIO(exported(kept, Sheet.READINGS, Form.CSV))))
    assert rows[-1]["reason"] == "'" + HOSTILE
    assert not any(cell.startswith(("=", "+", "-", "@")) for row in rows for cell in row.values())


def test_the_head_says_chain_blocks_formula_and_programs(kept: Store, scene: Scene, tmp_path: Path) -> None:
    origin = json.loads(exported(kept, Sheet.READINGS, Form.JSON))["origin"]
    assert origin["blocks"] == [{"chain": scene.chain, "first": 1, "last": 4, "rows": 4}]
    assert origin["written_by"] == [origin["program"]]
    makeup = scene.adapter.makeup
    assert makeup is not None
    rules = makeup(scene.position.terms).rules
    assert [one["rules"] for one in origin["formulas"]] == [[{"from_block": 1, "rules": rules}]]
    assert {row["formula"] for row in lines(kept, Sheet.READINGS)} == {rules}
    path = tmp_path / "out.parquet"
    with extract(kept, Sheet.READINGS, ALL) as found:
        write(path, Form.PARQUET, SHEETS[Sheet.READINGS], found.rows, found.origin)
    layout = PARQUET.read_schema(path)
    assert json.loads(layout.metadata[b"watcher"]) == origin
    assert layout.field("health_exact").metadata[b"unit"] == b"wad: 1e18 is 1"


def test_facts_are_there_once_per_change_with_every_integer_as_text(kept: Store, scene: Scene) -> None:
    assert [row["block"] for row in lines(kept, Sheet.TERMS)] == [1]
    assert [row["block"] for row in lines(kept, Sheet.QUOTES)] == [1, 2, 3]
    assert [row["block"] for row in lines(kept, Sheet.HOLDINGS)] == [1, 2, 3]

    def numbers(value: Any) -> list[Any]:
        if isinstance(value, dict):
            return [found for one in value.values() for found in numbers(one)]
        if isinstance(value, list):
            return [found for one in value for found in numbers(one)]
        return [value] if isinstance(value, (int, float)) and not isinstance(value, bool) else []

    assert all(numbers(row["words"]) == [] for sheet in (Sheet.TERMS, Sheet.QUOTES) for row in lines(kept, sheet))


def test_a_transition_and_its_largest_health_survive(kept: Store) -> None:
    (row,) = lines(kept, Sheet.TRANSITIONS)
    assert (row["id"], row["before"], row["after"], row["health_exact"]) == ("t1", None, "warn", str(MAX))


def test_a_cycle_that_failed_is_in_the_cycles_with_its_error(kept: Store) -> None:
    rows = lines(kept, Sheet.CYCLES)
    assert [(row["block"], row["error_kind"]) for row in rows[-2:]] == [(5, "Transient"), (None, "Transient")]


def test_since_chain_market_and_account_narrow_what_comes(kept: Store, scene: Scene) -> None:
    assert [row["block"] for row in lines(kept, Sheet.READINGS, Scope(since=BEGAN + 36))] == [3, 4]
    assert lines(kept, Sheet.READINGS, Scope(chain=scene.chain + 1)) == []
    assert lines(kept, Sheet.READINGS, Scope(markets=("nowhere",))) == []
    assert lines(kept, Sheet.READINGS, Scope(account=scene.other().key)) == []
    assert len(lines(kept, Sheet.READINGS, Scope(0, scene.chain, (scene.market.name,), scene.key.key))) == 4


def test_memory_does_not_grow_with_the_rows(tmp_path: Path) -> None:
    """Thirty times the rows and not even twice the memory."""
    fields = (Field("n", Kind.COUNT, "", ""), Field("t", Kind.TEXT, "", ""))

    def peak(count: int) -> int:
        tracemalloc.start()
        rows = ({"n": n, "t": "x" * 100} for n in range(count))
        assert write(tmp_path / "out.csv", Form.CSV, fields, rows, {}) == count
        size = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return size

    assert peak(30_000) < 2 * peak(1_000)


def test_without_its_library_parquet_says_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(name: str) -> Any:
        raise ModuleNotFoundError(name)

    monkeypatch.setattr(writing, "import_module", missing)
    with pytest.raises(ConfigError, match=r"pip install 'lending-watcher\[export\]'"):
        write(tmp_path / "out.parquet", Form.PARQUET, SHEETS[Sheet.CYCLES], [], {})
    assert list(tmp_path.iterdir()) == []


def test_an_export_that_breaks_off_leaves_the_earlier_file(tmp_path: Path) -> None:
    path = tmp_path / "out.csv"
    path.write_text("earlier")

    def rows() -> Iterator[dict[str, Any]]:
        yield {"n": 1}
        raise sqlite3.OperationalError("gone")

    with pytest.raises(sqlite3.OperationalError):
        write(path, Form.CSV, (Field("n", Kind.COUNT, "", ""),), rows(), {})
    assert [one.name for one in tmp_path.iterdir()] == ["out.csv"]
    assert path.read_text() == "earlier"


def test_a_folder_that_is_not_there_is_a_usage_error(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="No such file"):
        write(tmp_path / "no" / "out.csv", Form.CSV, SHEETS[Sheet.CYCLES], [], {})
