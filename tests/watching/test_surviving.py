"""`watcher run` is killed, ended and started twice: nothing is lost, nothing is doubled, and transitions are as if nothing had happened."""

from __future__ import annotations

import asyncio
import random
import signal
import time
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
from watcher.model import Status
from watcher.store import deliveries, outbox, recall
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


async def killed(at: Program, seed: int) -> None:
    """One run that is killed at a moment of which nobody knows where in the program it is: after its first block, or anywhere."""
    chance = random.Random(seed)
    process = await at.start(listen=True)
    assert process.stderr is not None
    if seed % 4:
        async with asyncio.timeout(PATIENCE):
            assert b": block " in await process.stderr.readline()
    await asyncio.sleep(chance.uniform(0, 2.5))
    process.kill()
    await process.communicate()


async def kills(folder: Path, count: int) -> None:
    made = lending()
    async with program(folder, made) as at:

        def set_scene(number: int) -> None:
            health = HEALTHS[number // 7 % len(HEALTHS)]
            made.pools["eth"].debt = -(-80 * COIN * 100 // health)

        at.node.course = set_scene
        stop = asyncio.Event()
        growing = asyncio.create_task(growth(at, stop))
        for seed in range(count):
            await killed(at, seed)
        stop.set()
        await growing
        assert await at.run("--once") == Exit.OK, at.said("err")
        check(at)


def check(at: Program) -> None:
    """The store tells the chain's story block by block; folding its readings anew gives its transitions; each was told."""
    with open_store(at.db) as store:
        changes = outbox.transitions(store, chain=CHAIN)
        seen = recall.sightings(store, changes[0].key, CHAIN)
        _, expected = fold(seen)
        tip = recall.cursor(store, CHAIN)
        blocks = recall.blocks(store, CHAIN)
        gaps = recall.gaps(store, CHAIN)
        waiting = deliveries.waiting(store, "console")
    assert [(one.id, one.before, one.after) for one in changes] == [(one.id, one.before, one.after) for one in expected]
    assert len(changes) >= 3
    assert tip is not None
    assert tip == blocks[0] == seen[-1].block
    assert tip.number == at.node.head
    assert len(seen) == len(blocks)
    for one in seen:
        health = HEALTHS[one.block.number // 7 % len(HEALTHS)]
        assert one.block.hash == at.node.hash(one.block.number)
        assert one.health is not None
        assert abs(one.health - health * 10**16) <= 1
    numbers = {block.number for block in blocks}
    missing = set(range(min(numbers), tip.number + 1)) - numbers
    assert not any(numbers & set(range(gap.first, gap.last + 1)) for gap in gaps)
    assert all(any(gap.first <= number <= gap.last for gap in gaps) for number in missing if far(number, numbers))
    told = at.said("out")
    for change in changes:
        if change.before is not None or reaches(change.after, Status.WARN):
            assert f"id {change.id}" in told
    assert waiting == ()


def far(number: int, read: set[int]) -> bool:
    """Whether the hole in what was read around `number` lasts longer than twice the pace."""
    below, above = max(one for one in read if one < number), min(one for one in read if one > number)
    return (above - below) * 12 >= 2 * 5


@pytest.mark.slow
def test_f42_five_kills_lose_nothing_and_double_nothing(tmp_path: Path) -> None:
    asyncio.run(kills(tmp_path, 5))


@pytest.mark.long
def test_f42_two_hundred_kills_lose_nothing_and_double_nothing(tmp_path: Path) -> None:
    asyncio.run(kills(tmp_path, 200))


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
            assert (process.returncode, rest.count(b"\n")) == (Exit.OK, 1), rest
            assert b"is given up; nothing of it is recorded" in rest
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


@pytest.mark.parametrize("channels", ["", "[channels]\nconsole = false\n"], ids=["console", "nobody is told"])
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
