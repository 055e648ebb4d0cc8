"""Appraisals on both databases: what was said comes back, only of blocks that stand, and goes with them."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.adapters.situations import AnyPosition
from tests.store.scene import Scene, block
from tests.store.test_history import put
from watcher.model import PositionKey
from watcher.store.appraisals import (
    Appraised,
    Chance,
    Figures,
    Foretold,
    Loss,
    course,
    enter,
    foretold,
    latest,
    latest_told,
)
from watcher.store.history import orphan
from watcher.store.open import Store
from watcher.store.upkeep import TABLES, problems, prune

R32 = Figures(8000.0, 3400.0, 3900.0, 1.38333, 2.35294, 0.425, 0.4875, 0.74534, 2.5, 0.6, 0.83)


def appraised(scene: Scene, number: int, **values: object) -> Appraised:
    return replace(Appraised(scene.key, block(scene.chain, number), R32), **values)  # type: ignore[arg-type]


@pytest.fixture
def scene(store: Store) -> Scene:
    """A market of its own name that was read at ten blocks."""
    made = Scene.of("morpho_blue")
    name = f"test/{made.chain}"
    made = replace(made, market=replace(made.market, name=name), position=named(made, name))
    for number in range(1, 11):
        put(store, made, number)
    return made


def named(scene: Scene, name: str) -> AnyPosition:
    position = scene.position
    terms = replace(position.terms, market=replace(scene.market, name=name))
    key = PositionKey(name, scene.key.key)
    return replace(position, terms=terms, holding=replace(position.holding, key=key))


def test_everything_that_was_said_comes_back(store: Store, scene: Scene) -> None:
    chances = {
        "1h": Chance(3_600, 0.0, 0.0),
        "1d": Chance(86_400, 0.031, 0.0017),
        "reaction": Chance(7_200, 0.001, None),
    }
    said = appraised(
        scene,
        3,
        sigmas=2.5,
        chances=chances,
        var_1d=Loss(120.5, 3.25),
        es_1d=Loss(200.0, None),
        model="fhs, 90 d",
        seed=2**62,
        missing=("chance_7d: too few prices of WETH",),
        details={"liquidation": {"0x01": 1204.8193}},
    )
    bare = appraised(scene, 4, margin=replace(R32, health=None, leverage=None))
    assert enter(store, scene.market, [said, bare]) == 2
    assert course(store, scene.key.key, block(scene.chain, 3).timestamp)[-2:] == (said, bare)
    assert latest(store, scene.chain) == {scene.key: bare}
    assert latest_told(store, scene.chain) == {scene.key: said}
    assert latest(store, scene.chain + 10**6) == {}


def test_what_is_there_stays_and_a_block_that_does_not_stand_takes_nothing(store: Store, scene: Scene) -> None:
    enter(store, scene.market, [appraised(scene, 3, seed=1)])
    enter(store, scene.market, [appraised(scene, 3, seed=2)])
    assert latest(store, scene.chain)[scene.key].seed == 1
    elsewhere = replace(appraised(scene, 4), block=block(scene.chain, 4, fork=1))
    unread = appraised(scene, 11)
    assert enter(store, scene.market, [elsewhere, unread]) == 0
    assert latest(store, scene.chain)[scene.key].block.number == 3
    assert problems(store) == ()


def test_chances_are_foretold_by_their_horizon_each_once(store: Store, scene: Scene) -> None:
    first = appraised(scene, 2, chances={"1d": Chance(86_400, 0.03, 0.001), "reaction": Chance(86_400, 0.03, 0.001)})
    second = appraised(scene, 5, chances={"30d": Chance(2_592_000, 0.2, 0.01), "1h": Chance(3_600, 0.0, 0.0)})
    enter(store, scene.market, [second, first, appraised(scene, 7)])
    times = [one.block.timestamp for one in (first, second)]
    assert list(foretold(store, scene.market.name)) == [
        Foretold(scene.key, times[0], 86_400, 0.03),
        Foretold(scene.key, times[1], 3_600, 0.0),
        Foretold(scene.key, times[1], 2_592_000, 0.2),
    ]
    assert {one for one in foretold(store) if one.key == scene.key} == set(foretold(store, scene.market.name))
    assert list(foretold(store, "test/nowhere")) == []


def test_no_figure_is_endless(store: Store, scene: Scene) -> None:
    for wrong in (appraised(scene, 3, sigmas=float("inf")), appraised(scene, 3, details={"x": float("nan")})):
        with pytest.raises(ValueError, match=r"no finite number|not JSON compliant"):
            enter(store, scene.market, [wrong])
    assert latest(store, scene.chain) == {}


def test_a_reorg_takes_them_with_their_blocks_and_age_takes_the_old(store: Store, scene: Scene) -> None:
    enter(store, scene.market, [appraised(scene, number) for number in (2, 5, 8)])
    orphan(store, scene.chain, 7)
    assert latest(store, scene.chain)[scene.key].block.number == 5
    now = block(scene.chain, 10).timestamp
    assert prune(store, {"appraisals": now - block(scene.chain, 3).timestamp}, now)["appraisals"] >= 1
    numbers = [one.block.number for one in course(store, scene.key.key) if one.key == scene.key]
    assert numbers == [5]


def test_a_block_stays_for_the_appraisal_that_stands_at_it(store: Store, scene: Scene) -> None:
    enter(store, scene.market, [appraised(scene, 2)])
    now = block(scene.chain, 10).timestamp
    removed = prune(store, {name: 0 for name in TABLES if name not in ("prices", "appraisals")}, now + 10**6)
    assert removed["blocks"] >= 5
    assert latest(store, scene.chain)[scene.key].block == block(scene.chain, 2)
