"""What happens to a store when the process, the disk or somebody else misbehaves: nothing lost, nothing doubled, nothing made anew."""

from __future__ import annotations

import os
import random
import resource
import shutil
import signal
import sqlite3
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import closing, suppress
from pathlib import Path

import pytest
from sqlalchemy import func, select, text

from tests.store.children import NOBODY, dying, fork, tell
from tests.store.scene import Scene, block
from tests.store.test_history import put
from watcher.__main__ import main
from watcher.errors import StoreError
from watcher.exit import Exit
from watcher.model import Status, Transition
from watcher.store import deliveries, outbox, recall, schema
from watcher.store import open as opening
from watcher.store.history import orphan, record
from watcher.store.migrations import REVISIONS
from watcher.store.open import Store, open_store, upgrade_store
from watcher.store.tables import BLOCK, CYCLE, DELIVERY, READING
from watcher.store.upkeep import problems

NEVER = 10**9


def step(store: Store, scene: Scene, number: int) -> None:
    """One block with everything a block can bring: two positions, changed facts, a transition for two channels."""
    at = block(scene.chain, number)
    entry = scene.entry(at, number % 4, number % 3, keys=[scene.key, scene.other()])
    said = Transition(f"{scene.chain}/{number}", scene.key, at, 1, None, Status.WARN, None, None, True, due=1)
    record(store, at, [entry], read_at=at.timestamp, transitions=[said], channels=["mail", "chat"])


def go_on(where: str, scene: Scene, blocks: int = NEVER) -> int:
    """What a watcher does after any end: where had I got to, and on from there."""
    with open_store(where, write=True) as store:
        tip = recall.cursor(store, scene.chain)
        first = 1 if tip is None else tip.number + 1
        for number in range(first, first + blocks):
            step(store, scene, number)
            tell()
    return first + blocks - 1


def last_whole(where: str, scene: Scene) -> int:
    """The newest block, after a proof that every block up to it is stored whole and once, and nothing else is."""
    with patient(where) as store:
        assert problems(store) == ()
        tip = recall.cursor(store, scene.chain)
        count = 0 if tip is None else tip.number
        numbers = list(range(1, count + 1))
        assert [at.number for at in reversed(recall.blocks(store, scene.chain))] == numbers
        said = outbox.transitions(store, chain=scene.chain)
        assert [one.block.number for one in said] == numbers
        for channel in ("mail", "chat"):
            ours = {one.id for one in said}
            waiting = [one.id for one, *_ in deliveries.waiting(store, channel) if one.id in ours]
            assert waiting == [one.id for one in said]
        for key in (scene.key, scene.other()):
            course = list(recall.course(store, scene.adapter, scene.market, key))
            assert [one.kept.block.number for one in course] == numbers
            for one in course[-3:]:
                at = one.kept.block
                assert (one.quote, one.holding) == (scene.quote(at.number % 4), scene.holding(at.number % 3, key))
                assert scene.again(one).valuation == scene.reading(at, at.number % 4, at.number % 3, key).valuation
    return count


def patient(where: str) -> Store:
    """For writing; a server may need a moment to notice that a client has died."""
    for _ in range(100):
        with suppress(StoreError):
            return open_store(where, write=True)
        time.sleep(0.1)
    return open_store(where, write=True)


@pytest.fixture
def where(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """A store that is closed."""
    return str(shutil.copy(request.getfixturevalue("file"), tmp_path / "watcher.db"))


EVERY = [
    pytest.param(2, id="every other", marks=pytest.mark.slow),
    pytest.param(1, id="every", marks=pytest.mark.long),
]


@pytest.mark.parametrize("stride", EVERY)
def test_f42_killed_at_every_single_statement_of_a_block_it_is_there_whole_or_not_at_all(
    where: str, stride: int
) -> None:
    scene = Scene.of("aave_v3")
    go_on(where, scene, 2)
    found, at = 2, 0
    ends: list[int] = []
    while not ends or ends[-1] == signal.SIGKILL:
        at += stride
        ends.append(fork(dying(at, lambda: go_on(where, scene, 2))).signal)
        now = last_whole(where, scene)
        assert now in (found, found + 1, found + 2)
        found = now
    assert len(ends) > 60 // stride
    assert found > 32 // stride  # half of them were killed after the first block's commit


KILLS = [pytest.param(20, id="20"), pytest.param(200, id="200", marks=pytest.mark.long)]


@pytest.mark.parametrize("kills", KILLS)
def test_f42_killed_at_random_moments_nothing_is_lost_or_doubled(where: str, kills: int) -> None:
    scene, dice, found = Scene.of("morpho_blue"), random.Random(kills), 0
    for _ in range(kills):
        done, later = dice.randrange(4), dice.uniform(0, 0.05)
        assert fork(lambda: go_on(where, scene), done=done, later=later).signal == signal.SIGKILL
        now = last_whole(where, scene)
        assert now >= found + done
        found = now
    assert found >= kills


def test_f42_killed_at_random_moments_on_postgresql(database: str) -> None:
    scene, dice, found = Scene.of("morpho_blue"), random.Random(7), 0
    for _ in range(6):
        done, later = dice.randrange(4), dice.uniform(0, 0.05)
        assert fork(lambda: go_on(database, scene), done=done, later=later).signal == signal.SIGKILL
        now = last_whole(database, scene)
        assert now >= found + done
        found = now
    assert found > 0


def test_f42_killed_in_the_middle_of_an_orphaning(where: str, tmp_path: Path) -> None:
    scene = Scene.of("aave_v3")
    go_on(where, scene, 6)
    original, kept = shutil.copy(where, tmp_path / "original.db"), set()

    def undone() -> None:
        with open_store(where, write=True) as store:
            orphan(store, scene.chain, 3)

    for at in range(1, 100, 2):
        shutil.copy(original, where)
        if fork(dying(at, undone)).signal == 0:
            break
        with open_store(where, write=True) as store:
            assert problems(store) == ()
            kept.add(len(recall.blocks(store, scene.chain)))
            assert len(outbox.unretracted(store, scene.chain)) == 0
        undone()
        with open_store(where) as store:
            assert [one.number for one in recall.blocks(store, scene.chain)] == [3, 2, 1]
            assert [one.block.number for one in outbox.unretracted(store, scene.chain)] == [4, 5, 6]
            assert problems(store) == ()
    assert kept == {6}


def test_f44_a_full_disk_undoes_the_block_and_the_next_one_goes_on_when_there_is_room(where: str) -> None:
    scene = Scene.of("aave_v3")
    go_on(where, scene, 3)
    with open_store(where, write=True) as store:
        with store.read() as connection:
            pages = connection.exec_driver_sql("PRAGMA page_count").scalar_one()
        set_limit(store, int(pages))
        with pytest.raises(StoreError, match=r"full: free some space"):
            for number in range(4, 400):
                step(store, scene, number)
        set_limit(store, 2**30)
        assert problems(store) == ()
    known = last_whole(where, scene)
    assert go_on(where, scene, 2) == known + 2 == last_whole(where, scene)


def set_limit(store: Store, pages: int) -> None:
    with store.write() as connection:
        connection.exec_driver_sql(f"PRAGMA max_page_count = {pages}")


def test_f44_a_file_that_may_not_grow_undoes_the_block_and_stays_sound(where: str) -> None:
    scene = Scene.of("aave_v3")
    go_on(where, scene, 3)

    def limited() -> str:
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (Path(where).stat().st_size + 50_000,) * 2)
        go_on(where, scene, 1_000)
        return "never full"

    said = fork(limited).said
    assert "nothing of this was written" in said, said
    known = last_whole(where, scene)
    assert 3 <= known < 1_000
    assert go_on(where, scene, 2) == last_whole(where, scene)


@pytest.fixture
def folder() -> Iterator[Path]:
    """A folder that other users can see, below /tmp: pytest's own cannot be entered by them."""
    made = Path(tempfile.mkdtemp(prefix="watcher-store-"))
    made.chmod(0o755)
    yield made
    made.chmod(0o755)
    shutil.rmtree(made)


def as_nobody(deed: Callable[[], object]) -> str:
    """Root may write anywhere: it becomes nobody first."""

    def stripped() -> object:
        if os.geteuid() == 0:
            os.setgid(NOBODY)
            os.setuid(NOBODY)
        return deed()

    return fork(stripped).said


def test_f44_a_read_only_folder_is_said_and_is_exit_5(folder: Path, file: Path) -> None:
    path = folder / "watcher.db"
    shutil.copy(file, path)
    path.chmod(0o444)
    folder.chmod(0o555)
    before = path.read_bytes()
    for deed in (
        lambda: open_store(path, write=True),
        lambda: open_store(folder / "other.db", write=True, create=True),
        lambda: open_store(folder / "deeper" / "other.db", write=True, create=True),
    ):
        said = as_nobody(deed)
        assert said.startswith("StoreError: ") and "may not be written to; use another --db" in said, said
    assert as_nobody(lambda: int(main(["db", "upgrade", "--db", str(folder / "other.db")]))) == str(int(Exit.STORAGE))
    assert path.read_bytes() == before
    assert [one.name for one in folder.iterdir()] == ["watcher.db"]


def test_f45_a_second_watcher_is_told_who_writes_and_takes_over_when_that_one_is_killed(where: str) -> None:
    scene = Scene.of("morpho_blue")
    with open_store(where, write=True) as store:
        said = fork(lambda: go_on(where, scene, 1)).said
        assert said == (
            f"StoreError: {where} is being written by another watcher (process {os.getpid()}): stop it, or use another --db"
        )
        step(store, scene, 1)
        with open_store(where) as beside:
            assert recall.cursor(beside, scene.chain) == block(scene.chain, 1)
            with pytest.raises(StoreError, match="for reading only"):
                step(beside, scene, 2)
    assert fork(dying(30, lambda: go_on(where, scene))).signal == signal.SIGKILL
    assert go_on(where, scene, 1) == 2 == last_whole(where, scene)


def test_f45_a_database_that_another_program_has_locked_is_said_and_nothing_is_half_written(where: str) -> None:
    scene = Scene.of("morpho_blue")
    with open_store(where, write=True, busy=0.05) as store, closing(sqlite3.connect(where)) as other:
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(StoreError, match="locked: another program is writing to it"):
            step(store, scene, 1)
        other.rollback()
        step(store, scene, 1)
    assert last_whole(where, scene) == 1


def test_f45_on_postgresql_a_writer_that_lost_its_connection_must_win_the_lock_again(postgres: str) -> None:
    scene = Scene.of("morpho_blue")
    with open_store(postgres, write=True, create=True) as first:
        with pytest.raises(StoreError, match="written by another watcher"):
            open_store(postgres, write=True)
        step(first, scene, 1)
        cut_off(first)
        with pytest.raises(StoreError):
            step(first, scene, 2)
        with patient(postgres) as second:
            step(second, scene, 2)
            for _ in range(2):
                with pytest.raises(StoreError, match="written by another watcher"):
                    step(first, scene, 3)
        step(first, scene, 3)
    assert last_whole(postgres, scene) == 3


def cut_off(store: Store) -> None:
    """The server ends the connection that holds the lock."""
    holder = (
        "SELECT pg_terminate_backend(pid) FROM pg_locks JOIN pg_database ON database = pg_database.oid "
        "WHERE locktype = 'advisory' AND datname = current_database()"
    )
    with store.read() as connection:
        assert connection.execute(text(holder)).all() == [(True,)]
    time.sleep(0.2)


def filled(where: str) -> tuple[Scene, bytes]:
    """A store of thirty blocks, and its bytes."""
    scene = Scene.of("aave_v3")
    go_on(where, scene, 30)
    return scene, Path(where).read_bytes()


def damaged(body: bytes) -> dict[str, bytes]:
    page = int.from_bytes(body[16:18])
    noise = random.Random(1).randbytes(page)
    return {
        "empty": b"",
        "first bytes": body[:60],
        "one page": body[:page],
        "half": body[: len(body) // 2],
        "last page gone": body[:-page],
        "not a whole page": body[:-100],
        "text": b"this is no database " * 1_000,
        "noise in a page": body[: 8 * page] + noise + body[9 * page :],
    }


@pytest.mark.parametrize("what", damaged(b"\0" * 100_000))
def test_f46_a_damaged_file_is_refused_left_as_it_is_and_a_backup_restores_it(
    where: str, tmp_path: Path, what: str
) -> None:
    scene, body = filled(where)
    backup, path = tmp_path / "backup.db", Path(where)
    with open_store(where) as store:
        opening.copy(store, backup)
    bad = damaged(body)[what]
    path.write_bytes(bad)
    for deed in (lambda: open_store(where, write=True, create=True), lambda: upgrade_store(where)):
        with pytest.raises(StoreError, match=r"restore it from a backup"):
            deed()
    assert main(["db", "check", "--db", where]) == Exit.STORAGE
    assert path.read_bytes() == bad
    backup.replace(path)
    assert last_whole(where, scene) == 30


def test_f46_a_log_of_another_file_harms_nothing(where: str, tmp_path: Path, file: Path) -> None:
    scene, body = filled(where)
    other = shutil.copy(file, tmp_path / "other.db")
    with open_store(other, write=True) as store:
        step(store, Scene.of("aave_v3"), 1)
        shutil.copy(f"{other}-wal", f"{where}-wal")
    with pytest.raises(StoreError, match="restore it from a backup"):
        open_store(where, write=True)
    assert Path(where).read_bytes() == body
    Path(f"{where}-wal").unlink()
    assert last_whole(where, scene) == 30


MORE = '''
"""A later revision, as one might come: a table that others refer to is made anew, and filled."""

import sqlalchemy as sa
from alembic import op

revision = "9998"
down_revision = "%s"


def upgrade() -> None:
    with op.batch_alter_table("transition", recreate="always") as table:
        table.add_column(sa.Column("colour", sa.String(), nullable=True))
    op.execute("UPDATE transition SET colour = 'red'")
    op.create_table("later", sa.Column("id", sa.Integer(), primary_key=True))
'''


@pytest.fixture
def later(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The program knows one revision more."""
    scripts = tmp_path / "migrations"
    shutil.copytree(Path(opening.__file__).parent / "migrations", scripts)
    (scripts / "versions" / "9998_later.py").write_text(MORE % REVISIONS[-1])
    for module in (opening, schema):
        monkeypatch.setattr(module, "REVISIONS", (*REVISIONS, "9998"))
    monkeypatch.setattr(schema, "SCRIPTS", str(scripts))


@pytest.mark.slow
def test_f47_a_migration_killed_at_any_statement_is_undone_and_may_be_run_again(
    where: str, later: None, tmp_path: Path
) -> None:
    scene = Scene.of("morpho_blue")
    original = tmp_path / "original.db"
    with pytest.MonkeyPatch.context() as before:
        for module in (opening, schema):
            before.setattr(module, "REVISIONS", REVISIONS)
        go_on(where, scene, 3)
    shutil.copy(where, original)
    killed = 0
    for at in range(1, 400, 3):
        shutil.copy(original, where)
        if fork(dying(at, lambda: upgrade_store(where))).signal == 0:
            break
        killed += 1
        with closing(sqlite3.connect(where)) as raw:
            revision = raw.execute("SELECT version_num FROM alembic_version").fetchone()[0]
            columns = [row[1] for row in raw.execute("PRAGMA table_info(transition)")]
        assert (revision, "colour" in columns) in ((REVISIONS[-1], False), ("9998", True))
        assert last_whole_upgraded(where, scene) == 3
    assert killed > 10
    kept = Path(f"{where}.before-9998")
    with closing(sqlite3.connect(kept)) as raw:
        assert raw.execute("SELECT version_num FROM alembic_version").fetchone() == (REVISIONS[-1],)


def last_whole_upgraded(where: str, scene: Scene) -> int:
    upgrade_store(where)
    return last_whole(where, scene)


def test_f47_a_new_store_that_was_killed_while_it_was_made_is_made_again(tmp_path: Path) -> None:
    where, at, ends = str(tmp_path / "watcher.db"), 0, [signal.SIGKILL.value]
    while ends[-1]:
        at += 7
        ends.append(fork(dying(at, lambda: upgrade_store(where))).signal)
        if Path(where).exists():
            open_store(where, write=True).close()
    assert len(ends) > 5
    assert last_whole(where, Scene.of("aave_v3")) == 0


def test_f47_a_postgresql_migration_killed_midway_leaves_an_empty_database(postgres: str) -> None:
    assert fork(dying(40, lambda: open_store(postgres, write=True, create=True))).signal == signal.SIGKILL
    with pytest.raises(StoreError, match="has no tables"):
        open_store(postgres)
    for _ in range(100):
        with suppress(StoreError):
            upgrade_store(postgres)
            break
        time.sleep(0.1)
    assert last_whole(postgres, Scene.of("aave_v3")) == 0


def test_f48_two_starts_at_one_block_leave_one_of_everything(where: str) -> None:
    scene = Scene.of("morpho_blue")
    with open_store(where, write=True) as store:
        for _ in range(2):
            step(store, scene, 1)
            put(store, scene, 1)
        with store.read() as connection:
            counts = [
                connection.execute(select(func.count()).select_from(table)).scalar_one()
                for table in (BLOCK, CYCLE, READING, DELIVERY)
            ]
    assert counts == [1, 1, 2, 2]
