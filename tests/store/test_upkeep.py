"""Keeping a store: what is old goes and nothing that is still needed, copies are whole, and the growth is told."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from sqlalchemy import delete, select, update

from tests.store.scene import Scene, block
from tests.store.test_history import put, rows
from watcher.errors import StoreError, Transient
from watcher.model import Status, Transition
from watcher.store import deliveries, outbox, recall
from watcher.store.history import record_failure
from watcher.store.open import Store, copy, open_store
from watcher.store.tables import BLOCK, CYCLE, HOLDING, QUOTE, READING
from watcher.store.upkeep import TABLES, growth, problems, prune

END = 40


@pytest.fixture
def scene(store: Store) -> Scene:
    """Forty blocks: the quote changes at every fourth, the holding at every tenth."""
    made = Scene.of("aave_v3")
    for number in range(1, END + 1):
        put(store, made, number, made.entry(block(made.chain, number), number // 4, number // 10 % 2))
    return made


def course(store: Store, scene: Scene) -> list[int]:
    """The blocks whose readings come out of their facts again, all compared."""
    found = list(recall.course(store, scene.adapter, scene.market, scene.key))
    for one in found:
        again = scene.again(one).valuation
        assert again is not None and (again.health, again.debt) == (one.kept.health, one.kept.debt)
    return [one.kept.block.number for one in found]


def age(scene: Scene, number: int) -> int:
    """Seconds from a block to the last one."""
    return block(scene.chain, END).timestamp - block(scene.chain, number).timestamp


def now(scene: Scene) -> int:
    return block(scene.chain, END).timestamp


def test_old_readings_go_and_the_others_are_still_exact(store: Store, scene: Scene) -> None:
    removed = prune(store, {"readings": age(scene, 21)}, now(scene))
    assert removed["readings"] >= 20
    assert course(store, scene) == list(range(21, END + 1))
    assert rows(store, QUOTE, scene) == 11


def test_facts_that_still_held_stay_and_readings_before_them_are_no_longer_exact(store: Store, scene: Scene) -> None:
    prune(store, {"quotes": age(scene, 21), "terms": 0, "holdings": None}, now(scene))
    assert course(store, scene) == list(range(20, END + 1))  # the quote of block 20 held at 21
    assert rows(store, READING, scene) == END
    assert rows(store, HOLDING, scene) == 5
    prune(store, {"holdings": age(scene, 35)}, now(scene))
    assert course(store, scene) == list(range(30, END + 1))


def test_with_every_table_pruned_blocks_go_that_nothing_stands_at(store: Store, scene: Scene) -> None:
    prune(store, dict.fromkeys(TABLES, age(scene, 31)), now(scene))
    assert course(store, scene) == list(range(31, END + 1))
    with store.read() as connection:
        left = set(connection.scalars(select(BLOCK.c.number).where(BLOCK.c.chain == scene.chain)))
    assert left >= set(range(31, END + 1))
    assert len(left) <= 13  # and those of facts that still hold
    assert problems(store) == ()


def test_a_table_that_is_not_there_is_a_bug_of_the_caller(store: Store) -> None:
    with pytest.raises(KeyError):
        prune(store, {"rumours": 1}, 0)


def test_cycles_without_a_block_go_by_the_watchers_clock(store: Store) -> None:
    scene = Scene.of("morpho_blue")
    for time in (100, 200):
        record_failure(store, [scene.market], Transient("node", "refused"), read_at=time)
    prune(store, {"cycles": 50}, 200)
    assert rows(store, CYCLE, scene) == 1


def test_a_transition_that_is_still_to_be_told_or_by_which_a_position_stands_is_not_pruned(
    store: Store, scene: Scene
) -> None:
    at = block(scene.chain, 2)
    said = [
        Transition(f"{scene.chain}-{n}", scene.key, at, 1, None, Status.WARN, None, None, True, due=1)
        for n in (1, 2, 3)
    ]
    put(store, scene, 2, transitions=said, channels=["mail"])
    deliveries.mark(store, "mail", [said[0].id], "sent", 1)
    prune(store, {"transitions": 10}, now(scene))
    assert outbox.transitions(store, chain=scene.chain) == tuple(said[1:])
    deliveries.mark(store, "mail", [one.id for one in said[1:]], "parked", 1)
    prune(store, {"transitions": 10}, now(scene))
    assert outbox.transitions(store, chain=scene.chain) == (said[2],)


def test_a_copy_made_in_the_middle_of_a_write_is_whole(tmp_path: Path) -> None:
    scene = Scene.of("morpho_blue")
    with open_store(tmp_path / "a.db", write=True, create=True) as store:
        put(store, scene, 1)
        with store.write() as connection:
            connection.execute(delete(READING))
            copy(store, tmp_path / "b.db")
    with open_store(tmp_path / "b.db", write=True) as copied:
        assert rows(copied, READING, scene) == 1
        put(copied, scene, 2)
        assert problems(copied) == ()
    assert sorted(path.name for path in tmp_path.iterdir() if "lock" not in path.name) == ["a.db", "b.db"]


def test_a_postgresql_store_is_copied_by_its_own_tools(postgres: str, tmp_path: Path) -> None:
    with open_store(postgres, write=True, create=True) as store, pytest.raises(StoreError, match="pg_dump"):
        copy(store, tmp_path / "b.db")


def test_f46_rows_without_their_block_or_facts_are_found(db: str) -> None:
    scene = Scene.of("aave_v3")
    with open_store(db, write=True, create=True) as store:
        for number in (1, 2, 3):
            put(store, scene, number)
        assert problems(store) == ()
        with store.write() as connection:
            connection.execute(delete(BLOCK).where(BLOCK.c.number == 3))
            connection.execute(update(HOLDING).values(number=2))
        assert problems(store) == (
            "1 readings stand at a block that is not stored",
            "1 cycles stand at a block that is not stored",
            "1 cursors stand at a block that is not stored",
            "1 readings have lost their holding",
        )


def test_growth_is_told_by_size_and_time(tmp_path: Path) -> None:
    scene = Scene.of("morpho_blue")
    path = tmp_path / "a.db"
    with open_store(path, write=True, create=True) as store:
        assert growth(store).month is None
        for number in range(1, 602, 20):  # two hours
            put(store, scene, number, scene.entry(block(scene.chain, number)))
        grown = growth(store)
    assert grown.month is not None
    assert abs(grown.month - grown.size * 30 * 12) <= 30 * 12
    with closing(sqlite3.connect(path)) as connection:
        pages, size = (connection.execute(f"PRAGMA {name}").fetchone()[0] for name in ("page_count", "page_size"))
    assert grown.size <= pages * size
