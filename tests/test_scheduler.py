"""Jobs on this machine's clock: none twice at once, what was missed made up for once, steps of the clock noticed, bugs loud."""

from __future__ import annotations

import asyncio
import logging
from datetime import UTC, datetime, timedelta

import pytest

from watcher.scheduler import GRACE, Timetable


class Count:
    """A job that counts its runs."""

    def __init__(self) -> None:
        self.runs = 0
        self._ran = asyncio.Event()

    async def __call__(self) -> None:
        self.runs += 1
        self._ran.set()

    async def reach(self, runs: int) -> None:
        while self.runs < runs:
            self._ran.clear()
            await self._ran.wait()


def test_a_job_runs_at_once_and_again() -> None:
    async def main() -> None:
        timetable = Timetable()
        timetable.every(0.01, count, "count")
        stop = asyncio.Event()
        running = asyncio.create_task(timetable.run(stop))
        await count.reach(3)
        stop.set()
        await running
        timetable.close()

    count = Count()
    asyncio.run(main())
    assert count.runs >= 3


def test_a_job_that_is_still_running_is_not_started_again() -> None:
    async def main() -> None:
        timetable, stop, open_ = Timetable(), asyncio.Event(), asyncio.Event()
        other = Count()

        async def slow() -> None:
            began.append(1)
            await open_.wait()

        timetable.every(0.01, slow, "slow")
        timetable.every(0.01, other, "quick")
        running = asyncio.create_task(timetable.run(stop))
        await other.reach(5)
        open_.set()
        stop.set()
        await running
        timetable.close()

    began: list[int] = []
    asyncio.run(main())
    assert len(began) == 1


def test_a_bug_in_a_job_ends_the_run_with_it() -> None:
    async def main() -> None:
        async def buggy() -> None:
            raise KeyError("a bug")

        timetable = Timetable()
        timetable.every(60, buggy, "buggy")
        try:
            await timetable.run(asyncio.Event())
        finally:
            timetable.close()

    with pytest.raises(KeyError, match="a bug"):
        asyncio.run(main())


def test_f60_after_a_step_of_the_clock_every_job_is_due_once(caplog: pytest.LogCaptureFixture) -> None:
    async def main() -> None:
        wall = [0.0]
        timetable = Timetable(wall=lambda: wall[0], steady=lambda: 0.0, look=0.01)
        timetable.every(3_600, count, "hourly")
        stop = asyncio.Event()
        running = asyncio.create_task(timetable.run(stop))
        for step in (1, 2, 3):
            await count.reach(step)
            if step < 3:
                wall[0] += 3_600 if step == 1 else -7_200
        stop.set()
        await running
        timetable.close()

    count = Count()
    with caplog.at_level(logging.WARNING, "watcher"):
        asyncio.run(main())
    assert count.runs == 3
    said = [record.getMessage() for record in caplog.records if record.name == "watcher.scheduler"]
    assert said == ["this machine's clock has stepped by +3600 s", "this machine's clock has stepped by -7200 s"]


def test_a_job_that_is_dropped_runs_no_more() -> None:
    async def main() -> None:
        timetable, stop = Timetable(), asyncio.Event()

        async def once() -> None:
            first.append(1)
            timetable.drop("once")

        timetable.every(0.01, once, "once")
        timetable.every(0.01, other, "other")
        running = asyncio.create_task(timetable.run(stop))
        await other.reach(4)
        stop.set()
        await running
        timetable.close()

    first: list[int] = []
    other = Count()
    asyncio.run(main())
    assert len(first) == 1


def test_a_job_that_is_asked_for_soon_does_not_wait_for_its_time() -> None:
    async def main() -> None:
        timetable, stop = Timetable(), asyncio.Event()
        timetable.every(3_600, count, "hourly")
        running = asyncio.create_task(timetable.run(stop))
        for runs in (1, 2, 3):
            await count.reach(runs)
            await asyncio.sleep(0)
            timetable.soon("hourly")
        await count.reach(4)
        stop.set()
        await running
        timetable.close()

    count = Count()
    asyncio.run(main())
    assert count.runs == 4


def test_however_often_a_running_job_is_asked_for_it_runs_once_more_when_it_has_ended() -> None:
    async def main() -> None:
        timetable, stop, open_ = Timetable(), asyncio.Event(), asyncio.Event()
        other = Count()

        async def slow() -> None:
            began.append(1)
            at_once.append(began.count(1) - len(ended))
            await open_.wait()
            ended.append(1)

        timetable.every(3_600, slow, "slow")
        timetable.every(0.01, other, "quick")
        running = asyncio.create_task(timetable.run(stop))
        await other.reach(1)
        for _ in range(5):
            timetable.soon("slow")
        open_.set()
        await other.reach(5)
        stop.set()
        await running
        timetable.close()

    began: list[int] = []
    ended: list[int] = []
    at_once: list[int] = []
    asyncio.run(main())
    assert (len(began), at_once) == (2, [1, 1])


def test_a_job_that_is_dropped_while_it_runs_is_not_asked_for_again() -> None:
    async def main() -> None:
        timetable, stop = Timetable(), asyncio.Event()

        async def once() -> None:
            first.append(1)
            timetable.soon("once")
            timetable.drop("once")
            timetable.soon("once")

        timetable.every(0.01, once, "once")
        timetable.every(0.01, other, "other")
        running = asyncio.create_task(timetable.run(stop))
        await other.reach(4)
        stop.set()
        await running
        timetable.close()

    first: list[int] = []
    other = Count()
    asyncio.run(main())
    assert len(first) == 1


def test_f60_a_job_of_the_wall_clock_that_is_too_late_waits_for_its_next_time_and_a_cycle_does_not() -> None:
    async def main() -> None:
        timetable, stop = Timetable(), asyncio.Event()
        timetable.every(3_600, cycle, "cycle")
        for name, job, late in (("late", audit, GRACE + 60), ("in time", prune, GRACE - 60)):
            timetable.hourly(3_600, job, name)
            timetable._scheduler.modify_job(name, next_run_time=datetime.now(UTC) - timedelta(seconds=late))
        timetable._scheduler.modify_job("cycle", next_run_time=datetime.now(UTC) - timedelta(seconds=3 * GRACE))
        running = asyncio.create_task(timetable.run(stop))
        await cycle.reach(1)
        await prune.reach(1)
        stop.set()
        await running
        timetable.close()

    cycle, audit, prune = Count(), Count(), Count()
    asyncio.run(main())
    assert (cycle.runs, audit.runs, prune.runs) == (1, 0, 1)


def test_a_job_of_the_wall_clock_lets_the_cycles_begin() -> None:
    async def main() -> None:
        timetable, stop = Timetable(), asyncio.Event()
        timetable.hourly(3_600, audit, "audit")
        timetable.every(0.01, cycle, "cycle")
        running = asyncio.create_task(timetable.run(stop))
        await cycle.reach(3)
        stop.set()
        await running
        timetable.close()

    cycle, audit = Count(), Count()
    asyncio.run(main())
    assert audit.runs == 0
