"""Everybody who ever opened debt (or was given a deposit), by the logs that say so, from a market's start to a final block.

Several pieces are read at once, by every endpoint of the log lane. A piece counts only when its endpoint has proved again that it
remembers such logs; a piece without any log is read once more elsewhere, where there is an elsewhere.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Iterable
from dataclasses import dataclass, field
from typing import Final

from watcher.adapter import Event, LogQuery
from watcher.chain.logs import START, logs
from watcher.errors import AnswerError, EndpointError, RateLimited
from watcher.model import PositionKey
from watcher.survey.lane import Lane
from watcher.survey.spans import Span, blocks, pieces

IN_FLIGHT: Final = 4  # pieces under way at one endpoint
PARTS: Final = 40  # pieces of the whole, so that an endpoint is probed more often than at every tenth
LARGEST: Final = 100_000  # blocks of a piece, so that not much is lost when a run is interrupted
PATIENCE: Final = 4  # failures in a row after which an endpoint is left out
PAUSE: Final = 0.5  # seconds after the first of them; once more after each further one


@dataclass(frozen=True, slots=True)
class Found:
    """The logs of these blocks are read: who they name, and at which block first.

    `alone` says that there was no log and that no second endpoint could be asked whether that is so.
    """

    span: Span
    members: dict[PositionKey, int]
    endpoint: str
    alone: bool = False


def piece(spans: Iterable[Span]) -> int:
    """How many blocks are read between two proofs."""
    return min(max(blocks(spans) // PARTS, START), LARGEST)


async def discover(lane: Lane, query: LogQuery[PositionKey], spans: Iterable[Span]) -> AsyncIterator[Found]:
    """Every piece once it is certainly read, in no order. The lane must be open. Raises `ChainError` when no endpoint is left."""
    spans = tuple(spans)
    hunt = _Hunt(lane, query, deque(pieces(spans, piece(spans))))
    task = asyncio.create_task(hunt.run())
    try:
        while (found := await hunt.done.get()) is not None:
            yield found
        await task
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
    if hunt.todo:
        raise lane.closed(min(hunt.todo)[0])


@dataclass(slots=True)
class _Hunt:
    lane: Lane
    query: LogQuery[PositionKey]
    todo: deque[Span]
    done: asyncio.Queue[Found | None] = field(default_factory=asyncio.Queue)  # None: that was all

    async def run(self) -> None:
        """Until nothing is left to read, or nobody to ask."""
        try:
            while self.todo and self.lane.able:
                async with asyncio.TaskGroup() as group:
                    for name in self.lane.able:
                        for _ in range(IN_FLIGHT):
                            group.create_task(self._work(name))
        finally:
            self.done.put_nowait(None)

    async def _work(self, name: str) -> None:
        """Piece after piece through one endpoint. What it cannot read goes back; it is barred after a few failures in a row."""
        misses = 0
        while self.todo and name in self.lane.able:
            span = self.todo.popleft()
            try:
                found = await self._read(name, span)
            except (EndpointError, AnswerError) as error:
                self.todo.appendleft(span)
                misses += 1
                if misses > PATIENCE:
                    self.lane.bar(name, str(error))
                pause = error.retry_after if isinstance(error, RateLimited) else PAUSE * misses
                await self.lane.line.rpc.clock.sleep(pause)
                continue
            if found is None:
                self.todo.appendleft(span)
                continue
            misses = 0
            self.done.put_nowait(found)

    async def _read(self, name: str, span: Span) -> Found | None:
        """None where the endpoint is barred by now."""
        if not await self.lane.proves(name, span[0]):
            return None
        members, events = await self._walk(name, span)
        alone = False
        if not events:
            other = self.lane.other(name)
            alone = other is None
            if other is not None:
                members, events = await self._walk(other, span)
                if events and not await self._admits(name, events[0]):
                    name = other
        for event in events[:1] + events[-1:]:
            self.lane.learn(event, self.query)
        return Found(span, members, name, alone)

    async def _admits(self, name: str, event: Event) -> bool:
        """Whether the endpoint gives the log when it is asked for it alone; it is barred if not."""
        self.lane.learn(event, self.query)
        return await self.lane.proves(name, event.block)

    async def _walk(self, name: str, span: Span) -> tuple[dict[PositionKey, int], list[Event]]:
        members: dict[PositionKey, int] = {}
        ends: list[Event] = []
        async for _, rows in logs(self.lane.line.rpc.only(name), self.query, *span, windows=self.lane.windows):
            for event, key in rows:
                members.setdefault(key, event.block)
            if rows:
                ends = [ends[0] if ends else rows[0][0], rows[-1][0]]
        return members, ends
