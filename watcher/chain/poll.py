"""The same question put to several endpoints at once. Who is late is not waited for long."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine, Mapping
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from watcher.errors import Transient, WatcherError

T = TypeVar("T")

GRACE = 2.0  # seconds that the others have left once the first has answered


@dataclass(frozen=True, slots=True)
class Poll(Generic[T]):
    """By endpoint: what it answered, or why it did not. Both in the order in which they were asked."""

    answers: Mapping[str, T]
    failed: Mapping[str, WatcherError]


async def poll(asked: Mapping[str, Coroutine[Any, Any, T]], grace: float = GRACE) -> Poll[T]:
    """Wait for the first that succeeds, then `grace` seconds more. Only `WatcherError` is an answer that failed; a bug passes through."""
    tasks = {name: asyncio.ensure_future(question) for name, question in asked.items()}
    try:
        waiting = set(tasks.values())
        succeeded = False
        while waiting and not succeeded:
            done, waiting = await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
            succeeded = any(task.exception() is None for task in done)
        if waiting:
            await asyncio.wait(waiting, timeout=grace)
        return _counted(tasks, grace)
    finally:
        for task in tasks.values():
            task.cancel()
        await asyncio.gather(*tasks.values(), return_exceptions=True)


def _counted(tasks: Mapping[str, asyncio.Future[T]], grace: float) -> Poll[T]:
    answers: dict[str, T] = {}
    failed: dict[str, WatcherError] = {}
    for name, task in tasks.items():
        error = task.exception() if task.done() else Transient(name, f"no answer within {grace:g} s of the first")
        if error is None:
            answers[name] = task.result()
        elif isinstance(error, WatcherError):
            failed[name] = error
        else:
            raise error
    return Poll(answers, failed)
