"""`watcher history`: the past out of the store alone. What is unknown stays unknown, every health is what was read, to the last unit."""

from __future__ import annotations

import csv
import io
import json
import shutil
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select, update

from tests.store.scene import BEGAN, Scene, block
from watcher.__main__ import main
from watcher.cli.history.course import Point, courses, places, thinned
from watcher.cli.history.picture import course, marks
from watcher.cli.history.spark import Bar, chart, columns
from watcher.errors import Transient
from watcher.health.bands import VOLATILE
from watcher.model import Doubt, DoubtKind, Reading, Status, Transition
from watcher.plots.health import Kind, Mark, Stretch
from watcher.store import recall
from watcher.store.entry import Entry, Missed, Seen
from watcher.store.history import orphan, record
from watcher.store.open import open_store
from watcher.store.tables import READING
from watcher.units import WAD, Wad

BANDS = {"line": WAD, "watch": 150 * WAD // 100}


@pytest.fixture(autouse=True)
def bare(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Nobody's watcher.toml is found."""
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("WATCHER_CONFIG", raising=False)
    monkeypatch.delenv("WATCHER_DB", raising=False)


@pytest.fixture(scope="module", params=["aave_v3", "morpho_blue"])
def scene(request: pytest.FixtureRequest) -> Scene:
    return Scene.of(request.param)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory, scene: Scene) -> Path:
    """Blocks 1 to 20 every ten minutes' worth, with changes; 8 disputed, 10 unknown, 12 a failed market, 14 to 16 unwatched."""
    path = tmp_path_factory.mktemp("made") / "watcher.db"
    with open_store(path, write=True, create=True) as store:
        for number in (*range(1, 14), *range(17, 21)):
            at = block(scene.chain, 50 * number)
            entry = scene.entry(at, number // 3, number // 7)
            if number == 8:
                doubt = Doubt(DoubtKind.DISPUTED, "two endpoints differ")
                seen = scene.reading(at, 2, 1)
                entry = Entry(
                    scene.market, seen=(Seen(Reading(seen.key, at, seen.status, seen.valuation, None, (doubt,)), None),)
                )
            elif number == 10:
                entry = Entry(
                    scene.market, seen=(Seen(Reading(scene.key, at, Status.UNKNOWN, None, "no price"), None),)
                )
            elif number == 12:
                entry = Entry(scene.market, error=Transient("node", "reset"))
            missed = Missed(651, 849, "the watcher was off") if number == 17 else None
            record(store, at, [entry], read_at=at.timestamp + 3, missed=missed)
    return path


@pytest.fixture
def db(tmp_path: Path, made: Path) -> str:
    """A copy of it."""
    return str(shutil.copy(made, tmp_path / "watcher.db"))


def said(capsys: pytest.CaptureFixture[str], db: str, scene: Scene, *line: str, code: int = 0) -> str:
    assert main(["history", f"0x{scene.key.key.hex()}", "--db", db, "--quiet", "--since", "2023-01-01", *line]) == code
    return capsys.readouterr().out


def rows(capsys: pytest.CaptureFixture[str], db: str, scene: Scene, *line: str, code: int = 0) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(said(capsys, db, scene, *line, "--format", "json", code=code))
    return found


def test_at_every_recorded_block_the_health_is_what_was_read(
    capsys: pytest.CaptureFixture[str], db: str, scene: Scene
) -> None:
    with open_store(db) as store:
        kept = [one for one in recall.readings(store, scene.key.key) if one.exact]
    assert len(kept) == 14
    for one in kept:
        (row,) = rows(capsys, db, scene, "--at", str(one.block.number))
        assert (row["block"], row["health"], row["collateral"], row["debt"]) == tuple(
            str(value) for value in (one.block.number, one.health, one.collateral, one.debt)
        )


def test_it_says_since_which_blocks_the_words_stood(capsys: pytest.CaptureFixture[str], db: str, scene: Scene) -> None:
    (row,) = rows(capsys, db, scene, "--at", "250")
    assert (row["terms_since"], row["quote_since"], row["holding_since"]) == ("50", "150", "50")
    (row,) = rows(capsys, db, scene, "--at", "1000")
    assert (row["terms_since"], row["quote_since"], row["holding_since"]) == ("50", "900", "850")


def test_between_two_reads_the_earlier_block_is_named(
    capsys: pytest.CaptureFixture[str], db: str, scene: Scene
) -> None:
    (row,) = rows(capsys, db, scene, "--at", "249")
    assert (row["asked"], row["block"]) == ("249", "200")
    when = f"{datetime.fromtimestamp(BEGAN + 12 * 249, UTC):%Y-%m-%dT%H:%M:%S}"
    (dated,) = rows(capsys, db, scene, "--at", when)
    assert (dated["block"], dated["health"]) == ("200", row["health"])


def test_a_date_within_a_gap_is_unknown_though_the_block_before_it_was_read(
    capsys: pytest.CaptureFixture[str], db: str, scene: Scene
) -> None:
    when = f"{datetime.fromtimestamp(BEGAN + 12 * 700, UTC):%Y-%m-%dT%H:%M:%S}"
    (row,) = rows(capsys, db, scene, "--at", when, code=4)
    assert (row["asked"], row["status"], row["health"]) == (when + "Z", "unknown", None)
    assert "nobody watched blocks 651 to 849" in row["note"]


@pytest.mark.parametrize(
    ("at", "why"),
    [
        (10, "nothing was read"),
        (400, "endpoints differed"),
        (500, "no price"),
        (600, "node: reset"),
        (640, "node: reset"),
        (700, "nobody watched blocks 651 to 849"),
        (840, "nobody watched"),
        (1001, "was not read"),
    ],
)
def test_what_was_not_known_then_is_unknown_and_exit_4(
    at: int, why: str, capsys: pytest.CaptureFixture[str], db: str, scene: Scene
) -> None:
    if at == 640:
        at = 649
        with open_store(db, write=True) as store:
            record(store, block(scene.chain, 645), [Entry(scene.market, error=Transient("node", "reset"))], read_at=1)
    (row,) = rows(capsys, db, scene, "--at", str(at), code=4)
    assert (row["status"], row["health"], row["collateral"], row["debt"]) == ("unknown", None, None, None)
    assert why in row["note"]


def test_a_reading_that_its_words_do_not_give_again_is_an_error(
    capsys: pytest.CaptureFixture[str], db: str, scene: Scene
) -> None:
    with open_store(db, write=True) as store, store.write() as connection:
        found = connection.execute(select(READING.c.health).where(READING.c.number == 250)).scalar_one()
        connection.execute(update(READING).where(READING.c.number == 250).values(health=found + 1))
    (row,) = rows(capsys, db, scene, "--at", "250", code=5)
    assert (row["status"], row["health"]) == ("unknown", None)


def test_every_reading_failure_and_gap_is_a_row(capsys: pytest.CaptureFixture[str], db: str, scene: Scene) -> None:
    found = rows(capsys, db, scene, "--every", "0")
    assert [row["block"] for row in found] == [
        *(str(50 * number) for number in range(1, 14)),
        None,
        *(str(50 * number) for number in range(17, 21)),
    ]
    gap = found[13]
    assert (gap["status"], gap["health"]) == ("unknown", None)
    assert "nobody watched blocks 651 to 849: the watcher was off" in gap["note"]
    assert found[11]["note"] == "node: reset"
    with open_store(db) as store:
        kept = {str(one.block.number): one for one in recall.readings(store, scene.key.key)}
    for row in found:
        if row["block"] in kept:
            one = kept[row["block"]]
            assert row["health"] == (None if one.health is None else str(one.health))
            assert row["status"] == one.status


def test_the_formats_tell_the_same(capsys: pytest.CaptureFixture[str], db: str, scene: Scene) -> None:
    in_json = rows(capsys, db, scene, "--every", "0")
    in_lines = [json.loads(one) for one in said(capsys, db, scene, "--every", "0", "--format", "jsonl").splitlines()]
    in_csv = list(csv.DictReader(io.StringIO(said(capsys, db, scene, "--every", "0", "--format", "csv"))))
    assert in_lines == in_json
    assert [row["health"] for row in in_csv] == [row["health"] or "" for row in in_json]


def test_a_terminal_gets_a_chart_and_a_table(capsys: pytest.CaptureFixture[str], db: str, scene: Scene) -> None:
    text = said(capsys, db, scene, "--every", "0")
    chart_, table = text.split("nothing read", 1)
    assert scene.market.name in chart_
    assert " line" in chart_ and "?" in chart_ and "×" in chart_
    assert table.count(scene.market.name) == 18


def test_an_address_that_was_never_read_is_said_so(capsys: pytest.CaptureFixture[str], db: str, scene: Scene) -> None:
    assert main(["history", "0x" + "77" * 20, "--db", db, "--quiet"]) == 2
    assert "has no position of 0x7777" in capsys.readouterr().err
    assert main(["history", f"0x{scene.key.key.hex()}", "--db", db, "--quiet", "--market", "nowhere"]) == 2


def test_without_a_store_the_exit_is_5(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    assert main(["history", "0x" + "77" * 20, "--db", str(tmp_path / "none.db")]) == 5
    assert "there is no store" in capsys.readouterr().err


def point(time: int, health: int | None, status: Status = Status.SAFE) -> Point:
    key = Scene.of("aave_v3").key
    kept = recall.Kept(key, block(1, time), status, None if health is None else health, 1, 1, None, (), True, False)  # type: ignore[arg-type]
    return Point(time, time, status, kept, "")


def test_a_span_shows_its_worst_reading_and_its_unknown_ones_beside_it() -> None:
    course = [
        point(0, 3),
        point(10, 2),
        point(20, None, Status.UNKNOWN),
        point(30, None, Status.UNKNOWN),
        point(100, 5),
    ]
    found = list(thinned(course, 100))
    assert [(one.time, one.status, one.count) for one in found] == [
        (10, Status.SAFE, 2),
        (20, Status.UNKNOWN, 2),
        (100, Status.SAFE, 1),
    ]
    crossed = [point(0, WAD - 1), point(1, WAD, Status.LIQUIDATABLE)]
    assert [one.time for one in thinned(crossed, 100)] == [1]


def test_a_column_shows_the_lowest_of_its_time_and_an_empty_one_shows_nothing() -> None:
    points = [(0, 0, Bar(3 * WAD)), (1, 1, Bar(2 * WAD)), (9, 9, Bar(WAD)), (5, 7, Bar(gap=True))]
    assert columns(points, 5, 0, 9) == (Bar(2 * WAD), Bar(), Bar(gap=True), Bar(gap=True), Bar(WAD))


def test_bars_stand_in_the_order_of_health_and_bands_are_named() -> None:
    lines = chart([Bar(WAD), Bar(125 * WAD // 100), Bar(2 * WAD), Bar()], BANDS, height=4)
    heights = [sum(line[place : place + 1] in set("▁▂▃▄▅▆▇█") for line in lines) for place in range(4)]
    assert heights[0] >= 1
    assert heights == [*sorted(heights[:3]), 0]
    assert [line.split()[-2:] for line in lines if "┄" in line] == [["1.50", "watch"], ["1.00", "line"]]


def test_what_is_unknown_has_a_mark_and_no_bar() -> None:
    lines = chart([Bar(2 * WAD), Bar(unknown=True), Bar(gap=True), Bar(free=True)], BANDS, height=4)
    assert lines[0] == " ?× "
    assert all(line[1:3] in ("", "  ", "┄┄") for line in lines[1:])
    assert lines[1][3] == "∞"


def test_an_enormous_health_does_not_flatten_the_others() -> None:
    tall = chart([Bar(10**60), Bar(2 * WAD)], BANDS, height=8)
    assert tall[0][0] == "█"
    assert sum(line[1:2] in set("▁▂▃▄▅▆▇█") for line in tall) >= 4


def test_the_drawn_runs_are_the_stored_readings_and_end_at_what_was_not_known(db: str, scene: Scene) -> None:
    with open_store(db) as store:
        (place,) = places(store, scene.key.key)
        (points,) = courses(store, [place], scene.key.key, 0, 0)
        kept = [one for one in recall.readings(store, scene.key.key) if one.health is not None]
    drawn = course(place, points, (), VOLATILE)
    assert [one for run in drawn.runs for one in run] == [(one.block.timestamp, one.health) for one in kept]
    assert [[(time - BEGAN) // 600 for time, _ in run] for run in drawn.runs] == [
        [1, 2, 3, 4, 5, 6, 7, 8, 9],
        [11],
        [13],
        [17, 18, 19, 20],
    ]
    assert [(one.kind, (one.begin - BEGAN) // 600, (one.end - BEGAN) // 600) for one in drawn.stretches] == [
        (Kind.UNKNOWN, 10, 11),
        (Kind.UNKNOWN, 12, 13),
        (Kind.UNWATCHED, 13, 17),
    ]
    assert drawn.bands[Status.WATCH] == VOLATILE.watch


def test_each_kind_of_nothing_is_a_stretch_of_its_own_until_the_next(db: str, scene: Scene) -> None:
    unknown = [point(time, None, Status.UNKNOWN) for time in (20, 30, 50)]
    gap = Point(50, None, Status.UNKNOWN, None, "nobody watched", until=80)
    free = point(90, None, Status.NO_DEBT)
    with open_store(db) as store:
        (place,) = places(store, scene.key.key)
    last = point(99, None, Status.UNKNOWN)
    drawn = course(place, [point(10, WAD), *unknown, gap, free, point(95, WAD), last], (), VOLATILE)
    assert drawn.runs == (((10, WAD),), ((95, WAD),))
    assert drawn.stretches == (
        Stretch(Kind.UNKNOWN, 20, 50),
        Stretch(Kind.UNWATCHED, 50, 80),
        Stretch(Kind.FREE, 90, 95),
        Stretch(Kind.UNKNOWN, 99, 99),
    )


@pytest.mark.parametrize("ending", ["png", "svg"])
def test_a_picture_is_made_instead_of_a_table(
    ending: str, capsys: pytest.CaptureFixture[str], db: str, scene: Scene, tmp_path: Path
) -> None:
    out = tmp_path / f"health.{ending}"
    assert said(capsys, db, scene, "--plot", str(out)) == ""
    assert out.read_bytes().startswith({"png": b"\x89PNG", "svg": b"<?xml"}[ending])


@pytest.mark.parametrize(
    ("line", "why"),
    [
        (["--plot", "x.gif"], "ends with .png or .svg"),
        (["--plot", "x.png", "--at", "250"], "leave --at and --format out"),
        (["--plot", "x.png", "--format", "csv"], "leave --at and --format out"),
        (["--plot", "x.png", "--since", "1h"], "nothing was read of it since"),
    ],
)
def test_where_no_picture_can_be_made_it_is_said_and_there_is_no_file(
    line: list[str], why: str, capsys: pytest.CaptureFixture[str], db: str, scene: Scene, tmp_path: Path
) -> None:
    assert main(["history", f"0x{scene.key.key.hex()}", "--db", db, *line]) == 2
    assert why in capsys.readouterr().err
    assert not list(tmp_path.glob("x*"))


def test_without_matplotlib_it_is_said_what_to_install(
    capsys: pytest.CaptureFixture[str], db: str, scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    assert main(["history", f"0x{scene.key.key.hex()}", "--db", db, "--plot", "x.png"]) == 3
    assert "pip install 'lending-watcher[plot]'" in capsys.readouterr().err


def test_transitions_are_marks_and_what_a_reorg_took_back_is_none(db: str, scene: Scene) -> None:
    def change(number: int, after: Status, **more: Any) -> Transition:
        at = block(scene.chain, 50 * number)
        health = Wad(number * WAD)
        return Transition(
            f"{number} {after}", scene.key, at, at.timestamp, None, after, None, health, True, None, **more
        )

    told = [change(21, Status.WARN), change(22, Status.DANGER), change(23, Status.CRITICAL)]
    with open_store(db, write=True) as store:
        for one in told:
            at = one.block
            record(store, at, [scene.entry(at)], read_at=at.timestamp, transitions=[one])
        orphan(store, scene.chain, 50 * 22)
        at = block(scene.chain, 50 * 23, fork=1)
        back = change(23, Status.DANGER, retracts=told[2].id)
        record(store, at, [scene.entry(at)], read_at=at.timestamp, transitions=[back])
        (place,) = places(store, scene.key.key)
        assert marks(store, place, 0) == [Mark(one.block.timestamp, one.health, one.after) for one in told[:2]]
        assert marks(store, place, told[1].block.timestamp) == [
            Mark(told[1].block.timestamp, told[1].health, Status.DANGER)
        ]
