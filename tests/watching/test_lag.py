"""F63: a loop that stands still is noticed and said, and what takes a chain long does not keep the others waiting."""

from __future__ import annotations

import asyncio
import io
import logging
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.watching.program import program
from tests.watching.scene import scene
from tests.watching.test_surviving import lending
from watcher.config.read_watch import load_watch
from watcher.watching import lag as lagging
from watcher.watching.lag import Lag
from watcher.watching.session import opened
from watcher.watching.weighing import Scales


def said(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [record.getMessage() for record in caplog.records if record.name == "watcher.watching.lag"]


def test_f63_a_standstill_is_said_once_with_its_length_and_the_worst_is_kept(caplog: pytest.LogCaptureFixture) -> None:
    def clock() -> Iterator[float]:
        """Two readings a look: before it sleeps and after it woke."""
        now = 0.0
        for behind in (0.0, 0.9, 7.25, 0.0, 2.0):
            yield now
            now += 0.001 + behind
            yield now
        done.set()
        while True:
            yield now

    async def story() -> None:
        measuring = asyncio.create_task(lag.measure())
        await done.wait()
        measuring.cancel()
        await asyncio.wait((measuring,))

    done = asyncio.Event()
    lag = Lag(clock().__next__, look=0.001)
    with caplog.at_level(logging.WARNING, "watcher"):
        asyncio.run(story())
    assert [line.split(":")[0] for line in said(caplog)] == ["nothing ran for 7.2 s", "nothing ran for 2.0 s"]
    assert lag.worst == pytest.approx(7.25)


def test_f63_work_that_does_not_yield_is_noticed_in_a_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    async def story() -> None:
        async with program(tmp_path, lending()) as at:
            watch = load_watch(at.folder / "watcher.toml", {})
            async with opened(watch, {}, io.StringIO()) as session:
                await session.once()
                await asyncio.sleep(0.05)
                time.sleep(0.3)  # noqa: ASYNC251  # the bug that is to be noticed
                await asyncio.sleep(0.05)

    monkeypatch.setattr(lagging.Lag.__init__, "__defaults__", (time.monotonic, 0.01, 0.1))
    with caplog.at_level(logging.WARNING, "watcher"):
        asyncio.run(story())
    assert said(caplog)


def test_f63_while_one_chain_is_weighed_another_is_read_and_recorded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def story() -> None:
        for name in ("slow", "quick"):
            (tmp_path / name).mkdir()
        async with scene(tmp_path / "slow") as slow, scene(tmp_path / "quick") as quick:
            turn = asyncio.create_task(slow.turn())
            await asyncio.to_thread(weighing.wait)
            assert (await quick.turn()).complete
            assert (await quick.turn(1)).complete
            assert not turn.done()
            finish.set()
            assert (await turn).complete

    weigh, weighing, finish = Scales.weigh, threading.Event(), threading.Event()

    def slowly(scales: Scales, *args: Any) -> Any:
        if not weighing.is_set():
            weighing.set()
            finish.wait()
        return weigh(scales, *args)

    monkeypatch.setattr(Scales, "weigh", slowly)
    asyncio.run(story())
