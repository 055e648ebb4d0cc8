"""A doubt that comes up later stays with the reading that it is about, and changes nothing else."""

from __future__ import annotations

from dataclasses import replace

from tests.store.scene import Scene, block
from watcher.model import Doubt, DoubtKind
from watcher.store import doubts, recall
from watcher.store.history import record
from watcher.store.open import Store
from watcher.store.recall import Kept

FOUND = Doubt(DoubtKind.MISMATCH, "block 1, asked of node: debt: the contract says 5, we compute 4")


def kept(store: Store, scene: Scene) -> list[Kept]:
    return [one for one in recall.readings(store, scene.key.key) if one.block.chain == scene.chain]


def test_a_doubt_is_added_once_to_one_reading_and_nothing_else_changes(store: Store) -> None:
    scene = Scene.of("morpho_blue")
    for number in (1, 2):
        at = block(scene.chain, number)
        record(store, at, [scene.entry(at)], read_at=at.timestamp)
    first, second = kept(store, scene)
    for _ in range(2):
        doubts.add(store, scene.market, scene.key, 1, FOUND)
    assert kept(store, scene) == [replace(first, doubts=(*first.doubts, FOUND)), second]
    another = Doubt(DoubtKind.MISMATCH, "another")
    doubts.add(store, scene.market, scene.key, 1, another)
    assert kept(store, scene)[0].doubts == (*first.doubts, FOUND, another)


def test_a_doubt_about_a_reading_that_is_gone_is_nothing(store: Store) -> None:
    scene = Scene.of("aave_v3")
    at = block(scene.chain, 1)
    record(store, at, [scene.entry(at)], read_at=at.timestamp)
    before = kept(store, scene)
    doubts.add(store, scene.market, scene.key, 9, FOUND)
    doubts.add(store, scene.market, scene.other(), 1, FOUND)
    assert kept(store, scene) == before
