"""A panel in a folder: gone on with after a crash, made again after a reorg, left alone after pruning; rows are never collected."""

from __future__ import annotations

import tracemalloc
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest

from tests.store.scene import Scene, block
from watcher.errors import UsageError
from watcher.export import partition
from watcher.export.panel import Grid, book, chosen, grid, panel
from watcher.export.partition import Day
from watcher.export.schema import SHEETS, Sheet
from watcher.model import BlockRef, PositionKey
from watcher.store import survey
from watcher.store.entry import Entry
from watcher.store.history import orphan, record
from watcher.store.open import Store, open_store
from watcher.store.survey import Book
from watcher.store.upkeep import prune

PARQUET = import_module("pyarrow.parquet")  # it has no types
HOUR, BLOCKS = 3_600, range(0, 18_000, 300)  # one block an hour, sixty of them


@pytest.fixture
def scene() -> Scene:
    return Scene.of("morpho_blue")


@pytest.fixture
def kept(tmp_path: Path, scene: Scene) -> Iterator[Store]:
    with open_store(tmp_path / "watcher.db", write=True, create=True) as store:
        keys = [PositionKey(scene.market.name, n.to_bytes(20, "big")) for n in (1, 2)]
        holdings = {key: scene.holding(0, key) for key in keys}
        made: Book[Any, Any, Any] = Book(scene.position.terms, scene.quote(0), holdings, block(scene.chain, BLOCKS[0]))
        survey.enter(store, scene.market, made, dict.fromkeys(keys, 0), [])
        for number in BLOCKS[1:]:
            step(store, scene, block(scene.chain, number))
        yield store


def step(store: Store, scene: Scene, at: BlockRef) -> None:
    entry = Entry(scene.market, scene.position.terms, scene.quote(at.number // 300 % 5), followed=True)
    record(store, at, [entry], read_at=at.timestamp)


def days(store: Store, scene: Scene, folder: Path) -> list[Day]:
    with store.read() as connection:
        place = chosen(connection, scene.market.name)
        return [Day(folder, place, day) for day in grid(connection, place, HOUR).days()]


def export(store: Store, scene: Scene, folder: Path) -> list[Path]:
    """The files that were made."""
    made = []
    for day in days(store, scene, folder):
        with store.read() as connection:
            if not day.finished(connection):
                day.write(connection, lambda time: None)
                made.append(day.path)
    return made


def test_the_grid_falls_into_utc_days() -> None:
    assert [list(one.times) for one in Grid(86_000, 180_000, 43_200).days()] == [[86_400, 129_600], [172_800]]


def test_only_the_day_that_is_not_over_is_made_again(kept: Store, scene: Scene, tmp_path: Path) -> None:
    folder = tmp_path / "panel"
    first = export(kept, scene, folder)
    assert len(first) == 4
    assert export(kept, scene, folder) == first[-1:]
    step(kept, scene, block(scene.chain, BLOCKS[-1] + 7_200))
    again = export(kept, scene, folder)
    assert again[0] == first[-1] and len(again) == 2


def test_a_crash_leaves_no_file_and_the_next_run_makes_it(
    kept: Store, scene: Scene, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "panel"
    seen: list[dict[str, Any]] = []

    def dying(*given: Any) -> Iterator[dict[str, Any]]:
        for row in panel(*given):
            if len(seen) == 30:
                raise KeyboardInterrupt
            seen.append(row)
            yield row

    monkeypatch.setattr(partition, "panel", dying)
    with pytest.raises(KeyboardInterrupt):
        export(kept, scene, folder)
    monkeypatch.undo()
    whole = [path for path in folder.rglob("*") if path.is_file()]
    assert len(whole) == 1
    assert len(export(kept, scene, folder)) == 3


def test_a_day_whose_blocks_a_reorg_took_back_is_made_again(kept: Store, scene: Scene, tmp_path: Path) -> None:
    folder = tmp_path / "panel"
    first = export(kept, scene, folder)
    orphan(kept, scene.chain, BLOCKS[30])
    for number in BLOCKS[31:]:
        step(kept, scene, block(scene.chain, number, fork=1))
    assert export(kept, scene, folder) == first[2:]  # block 31 is of the third day


def test_a_day_stays_as_it_was_written_when_its_blocks_are_pruned(kept: Store, scene: Scene, tmp_path: Path) -> None:
    folder = tmp_path / "panel"
    first = export(kept, scene, folder)
    before = PARQUET.ParquetFile(first[0]).read().to_pylist()
    end = block(scene.chain, BLOCKS[-1]).timestamp
    age = end - block(scene.chain, BLOCKS[20]).timestamp
    prune(kept, dict.fromkeys(("readings", "quotes", "terms", "holdings", "transitions", "cycles"), age), end)
    export(kept, scene, folder)
    assert PARQUET.ParquetFile(first[0]).read().to_pylist() == before
    assert before[0]["health_exact"] is not None


def test_a_file_that_is_no_panel_is_not_written_over(kept: Store, scene: Scene, tmp_path: Path) -> None:
    folder = tmp_path / "panel"
    (path,) = export(kept, scene, folder)[:1]
    path.write_bytes(b"something of mine")
    with pytest.raises(UsageError, match="in the way"):
        export(kept, scene, folder)
    assert path.read_bytes() == b"something of mine"


def test_every_row_has_the_documented_columns_and_none_is_collected(kept: Store, scene: Scene) -> None:
    with kept.read() as connection:
        place = chosen(connection, scene.market.name)
        times = grid(connection, place, 600)
        rows = panel(connection, place, times, lambda time: None)
        names = [field.name for field in SHEETS[Sheet.PANEL]]
        assert sorted(next(rows)) == sorted(names)
        for _ in range(40):
            next(rows)
        tracemalloc.start()
        count = sum(1 for _ in rows)
        most = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        assert count > 600
        assert most < 500_000
        _, members = book(connection, place, None)
        assert all(row.keys() == {field.name for field in SHEETS[Sheet.BOOK]} for row in members)
