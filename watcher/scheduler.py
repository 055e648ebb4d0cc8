"""APScheduler, wired: jobs on this machine's clock, each never twice at once, what was missed made up for once. Nothing else.

A job that raises ends the run with what it raised: a bug is loud.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from apscheduler.events import EVENT_JOB_ERROR  # type: ignore[import-untyped]
from apscheduler.schedulers.asyncio import AsyncIOScheduler  # type: ignore[import-untyped]

log = logging.getLogger(__name__)

STEP: Final = 5.0  # seconds by which the wall clock may part from the steady one within a look
LOOK: Final = 1.0  # seconds between two looks
GRACE: Final = 600  # seconds that a job of the wall clock may be late
FIRST: Final = (
    60.0  # seconds after the start before such a job runs for the first time, or its own interval where that is less
)

Job = Callable[[], Awaitable[object]]


class Timetable:
    """``timetable.every(12, cycle, "ethereum"); await timetable.run(stop)``"""

    def __init__(
        self, wall: Callable[[], float] = time.time, steady: Callable[[], float] = time.monotonic, look: float = LOOK
    ) -> None:
        logging.getLogger("apscheduler").addHandler(logging.NullHandler())  # what its jobs raise is raised here
        self._scheduler = AsyncIOScheduler(timezone=UTC)
        self._wall, self._steady, self._look = wall, steady, look
        self._first: dict[str, timedelta] = {}  # how long each job waits at the start, and after a step of the clock
        self._under_way: set[str] = set()
        self._again: set[str] = set()

    def every(self, seconds: float, job: Job, name: str) -> None:
        """`job` at once and then every so many seconds. A run that is due while one is under way is left out, not added.

        It is made up for however late it is: a suspended machine looks again as soon as it wakes.
        """
        self._add(seconds, job, name, grace=None, first=0.0)

    def hourly(self, seconds: float, job: Job, name: str) -> None:
        """As `every`, for what is no look at the chain: the cycles come first, at the start and after a suspended machine has woken.

        A run that is more than `GRACE` late is left to its next time: until then endpoints may be out of reach, and it would only say so.
        """
        self._add(seconds, job, name, grace=GRACE, first=min(FIRST, seconds))

    def _add(self, seconds: float, job: Job, name: str, *, grace: int | None, first: float) -> None:

        async def run() -> None:  # APScheduler runs whatever is no plain coroutine function in a thread
            self._under_way.add(name)
            try:
                await job()
                while name in self._again:
                    self._again.discard(name)
                    await job()
            finally:
                self._under_way.discard(name)

        self._first[name] = timedelta(seconds=first)
        self._scheduler.add_job(
            run,
            "interval",
            seconds=seconds,
            id=name,
            coalesce=True,
            max_instances=1,
            misfire_grace_time=grace,
            next_run_time=datetime.now(UTC) + self._first[name],
        )

    def soon(self, name: str) -> None:
        """The job is due now, and then again at its pace from here; where it is under way, once more when it has ended."""
        job = self._scheduler.get_job(name)
        if job is None:
            return
        if name in self._under_way:
            self._again.add(name)
        else:
            job.modify(next_run_time=datetime.now(UTC))

    def drop(self, name: str) -> None:
        """A job that is not to run any more."""
        self._again.discard(name)
        if self._scheduler.get_job(name) is not None:
            self._scheduler.remove_job(name)

    async def run(self, stop: asyncio.Event) -> None:
        """Until `stop` is set or a job fails. Jobs under way are not cancelled here: whoever owns them waits for them."""
        failed: list[BaseException] = []

        def fail(event: Any) -> None:
            failed.append(event.exception)
            stop.set()

        self._scheduler.add_listener(fail, EVENT_JOB_ERROR)
        self._scheduler.start()
        watch = asyncio.create_task(self._steady_clock())
        try:
            await stop.wait()
        finally:
            watch.cancel()
            self._scheduler.pause()
        if failed:
            raise failed[0]

    def close(self) -> None:
        """Cancels what still runs."""
        if self._scheduler.running:
            self._scheduler.shutdown(wait=True)

    async def _steady_clock(self) -> None:
        """When the wall clock steps, the times at which jobs are due mean nothing any more: they begin as at the start."""
        ahead = self._wall() - self._steady()
        while True:
            await asyncio.sleep(self._look)
            now = self._wall() - self._steady()
            if abs(now - ahead) > STEP:
                log.warning("this machine's clock has stepped by %+.0f s", now - ahead)
                ahead = now
                for job in self._scheduler.get_jobs():
                    job.modify(next_run_time=datetime.now(UTC) + self._first[job.id])
