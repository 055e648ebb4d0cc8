"""What `watcher export` and `watcher history` take out of a store is the same on both databases."""

from __future__ import annotations

import pytest

from tests.store.scene import BEGAN, Scene, block
from tests.store.test_appraisals import appraised
from watcher.cli.history.at import Moment, at_block, block_at
from watcher.cli.history.course import courses, places
from watcher.errors import Transient
from watcher.export.read import SOURCE, Scope, extract
from watcher.export.schema import Sheet
from watcher.model import Status, Transition
from watcher.store import recall
from watcher.store.appraisals import enter
from watcher.store.entry import Entry, Missed
from watcher.store.history import record, record_failure
from watcher.store.open import Store
from watcher.units import MAX, Wad

COUNTS = {
    Sheet.READINGS: 3,
    Sheet.HOLDINGS: 2,
    Sheet.QUOTES: 2,
    Sheet.TERMS: 1,
    Sheet.TRANSITIONS: 1,
    Sheet.CYCLES: 5,
    Sheet.APPRAISALS: 2,
}


@pytest.fixture
def scene(store: Store) -> Scene:
    """Readings at blocks 1, 2 and 6, two of them appraised, a failure at 3, nobody at 4 and 5, and a cycle without a block."""
    made = Scene.of("morpho_blue")
    for number in (1, 2, 3, 6):
        at = block(made.chain, number)
        late = number == 6
        entry = Entry(made.market, error=Transient("node", "reset")) if number == 3 else made.entry(at, late, late)
        missed = Missed(4, 5, "off") if late else None
        changed = Transition(
            f"t{made.chain}", made.key, at, at.timestamp, None, Status.WARN, None, Wad(MAX), True, at.timestamp
        )
        record(store, at, [entry], read_at=at.timestamp, missed=missed, transitions=[changed] if late else [])
    record_failure(store, [made.market], Transient("node", "refused"), read_at=BEGAN + 100)
    enter(store, made.market, [appraised(made, number) for number in (1, 6)])
    return made


@pytest.mark.parametrize("sheet", SOURCE)
def test_every_sheet_has_its_rows_in_order(store: Store, scene: Scene, sheet: Sheet) -> None:
    with extract(store, sheet, Scope(chain=scene.chain)) as found:
        rows = list(found.rows)
    assert len(rows) == COUNTS[sheet] == found.origin["blocks"][0]["rows"]
    numbers = [row["block"] for row in rows if row["block"] is not None]
    assert numbers == sorted(numbers)
    if sheet is Sheet.TRANSITIONS:
        assert rows[0]["health_exact"] == MAX


def test_the_course_and_every_block_of_it(store: Store, scene: Scene) -> None:
    (place,) = places(store, scene.key.key, scene.chain)
    (course,) = courses(store, [place], scene.key.key, BEGAN, 0)
    assert [(point.block, point.status is Status.UNKNOWN) for point in course] == [
        (1, False),
        (2, False),
        (3, True),
        (None, True),  # the gap begins when the last block before it was made
        (6, False),
        (None, True),
    ]
    kept = {one.block.number: one for one in recall.readings(store, scene.key.key) if one.block.chain == scene.chain}
    for number in (1, 2, 6):
        seen = at_block(store, place, number)
        assert isinstance(seen, Moment)
        assert seen.reading.valuation is not None
        assert seen.reading.valuation.health == kept[number].health
    assert [isinstance(at_block(store, place, number), str) for number in (3, 4, 5, 7)] == [True] * 4
    assert block_at(store, scene.chain, BEGAN + 12 * 2) == 2
    assert block_at(store, scene.chain, BEGAN + 12 * 2 + 1) == 2
    assert block_at(store, scene.chain, BEGAN + 12 * 3 + 1) == 5  # any block of the gap may be meant
    assert block_at(store, scene.chain, BEGAN + 12 * 6 + 1) is None
