"""Stored chances against what the store says happened, in a store made by hand."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest

from tests.store.scene import BEGAN, Scene, block
from watcher.__main__ import main
from watcher.errors import AnswerError
from watcher.model import BlockRef, Reading, Status
from watcher.store.appraisals import Appraised, Chance, Figures, enter
from watcher.store.entry import Entry, Missed, Seen
from watcher.store.follow import stands
from watcher.store.history import market_id, record
from watcher.store.open import Store, open_store

HOUR = 3_600
TURN = 150  # blocks between two readings: half an hour
FIGURES = Figures(8000.0, 3400.0, 3900.0, 1.38333, 2.35294, 0.425, 0.4875, 0.74534, 2.5, 0.6, 0.83)


@pytest.fixture(autouse=True)
def nowhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No file of the user's own is seen."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    for name in ("WATCHER_CONFIG", "WATCHER_DB"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def scene() -> Scene:
    """A loan that a fall by 99 % makes liquidatable."""
    return lent(Scene.of("morpho_blue"), 10**6)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with open_store(tmp_path / "watcher.db", write=True, create=True) as made:
        yield made


def lent(scene: Scene, shares: int) -> Scene:
    held = replace(scene.position.holding, borrow_shares=shares, collateral=10**15)
    return replace(scene, position=replace(scene.position, holding=held))


def at(scene: Scene, turn: int) -> BlockRef:
    return block(scene.chain, turn * TURN)


def fallen(scene: Scene) -> int:
    """The form of a quote under which it is liquidatable."""
    price = next(price for price in scene.adapter.prices(scene.position.terms, scene.position.quote) if price.answer)
    assert price.answer is not None
    return -price.answer * 99 // 100


def turn(store: Store, scene: Scene, number: int, quote: int = 0, **values: Any) -> None:
    here = at(scene, number)
    record(store, here, [scene.entry(here, quote)], read_at=here.timestamp + 3, **values)


def tell(store: Store, scene: Scene, number: int, chance: float, horizon: int = HOUR) -> None:
    said = Appraised(scene.key, at(scene, number), FIGURES, chances={"1h": Chance(horizon, chance, None)})
    assert enter(store, scene.market, [said]) == 1


def told(capsys: pytest.CaptureFixture[str], *line: str, code: int = 0) -> list[dict[str, Any]]:
    capsys.readouterr()
    assert main(["backtest", "--calibration", "--db", "watcher.db", "--format", "json", *line]) == code
    return list(json.loads(capsys.readouterr().out))


def hours(store: Store, scene: Scene, count: int, falls: set[int], chance: float) -> None:
    """So many hours of two readings, at the first of which a chance is told; in `falls` the price is down for the second."""
    down = fallen(scene)
    for number in range(2 * count + 1):
        turn(store, scene, number, down if number % 2 and number // 2 in falls else 0)
        if number % 2 == 0:
            tell(store, scene, number, chance)


def test_chances_that_came_true_as_often_as_told_are_kept(
    capsys: pytest.CaptureFixture[str], store: Store, scene: Scene
) -> None:
    hours(store, scene, 32, falls={4, 9, 17}, chance=0.1)
    (found,) = told(capsys)
    assert (found["kind"], found["horizon"], found["count"], found["happened"]) == ("calibration", "3600", "32", "3")
    assert float(found["brier"]) == pytest.approx((3 * 0.9**2 + 29 * 0.1**2) / 32)
    (bucket,) = found["buckets"]
    assert (bucket["low"], bucket["high"], bucket["happened"], bucket["kept"]) == ("0.05", "0.2", "3", True)
    assert float(bucket["expected"]) == pytest.approx(3.2)
    assert found["left"] == {"its time is not over, or the watching ended before": "1"}
    assert main(["backtest", "--calibration", "--db", "watcher.db"]) == 0
    out = capsys.readouterr().out
    assert "chances to reach the line within 1 h" in out
    assert "5–20 %" in out
    assert "FAILS" not in out


def test_chances_that_were_told_too_low_fail(capsys: pytest.CaptureFixture[str], store: Store, scene: Scene) -> None:
    hours(store, scene, 32, falls={4, 9, 17}, chance=0.005)
    (found,) = told(capsys)
    assert found["kept"] is False
    assert main(["backtest", "--calibration", "--db", "watcher.db"]) == 0
    (line,) = (line for line in capsys.readouterr().out.splitlines() if line.startswith("0–1 %"))
    assert line.endswith("FAILS")


def test_under_thirty_the_count_is_all_that_is_said(
    capsys: pytest.CaptureFixture[str], store: Store, scene: Scene
) -> None:
    assert "0 of 30" in told(capsys, code=4)[0]["reason"]
    hours(store, scene, 12, falls={4}, chance=0.1)
    (found,) = told(capsys, code=4)
    assert (found["kind"], found["what"]) == ("refused", "the chance within 1 h")
    assert found["reason"].startswith("12 of 30 chances")


def test_what_nobody_watched_or_could_read_does_not_count(
    capsys: pytest.CaptureFixture[str], store: Store, scene: Scene
) -> None:
    """A gap in the second hour, a market that failed in the fourth, a position of no known worth in the fifth; the others count."""
    for number in range(11):
        here = at(scene, number)
        missed = Missed(here.number - 50, here.number - 10, "the watcher was off") if number == 3 else None
        if number == 7:
            failed = Entry(scene.market, error=AnswerError("no answer"))
            record(store, here, [failed], read_at=here.timestamp + 3)
        elif number == 9:
            lost = Seen(Reading(scene.key, here, Status.UNKNOWN, None, "no price"), None)
            record(store, here, [replace(scene.entry(here), seen=(lost,))], read_at=here.timestamp + 3)
        else:
            turn(store, scene, number, missed=missed)
        if number % 2 == 0:
            tell(store, scene, number, 0.1)
    (found,) = told(capsys, code=4)
    assert found["reason"].startswith("2 of 30")
    assert "1 × the position could not be told in its time" in found["reason"]
    assert "2 × nobody watched all of its time" in found["reason"]


def test_a_market_that_is_read_without_the_position_does_not_watch_it_unless_it_is_followed(
    capsys: pytest.CaptureFixture[str], store: Store, scene: Scene
) -> None:
    """In the second hour the wallet was not asked for; in the fourth nobody of the book had moved."""
    for number in range(11):
        here = at(scene, number)
        if number in (3, 7):
            alone = replace(scene.entry(here), seen=(), followed=number == 7)
            record(store, here, [alone], read_at=here.timestamp + 3)
        else:
            turn(store, scene, number)
        if number == 5:
            with store.write() as connection:
                stands(connection, market_id(connection, scene.market), here)
        if number % 2 == 0:
            tell(store, scene, number, 0.1)
    (found,) = told(capsys, code=4)
    assert found["reason"].startswith("4 of 30")
    assert "1 × nobody watched all of its time" in found["reason"]
    since = f"{datetime.fromtimestamp(at(scene, 4).timestamp, UTC):%Y-%m-%dT%H:%M:%S}"
    assert told(capsys, "--since", since, code=4)[0]["reason"].startswith("3 of 30")
    assert told(capsys, "--until", since, code=4)[0]["reason"].startswith("2 of 30")


def test_who_repays_in_the_very_block_of_the_fall_was_at_the_line(
    capsys: pytest.CaptureFixture[str], store: Store, scene: Scene
) -> None:
    """No reading is liquidatable: what was held before, at the prices after, is."""
    hours(store, scene, 30, falls=set(), chance=0.1)
    turn(store, lent(scene, 0), 61, fallen(scene))
    turn(store, lent(scene, 0), 62)
    (found,) = told(capsys)
    assert (found["count"], found["happened"], found["moved"]) == ("31", "1", "1")


def test_who_changes_amounts_in_calm_was_not(capsys: pytest.CaptureFixture[str], store: Store, scene: Scene) -> None:
    hours(store, scene, 30, falls=set(), chance=0.1)
    for number in (61, 62):
        turn(store, lent(scene, 10**3), number)
    (found,) = told(capsys)
    assert (found["count"], found["happened"], found["moved"]) == ("31", "0", "1")


def test_a_table_of_prices_is_followed_by_the_chances(
    capsys: pytest.CaptureFixture[str], store: Store, scene: Scene
) -> None:
    hours(store, scene, 12, falls=set(), chance=0.1)
    assert main(["backtest", "--db", "watcher.db"]) == 4
    err = capsys.readouterr().err
    assert "nothing is stored of any pair" in err
    assert "12 of 30 chances" in err
    assert BEGAN % HOUR != 0  # horizons are from the block on, not of the clock


def test_csv_and_parquet_hold_a_row_for_each_bucket(
    capsys: pytest.CaptureFixture[str], store: Store, scene: Scene, tmp_path: Path
) -> None:
    hours(store, scene, 31, falls={3}, chance=0.1)
    line = ["backtest", "--calibration", "--db", "watcher.db", "--format", "csv", "--parquet", "told.parquet"]
    assert main(line) == 0
    head, row = capsys.readouterr().out.splitlines()
    assert dict(zip(head.split(","), row.split(","), strict=True))["happened"] == "1"
    (kept,) = import_module("pyarrow.parquet").read_table(tmp_path / "told.parquet").to_pylist()
    assert (kept["horizon"], kept["count"], kept["happened"], kept["kept"]) == (HOUR, 31, 1, True)
