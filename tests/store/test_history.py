"""Blocks go in, and what was read at each of them comes out again, whatever came between."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, TypeAlias

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import Table, func, select, text, update

from tests.store.scene import Scene, block
from watcher.adapters import names
from watcher.errors import StoreError, Transient
from watcher.model import PositionKey
from watcher.store import recall
from watcher.store.entry import Entry, Missed, Seen
from watcher.store.history import orphan, record, record_failure
from watcher.store.open import Store
from watcher.store.tables import BLOCK, CYCLE, HOLDING, MARKET, POSITION, QUOTE, READING, TERMS

Step: TypeAlias = tuple[int, int, int, bool]
NUMBERS = st.integers(1, 25)
STEPS = st.lists(st.tuples(NUMBERS, st.integers(0, 2), st.integers(0, 2), st.booleans()) | NUMBERS, max_size=20)


def rows(store: Store, table: Table, scene: Scene) -> int:
    """How many rows of a table belong to the scene."""
    owned = select(func.count()).select_from(table)
    if "position_id" in table.c:
        owned = owned.join(POSITION).join(MARKET)
    elif "market_id" in table.c:
        owned = owned.join(MARKET)
    chain = BLOCK.c.chain if table is BLOCK else MARKET.c.chain
    with store.read() as connection:
        return int(connection.execute(owned.where(chain == scene.chain)).scalar_one())


def put(store: Store, scene: Scene, number: int, entry: Entry | None = None, **values: Any) -> None:
    at = block(scene.chain, number)
    record(store, at, [entry or scene.entry(at)], read_at=at.timestamp + 3, **values)


@pytest.mark.parametrize("protocol", names())
@given(steps=STEPS)
@settings(
    max_examples=settings().max_examples // 5,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
def test_every_recorded_block_gives_its_facts_again_whatever_the_order_of_writing(
    store: Store, protocol: str, steps: Sequence[Step | int]
) -> None:
    """A step is a block with the forms of its quote and holding, forwards or as a backfill; or a number whose followers are orphaned."""
    scene = Scene.of(protocol)
    truth: dict[int, tuple[int, int]] = {}
    for step in steps:
        if isinstance(step, int):
            orphan(store, scene.chain, step)
            truth = {number: forms for number, forms in truth.items() if number <= step}
        else:
            number, quote, holding, backfill = step
            put(store, scene, number, scene.entry(block(scene.chain, number), quote, holding), backfill=backfill)
            truth.setdefault(number, (quote, holding))
    for number in range(1, 27):
        known = max((n for n in truth if n <= number), default=None)
        found = recall.facts_at(store, scene.adapter, scene.market, scene.key, number)
        assert (None if found is None else found.kept.block.number) == known
    course = list(recall.course(store, scene.adapter, scene.market, scene.key))
    assert [found.kept.block.number for found in course] == sorted(truth)
    for found in course:
        quote, holding = truth[found.kept.block.number]
        assert (found.terms, found.quote) == (scene.position.terms, scene.quote(quote))
        assert found.holding == scene.holding(holding)
        again = scene.again(found)
        assert again.valuation is not None
        assert (again.valuation.health, again.valuation.collateral, again.valuation.debt) == (
            found.kept.health,
            found.kept.collateral,
            found.kept.debt,
        )
    assert rows(store, BLOCK, scene) == rows(store, CYCLE, scene) == rows(store, READING, scene) == len(truth)


def test_facts_are_written_when_their_words_change_and_not_before(store: Store) -> None:
    scene = Scene.of("aave_v3")
    for number, (quote, holding) in enumerate([(0, 0), (0, 0), (1, 0), (1, 0), (1, 1), (1, 1), (0, 1)], start=1):
        put(store, scene, number, scene.entry(block(scene.chain, number), quote, holding))
    assert [rows(store, table, scene) for table in (TERMS, QUOTE, HOLDING, READING)] == [1, 3, 2, 7]


def test_f48_the_same_block_again_changes_nothing(store: Store) -> None:
    scene = Scene.of("morpho_blue")
    put(store, scene, 1)
    before = list(recall.readings(store, scene.key.key))
    put(store, scene, 1)
    put(store, scene, 1, scene.entry(block(scene.chain, 1), 2, 2))
    assert list(recall.readings(store, scene.key.key)) == before
    assert rows(store, QUOTE, scene) == 1


def test_an_error_is_a_row_of_its_own_and_gives_way_to_a_later_reading_of_the_block(store: Store) -> None:
    scene, good = Scene.of("morpho_blue"), Scene.of("aave_v3")
    at = block(scene.chain, 5)
    failed = Entry(scene.market, error=Transient("node", "reset"))
    record(store, at, [failed], read_at=1)
    assert (rows(store, CYCLE, scene), rows(store, READING, scene)) == (1, 0)
    put(store, scene, 5)
    put(store, scene, 5, failed)
    assert (rows(store, CYCLE, scene), rows(store, READING, scene)) == (1, 1)
    with store.read() as connection:
        assert connection.scalars(select(CYCLE.c.error).join(MARKET).where(MARKET.c.chain == scene.chain)).all() == [
            None
        ]
    assert rows(store, CYCLE, good) == 0


def test_a_cycle_without_a_block_is_a_row_per_market(store: Store) -> None:
    scene = Scene.of("morpho_blue")
    for _ in range(2):
        record_failure(store, [scene.market], Transient("node", "refused"), read_at=7)
    with store.read() as connection:
        found = connection.execute(select(CYCLE).join(MARKET).where(MARKET.c.chain == scene.chain)).all()
    assert [(row.number, row.time, row.kind) for row in found] == [(None, 7, "Transient")] * 2


def test_a_position_that_joins_at_a_recorded_block_is_exact_only_if_it_saw_the_same_quote(store: Store) -> None:
    scene = Scene.of("aave_v3")
    at, late = block(scene.chain, 1), [scene.key, scene.other()]
    put(store, scene, 1)
    put(store, scene, 1, scene.entry(at, 1, keys=late))
    assert recall.facts_at(store, scene.adapter, scene.market, scene.other()) is None
    put(store, scene, 2)
    put(store, scene, 2, scene.entry(block(scene.chain, 2), keys=late))
    found = recall.facts_at(store, scene.adapter, scene.market, scene.other())
    assert found is not None and found.holding == scene.holding(0, scene.other())


def test_what_endpoints_differed_about_is_a_reading_without_facts(store: Store) -> None:
    scene = Scene.of("aave_v3")
    at = block(scene.chain, 1)
    put(store, scene, 1, Entry(scene.market, seen=(Seen(scene.reading(at, 0, 0), None),)))
    assert [kept.exact for kept in recall.readings(store, scene.key.key) if kept.block == at] == [False]
    assert recall.facts_at(store, scene.adapter, scene.market, scene.key) is None
    assert rows(store, QUOTE, scene) == rows(store, HOLDING, scene) == 0


def test_another_hash_for_a_stored_number_is_refused_whole_until_the_old_one_is_undone(store: Store) -> None:
    scene = Scene.of("morpho_blue")
    put(store, scene, 1)
    put(store, scene, 2)
    fork = block(scene.chain, 2, fork=1)
    with pytest.raises(StoreError, match="undo that one first"):
        record(store, fork, [scene.entry(fork)], read_at=1)
    orphan(store, scene.chain, 1)
    assert recall.cursor(store, scene.chain) == block(scene.chain, 1)
    record(store, fork, [scene.entry(fork)], read_at=1)
    assert recall.blocks(store, scene.chain) == (fork, block(scene.chain, 1))
    assert recall.cursor(store, scene.chain) == fork


def test_a_block_is_stored_whole_or_not_at_all(store: Store) -> None:
    scene = Scene.of("morpho_blue")
    at = block(scene.chain, 1)
    seen = Seen(scene.reading(at, 0, 0, scene.other()), object())  # no fact
    bad = Entry(scene.market, scene.position.terms, scene.quote(0), (seen,))
    with pytest.raises(TypeError):
        record(store, at, [scene.entry(at), bad], read_at=1)
    assert [rows(store, table, scene) for table in (BLOCK, MARKET, TERMS, READING)] == [0, 0, 0, 0]
    put(store, scene, 1)
    assert rows(store, READING, scene) == 1


def test_missed_blocks_stay_a_gap_and_a_backfill_moves_no_cursor(store: Store) -> None:
    scene = Scene.of("morpho_blue")
    gap = Missed(6, 9, "not running")
    put(store, scene, 5)
    put(store, scene, 10, missed=gap)
    put(store, scene, 10, missed=gap)
    put(store, scene, 7, backfill=True)
    assert recall.gaps(store, scene.chain) == (gap,)
    assert recall.cursor(store, scene.chain) == block(scene.chain, 10)
    kept = [kept for kept in recall.readings(store, scene.key.key) if kept.block.chain == scene.chain]
    assert [(one.block.number, one.backfilled) for one in kept] == [(5, False), (7, True), (10, False)]
    assert [seen.block.number for seen in recall.sightings(store, scene.key, scene.chain)] == [5, 10]


@pytest.mark.parametrize(
    ("ancestor", "left"),
    [
        (5, []),  # the block that ended the gap is gone, and with it that anything is known to be missing
        (7, [(6, 7)]),  # a block within the gap was read by a backfill: what is missing up to there stays missing
        (10, [(6, 9)]),
        (13, [(6, 9), (12, 12)]),
    ],
)
def test_a_reorg_takes_back_what_is_missing_after_its_ancestor_and_nothing_before(
    store: Store, ancestor: int, left: list[tuple[int, int]]
) -> None:
    scene, beside = Scene.of("morpho_blue"), Scene.of("morpho_blue")
    for number, missed in (
        (5, None),
        (10, Missed(6, 9, "not running")),
        (11, None),
        (13, Missed(12, 12, "late")),
    ):
        put(store, scene, number, missed=missed)
        put(store, beside, number, missed=missed)
    put(store, scene, 7, backfill=True)
    orphan(store, scene.chain, ancestor)
    assert [(gap.first, gap.last) for gap in recall.gaps(store, scene.chain)] == left
    assert [(gap.first, gap.last) for gap in recall.gaps(store, beside.chain)] == [(6, 9), (12, 12)]


def test_after_a_reorg_a_longer_gap_from_the_same_block_is_recorded_whole(store: Store) -> None:
    scene = Scene.of("morpho_blue")
    put(store, scene, 5)
    put(store, scene, 10, missed=Missed(6, 9, "not running"))
    orphan(store, scene.chain, 5)
    assert recall.cursor(store, scene.chain) == block(scene.chain, 5)
    fork, longer = block(scene.chain, 14, fork=1), Missed(6, 13, "a cycle came late")
    record(store, fork, [scene.entry(fork)], read_at=1, missed=longer)
    assert recall.gaps(store, scene.chain) == (longer,)
    assert [at.number for at in recall.blocks(store, scene.chain)] == [14, 5]


def test_the_fold_of_transitions_gets_back_the_sightings_that_it_gave(store: Store) -> None:
    scene = Scene.of("morpho_blue")
    for number in (1, 2, 3):
        put(store, scene, number, scene.entry(block(scene.chain, number), number))
    given_ = [scene.sighting(block(scene.chain, number), number, 0) for number in (2, 3)]
    assert list(recall.sightings(store, scene.key, scene.chain, since=2)) == given_


def test_readings_can_be_thinned_to_one_a_period(store: Store) -> None:
    scene = Scene.of("morpho_blue")
    for number in range(1, 21):  # four minutes
        put(store, scene, number)
    kept = [one.block for one in recall.readings(store, scene.key.key, every=60) if one.block.chain == scene.chain]
    assert len({at.timestamp // 60 for at in kept}) == len(kept) == 5
    since = block(scene.chain, 11).timestamp
    course = recall.course(store, scene.adapter, scene.market, scene.key, since=since)
    assert [one.kept.block.number for one in course] == list(range(11, 21))


def test_a_market_that_is_renamed_keeps_its_history(store: Store) -> None:
    scene = Scene.of("morpho_blue")
    put(store, scene, 1)
    market = replace(scene.market, name="ethereum/renamed")
    terms = replace(scene.position.terms, market=market)
    renamed = Scene(
        scene.chain,
        market,
        replace(scene.position, terms=terms, holding=scene.holding(0, PositionKey(market.name, scene.key.key))),
    )
    put(store, renamed, 2)
    course = list(recall.course(store, scene.adapter, market, renamed.key))
    assert [one.kept.key.market for one in course] == [market.name] * 2
    assert [one.terms.market.name for one in course] == [scene.market.name, market.name]


@pytest.mark.parametrize(
    ("column", "value"), [("status", "'fine'"), ("doubts", "'[[\"stale\"]]'"), ("doubts", "'5'"), ("doubts", "'['")]
)
def test_f67_a_value_that_watcher_never_writes_is_refused_and_not_guessed(
    store: Store, column: str, value: str
) -> None:
    scene = Scene.of("morpho_blue")
    put(store, scene, 1)
    mine = select(POSITION.c.id).join(MARKET).where(MARKET.c.chain == scene.chain)
    with store.write() as connection:
        connection.execute(update(READING).where(READING.c.position_id.in_(mine)).values({column: text(value)}))
    with pytest.raises(StoreError, match="holds what watcher never writes"):
        recall.facts_at(store, scene.adapter, scene.market, scene.key)
    orphan(store, scene.chain, 0)
