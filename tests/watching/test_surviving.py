"""`watcher run` is killed, ended and started twice: nothing is lost, nothing is doubled, and transitions are as if nothing had happened."""

from __future__ import annotations

import asyncio
import random
import resource
import shutil
import signal
import sqlite3
import time
from collections import Counter
from contextlib import closing
from pathlib import Path

import pytest
from aiohttp import web

from tests.chain.server import Exchange, honest
from tests.lending import Lending
from tests.watching.program import PATIENCE, Program, program
from tests.watching.scene import CHAIN, COIN
from watcher.exit import Exit
from watcher.health.bands import reaches
from watcher.health.fold import fold
from watcher.model import Sighting, Status, Transition
from watcher.store import deliveries, outbox, recall, upkeep
from watcher.store.open import open_store

HEALTHS = (160, 145, 120, 105, 99, 130, 170, 102)


def lending() -> Lending:
    made = Lending()
    made.pool("eth")
    return made


async def growth(at: Program, stop: asyncio.Event) -> None:
    """A block every now and then."""
    while not stop.is_set():
        await asyncio.sleep(0.1)
        at.node.head += 1


async def killed(at: Program, seed: int) -> str:
    """One run that is killed at a moment of which nobody knows where in the program it is: after its first block, or anywhere.

    Says how far it had got, by what it had logged and what it left.
    """
    chance = random.Random(seed)
    process = await at.start(listen=True)
    assert process.stderr is not None
    logged = 0
    if seed % 4:
        async with asyncio.timeout(PATIENCE):
            assert b": block " in await process.stderr.readline()
        logged = 1
    await asyncio.sleep(chance.uniform(0, 2.5))
    process.kill()
    _, rest = await process.communicate()
    logged += rest.count(b": block ")
    with open_store(copied(at.db)) as store:
        blocks, untold = len(recall.blocks(store, CHAIN)), len(deliveries.waiting(store, "console"))
    new, at.kept = blocks - at.kept, blocks
    if untold:
        return "with a change that was not told yet"
    if new > logged:
        return "with a block that was not logged yet"
    return "between two blocks" if logged else "before its first block"


def copied(db: Path) -> Path:
    """The store as the kill left it, to be looked at elsewhere: a look would recover it before the next run does."""
    copy = db.with_name("copy.db")
    for ending in ("", "-wal", "-shm"):
        Path(f"{copy}{ending}").unlink(missing_ok=True)
    for ending in ("", "-wal"):
        if Path(f"{db}{ending}").exists():
            shutil.copy(f"{db}{ending}", f"{copy}{ending}")
    return copy


async def kills(folder: Path, count: int) -> tuple[Counter[str], dict[str, object]]:
    """Where so many kills hit, and what is wrong with the store after them."""
    made = lending()
    struck: Counter[str] = Counter()
    async with program(folder, made) as at:

        def set_scene(number: int) -> None:
            health = HEALTHS[number // 7 % len(HEALTHS)]
            made.pools["eth"].debt = -(-80 * COIN * 100 // health)

        at.node.course = set_scene
        open_store(at.db, write=True, create=True).close()
        stop = asyncio.Event()
        growing = asyncio.create_task(growth(at, stop))
        for seed in range(count):
            struck[await killed(at, seed)] += 1
        stop.set()
        await growing
        assert await at.run("--once") == Exit.OK, at.said("err")
        return struck, wrong(at, least=3 if count >= 20 else 1)


def wrong(at: Program, least: int) -> dict[str, object]:
    """Where the store does not tell the chain's story block by block, its readings folded anew do not give its transitions, or one was
    not told; or fewer than `least` changes were there to be told. Empty where all is well."""
    with open_store(at.db) as store:
        changes = outbox.transitions(store, chain=CHAIN)
        seen = recall.sightings(store, changes[0].key, CHAIN)
        tip, blocks, gaps = recall.cursor(store, CHAIN), recall.blocks(store, CHAIN), recall.gaps(store, CHAIN)
        waiting, damage = deliveries.waiting(store, "console"), upkeep.problems(store)
    _, expected = fold(seen)
    numbers = {block.number for block in blocks}
    unread = set(range(min(numbers), at.node.head + 1)) - numbers
    gone = {number for gap in gaps for number in range(gap.first, gap.last + 1)}
    told = at.said("out")
    found = {
        "damage": damage,
        "tip": tip if tip is None or tip != blocks[0] or tip.number != at.node.head else None,
        "transitions": {(one.id, one.before, one.after) for one in changes}
        ^ {(one.id, one.before, one.after) for one in expected},
        "doubled": [item for item, times in Counter(one.id for one in changes).items() if times > 1],
        "blocks": {one.number for one in blocks} ^ {one.block.number for one in seen},
        "doubled readings": len(seen) - len(numbers),
        "another branch": [one for one in blocks if one.hash != at.node.hash(one.number)],
        "health": [one for one in seen if not true(one)],
        "a gap that was read": numbers & gone,
        "unread, and no gap": {number for number in unread - gone if far(number, numbers)},
        "not told": [one.id for one in changes if is_told(one) and f"id {one.id}" not in told],
        "still to be told": waiting,
        "nothing happened": len(changes) < least,
    }
    return {name: what for name, what in found.items() if what}


def true(seen: Sighting) -> bool:
    """Whether the health that was stored is that of the chain's own course."""
    expected = HEALTHS[seen.block.number // 7 % len(HEALTHS)] * 10**16
    return seen.health is not None and abs(seen.health - expected) <= 1


def is_told(change: Transition) -> bool:
    return change.before is not None or reaches(change.after, Status.WARN)


def far(number: int, read: set[int]) -> bool:
    """Whether the hole in what was read around `number` lasts longer than twice the pace."""
    below, above = max(one for one in read if one < number), min(one for one in read if one > number)
    return (above - below) * 12 >= 2 * 5


@pytest.mark.slow
def test_f42_five_kills_lose_nothing_and_double_nothing(tmp_path: Path) -> None:
    struck, amiss = asyncio.run(kills(tmp_path, 5))
    assert (struck.total(), amiss) == (5, {})


@pytest.mark.long
def test_f42_two_hundred_kills_lose_nothing_and_double_nothing(tmp_path: Path) -> None:
    struck, amiss = asyncio.run(kills(tmp_path, 200))
    assert (struck.total(), amiss) == (200, {})
    assert len(struck) >= 2, struck


@pytest.mark.parametrize(("number", "code"), [(signal.SIGTERM, Exit.OK), (signal.SIGINT, Exit.INTERRUPTED)])
def test_f43_a_signal_ends_it_within_ten_seconds_with_the_store_closed(
    tmp_path: Path, number: signal.Signals, code: Exit
) -> None:
    async def story() -> None:
        async with program(tmp_path, lending()) as at:
            process = await at.start(listen=True)
            assert process.stderr is not None
            async with asyncio.timeout(60):
                assert b"block 100; 1 safe" in await process.stderr.readline()
            began = time.monotonic()
            process.send_signal(number)
            _, rest = await process.communicate()
            assert (process.returncode, rest) == (code, b"")
            assert time.monotonic() - began < 10
            assert not (tmp_path / "watcher.db-wal").exists()  # SQLite removes it when the last connection closes

    asyncio.run(story())


@pytest.mark.slow
def test_f43_an_endpoint_that_hangs_does_not_keep_it_from_ending(tmp_path: Path) -> None:
    async def hang(exchange: Exchange) -> web.StreamResponse:
        asked.set()
        await asyncio.Event().wait()
        return await honest(exchange)

    async def story() -> None:
        async with program(tmp_path, lending()) as at:
            process = await at.start(listen=True)
            assert process.stderr is not None
            async with asyncio.timeout(PATIENCE):
                assert b"block 100; 1 safe" in await process.stderr.readline()
                at.server.always = hang
                await asked.wait()
            began = time.monotonic()
            process.terminate()
            _, rest = await process.communicate()
            warned = [line for line in rest.splitlines() if line.startswith(b"WARNING")]
            assert (process.returncode, len(warned)) == (Exit.OK, 1), rest
            assert b"is given up; nothing of it is recorded" in warned[0]
            assert time.monotonic() - began < 10

    asked = asyncio.Event()
    asyncio.run(story())


@pytest.mark.slow
def test_f45_a_second_watcher_on_the_same_store_exits_5_and_says_who_has_it(tmp_path: Path) -> None:
    async def story() -> None:
        async with program(tmp_path, lending()) as at:
            with open_store(at.db, write=True, create=True):
                assert await at.run("--once") == Exit.STORAGE
            assert "is being written by another watcher (process " in at.said("err")
            assert at.said("out") == ""
            assert await at.run("--once") == Exit.OK

    asyncio.run(story())


@pytest.mark.slow
def test_f44_a_full_disk_is_said_and_the_run_goes_on_when_there_is_room(tmp_path: Path) -> None:
    async def story() -> None:
        made = lending()
        async with program(tmp_path, made) as at:
            process = await at.start(listen=True)
            try:
                await heard(process, b"block 100; 1 safe")
                room = (tmp_path / "watcher.db-wal").stat().st_size
                resource.prlimit(process.pid, resource.RLIMIT_FSIZE, (room, resource.RLIM_INFINITY))
                made.pools["eth"].debt = 76 * COIN  # 80 / 76: danger
                at.node.head += 20
                said = await heard(process, b"watcher.db: ")
                assert b"nothing of this was written" in said
                resource.prlimit(process.pid, resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY,) * 2)
                at.node.head += 1
                assert b"1 danger" in await heard(process, b": block 121")
                process.terminate()
                assert await process.wait() == Exit.OK
            finally:
                if process.returncode is None:
                    process.kill()
                await process.communicate()
        assert "STORE FAILING" in at.said("out").upper()
        with open_store(at.db) as store:
            assert [one.after for one in outbox.transitions(store, chain=CHAIN)] == [Status.SAFE, Status.DANGER]
            assert [one.number for one in recall.blocks(store, CHAIN)] == [121, 100]
            assert [(gap.first, gap.last) for gap in recall.gaps(store, CHAIN)] == [(101, 120)]
            assert upkeep.problems(store) == ()

    asyncio.run(story())


async def heard(process: asyncio.subprocess.Process, words: bytes) -> bytes:
    """The next line of its log with these words."""
    assert process.stderr is not None
    async with asyncio.timeout(PATIENCE):
        while words not in (line := await process.stderr.readline()):
            assert line, "it ended"
    return line


def cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def from_the_future(path: Path) -> None:
    with closing(sqlite3.connect(path)) as raw, raw:
        raw.execute("UPDATE alembic_version SET version_num = '9999'")


UNUSABLE = {"truncated": (cut, "restore it from a backup"), "newer": (from_the_future, "newer watcher")}


@pytest.mark.slow
@pytest.mark.parametrize("what", UNUSABLE)
def test_f46_f47_a_run_refuses_a_store_that_it_cannot_read_and_leaves_it_as_it_is(tmp_path: Path, what: str) -> None:
    async def story() -> None:
        async with program(tmp_path, lending()) as at:
            open_store(at.db, write=True, create=True).close()
            spoil(at.db)
            before = at.db.read_bytes()
            assert await at.run("--once") == Exit.STORAGE
            assert words in at.said("err")
            assert (at.db.read_bytes(), at.said("out")) == (before, "")

    spoil, words = UNUSABLE[what]
    asyncio.run(story())


@pytest.mark.slow
def test_f45_a_store_that_another_program_has_locked_fails_that_cycle_and_no_later_one(tmp_path: Path) -> None:
    async def story() -> None:
        async with program(tmp_path, lending()) as at:
            open_store(at.db, write=True, create=True).close()
            with closing(sqlite3.connect(at.db)) as other:
                other.execute("BEGIN IMMEDIATE")
                assert await at.run("--once") == Exit.STORAGE
            assert "locked: another program is writing to it" in at.said("err")
            with open_store(at.db) as store:
                assert (recall.blocks(store, CHAIN), outbox.transitions(store, chain=CHAIN)) == ((), ())
            assert await at.run("--once") == Exit.OK

    asyncio.run(story())


@pytest.mark.slow
def test_f70_it_runs_without_a_terminal_in_the_c_locale_with_a_home_that_may_not_be_written(tmp_path: Path) -> None:
    async def story() -> None:
        (home := tmp_path / "home").mkdir(mode=0o555)
        async with program(tmp_path, lending()) as at:
            plain = {
                "HOME": str(home),
                "LANG": "C",
                "LC_ALL": "C",
                "PYTHONUTF8": "0",
                "PYTHONCOERCECLOCALE": "0",
                "TERM": "dumb",
            }
            assert await at.run("--once", env=plain) == Exit.OK
        assert list(home.iterdir()) == []
        assert "block 100; 1 safe" in at.said("err")
        assert "\x1b" not in at.said("err") + at.said("out")

    asyncio.run(story())


@pytest.mark.parametrize(
    "channels",
    [
        pytest.param("", id="console"),
        pytest.param("[channels]\nconsole = false\n", id="nobody is told", marks=pytest.mark.long),
    ],
)
def test_so_many_cycles_and_then_an_end(tmp_path: Path, channels: str) -> None:
    async def story() -> None:
        async with program(tmp_path, lending()) as at:
            with (tmp_path / "watcher.toml").open("a", encoding="utf-8") as file:
                file.write(channels)
            stop = asyncio.Event()
            growing = asyncio.create_task(growth(at, stop))
            assert await at.run("--cycles", "2") == Exit.OK
            stop.set()
            await growing
        with open_store(at.db) as store:
            assert len(recall.blocks(store, CHAIN)) == 2

    asyncio.run(story())
