"""Why positions moved, beside their risk: what the store knows of the day before, and what it does not is said."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from pathlib import Path

from tests.cli.risk.scene import held
from tests.store.scene import Scene, block
from watcher.cli.explain.record import Explained
from watcher.cli.explain.sheet import steps
from watcher.cli.options import Options
from watcher.cli.risk.causes import causes, lines, records
from watcher.config.risk import DAY
from watcher.store.history import record
from watcher.store.open import open_store

STEP = 12  # seconds between the scene's blocks


def test_without_a_store_nobody_is_asked_and_it_is_said(tmp_path: Path) -> None:
    told = asyncio.run(causes([], tmp_path / "none.db", Options()))
    assert told == ()
    assert list(lines(told)) == [
        "why it moved: the store has no past of these positions (watcher run and backfill record it)"
    ]


def test_a_store_that_never_saw_the_position_explains_nothing(tmp_path: Path) -> None:
    with open_store(tmp_path / "w.db", write=True, create=True):
        pass
    assert asyncio.run(causes([held("ethereum/toy/one")], tmp_path / "w.db", Options())) == ()


def test_the_day_before_is_explained_to_the_last_unit(tmp_path: Path) -> None:
    scene = Scene.of("aave_v3")
    first, last = block(scene.chain, 100), block(scene.chain, 100 + 2 * DAY // STEP)
    with open_store(tmp_path / "w.db", write=True, create=True) as store:
        for at, quote in ((first, 0), (last, 5)):
            record(store, at, [scene.entry(at, quote, 0)], read_at=at.timestamp + 3)
    one = held(scene.key.market)
    one = replace(one, row=replace(one.row, reading=replace(one.row.reading, key=scene.key, block=last)))
    (told,) = asyncio.run(causes([one], tmp_path / "w.db", Options()))
    assert isinstance(told, Explained)
    ends = [scene.reading(at, quote, 0).valuation for at, quote in ((first, 0), (last, 5))]
    moved = [worth.line.weighted - worth.line.owed for worth in ends if worth is not None]
    assert sum(size for _, size in steps(told.pieces)) == moved[1] - moved[0]
    (line,) = lines((told,))
    assert line.startswith(f"why {scene.key.market} moved in a day, block {first.number} to {last.number}: health ")
    (found,) = records((told,))
    assert (found["kind"], found["from"]["block"], found["to"]["block"]) == ("risk_cause", first.number, last.number)


def test_a_reason_is_a_record_of_its_own() -> None:
    assert list(records(("m: pruned",))) == [{"kind": "risk_cause", "reason": "m: pruned"}]
    assert list(lines(("m: pruned",))) == ["why it moved is not known: m: pruned"]
