"""The hourly appraisal beside the cycles: when it is due, what it leaves in the store, and what is said where something is missing."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable
from dataclasses import replace
from fractions import Fraction
from pathlib import Path
from threading import Event

import pytest

from tests.chain.faults import error
from tests.watching.scene import Scene, scene
from tests.watching.test_desk import Heard, desk
from tests.watching.test_upkeep import who
from watcher.config.risk import HOUR, Risk
from watcher.errors import AnswerError
from watcher.health.limits import Limits
from watcher.health.measure import Measure
from watcher.model import Status
from watcher.store import appraisals
from watcher.store.appraisals import Appraised, Chance
from watcher.store.tables import BLOCK
from watcher.watching.appraised import Ground
from watcher.watching.appraising import Appraising

DAY = Limits(Measure.CHANCE_1D, ((Status.WARN, Fraction(1, 50)),))


def story(folder: Path, told: Callable[[Scene, Appraising, Heard], Awaitable[None]], *limits: Limits) -> None:
    async def main() -> None:
        async with scene(folder) as at:
            heard = Heard()
            at.watched.policy = replace(at.watched.policy, limits=limits)
            job = Appraising(desk(at, [heard]), at.journal, Risk(scenarios=100), who)
            at.health("eth", 160)
            await told(at, job, heard)
            await job.desk.said()

    asyncio.run(main())


def kept(at: Scene) -> list[int]:
    return [one.block.number for one in appraisals.course(at.journal.store, owner(at))]


def owner(at: Scene) -> bytes:
    (key,) = at.watched.rows
    return key.key


async def chanced(at: Scene, job: Appraising, chance: float) -> None:
    """An appraisal of the newest block that knows a chance, as one with prices would, and a start that finds it in the store."""
    (row,) = at.watched.rows.values()
    bare, *_ = appraisals.course(at.journal.store, owner(at))
    told = replace(bare, block=row.reading.block, chances={"1d": Chance(86_400, chance, 0.001)})
    await at.journal.call(appraisals.enter, row.market, [told])
    await job.recall()


def test_it_is_due_once_an_hour_by_the_blocks_own_time_and_a_restart_repeats_nothing(tmp_path: Path) -> None:
    async def told(at: Scene, job: Appraising, heard: Heard) -> None:
        await job.once()  # before anything was read
        await at.turn()
        await job.once()
        await job.once()
        assert kept(at) == [100]
        await at.turn(HOUR // 12 - 1)
        await job.once()
        assert kept(at) == [100]
        again = Appraising(desk(at), at.journal, job.risk, who)
        await again.recall()
        await again.once()
        assert kept(at) == [100]
        await at.turn(1)
        await again.once()
        assert kept(at) == [100, 400]
        assert heard.said == []

    story(tmp_path, told)


def test_the_stored_margin_is_the_readings_own(tmp_path: Path) -> None:
    async def told(at: Scene, job: Appraising, heard: Heard) -> None:
        await at.turn()
        await job.once()
        (found,) = appraisals.course(at.journal.store, owner(at))
        assert found.margin.health == pytest.approx(1.6)
        assert found.margin.equity == pytest.approx(50)  # 100 less 50 owed, at 80 %
        assert found.margin.maintenance == pytest.approx(20)
        assert found.margin.threshold == pytest.approx(0.8)

    story(tmp_path, told)


def test_what_fails_is_said_and_stored_as_nothing_and_is_tried_again_in_an_hour(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def broken(*_: object) -> tuple[Appraised, ...]:
        raise AnswerError("the past of ETH cannot be used")

    async def told(at: Scene, job: Appraising, heard: Heard) -> None:
        await at.turn()
        monkeypatch.setattr("watcher.watching.appraised.appraised", broken)
        await job.once()
        monkeypatch.undo()
        await job.once()
        assert kept(at) == []
        await at.turn(HOUR // 12)
        await job.once()
        assert kept(at) == [400]

    with caplog.at_level(logging.ERROR, "watcher"):
        story(tmp_path, told)
    assert "its wallets could not be appraised: the past of ETH cannot be used" in caplog.text


def test_without_a_look_behind_the_prices_the_margin_is_stored_all_the_same(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async def told(at: Scene, job: Appraising, heard: Heard) -> None:
        await at.turn()
        at.server.always = error(-32000, "missing trie node")
        await job.once()
        assert kept(at) == [100]

    with caplog.at_level(logging.WARNING, "watcher"):
        story(tmp_path, told)
    assert "what stands behind its prices could not be read" in caplog.text


def test_a_chance_with_a_limit_that_nobody_can_tell_is_said_once_and_again_when_it_is_known(tmp_path: Path) -> None:
    async def told(at: Scene, job: Appraising, heard: Heard) -> None:
        await at.turn()
        await job.once()
        await at.turn(HOUR // 12)
        await job.once()
        await job.desk.said()
        (began,) = heard.said
        assert began.title == "A FIGURE WITH A LIMIT IS NOT KNOWN"
        assert "savings · testnet/morpho-blue/eth: chance_1d is not told: " in began.body
        assert "has no stored past: watcher prices sync" in began.body

    story(tmp_path, told, DAY)


def test_a_chance_out_of_the_store_makes_the_status_of_the_next_cycle(tmp_path: Path) -> None:
    async def told(at: Scene, job: Appraising, heard: Heard) -> None:
        await at.turn()
        await job.once()
        await at.turn(10)
        await chanced(at, job, 0.03)
        assert at.words() == ["None → safe"]
        done = await at.turn(1)
        assert at.words() == ["None → safe", "safe → warn"]
        (change,) = done.transitions
        assert change.cause.startswith("chance_1d is 3.00 % ± 0.10 %, warn above 2.00 %")
        await at.turn(2 * HOUR // 12 + 1)  # it does not hold any more
        (reading,) = at.watched.rows.values()
        assert [doubt.text[:26] for doubt in reading.reading.doubts] == ["chance_1d is not told: the"]
        for _ in range(3):
            await at.turn(1)
        assert at.words() == ["None → safe", "safe → warn"]
        await chanced(at, job, 0.001)
        for _ in range(3):
            await at.turn(1)
        assert at.words() == ["None → safe", "safe → warn", "warn → safe"]

    story(tmp_path, told, DAY)


def test_a_run_that_ends_stops_what_is_being_computed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    began, ended = Event(), Event()

    def endless(rows: object, chain: object, sight: object, on: Ground) -> tuple[Appraised, ...]:
        began.set()
        try:
            while True:
                on.alive()
                time.sleep(0.001)
        finally:
            ended.set()

    async def told(at: Scene, job: Appraising, heard: Heard) -> None:
        await at.turn()
        monkeypatch.setattr("watcher.watching.appraised.appraised", endless)
        task = asyncio.create_task(job.run())
        await asyncio.to_thread(began.wait, 10)
        task.cancel()
        await asyncio.wait([task])
        assert await asyncio.to_thread(ended.wait, 10)
        assert kept(at) == []

    story(tmp_path, told)


def test_what_a_reorg_took_is_not_stored(tmp_path: Path) -> None:
    async def told(at: Scene, job: Appraising, heard: Heard) -> None:
        await at.turn()
        with at.journal.store.write() as connection:
            connection.execute(BLOCK.update().values(hash="0xother"))
        await job.once()
        assert kept(at) == []

    story(tmp_path, told)
