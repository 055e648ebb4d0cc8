"""The log lane: which endpoints may be asked for old logs, because each has just returned one that is known to be there.

One that has not is barred, with its reason, for as long as the lane is used.
"""

from __future__ import annotations

import logging
from bisect import bisect_right, insort
from dataclasses import dataclass, field
from typing import Any

from watcher.adapter import Event, LogQuery
from watcher.chain.logs import logs
from watcher.connection import Connection
from watcher.errors import ChainError, EndpointError
from watcher.search import Windows
from watcher.survey.witness import Witness

log = logging.getLogger(__name__)


@dataclass(slots=True)
class Lane:
    """`founding` asks for logs that are there from the market's beginning; `windows` is what is known about every endpoint's ranges."""

    line: Connection
    founding: LogQuery[None]
    windows: Windows = field(default_factory=dict)
    able: list[str] = field(default_factory=list)  # in the order in which they were named
    barred: dict[str, str] = field(default_factory=dict)
    _known: list[tuple[int, int, Witness]] = field(default_factory=list)  # by block

    async def opened(self, first: int, last: int) -> None:
        """Admit every endpoint that returns the market's first founding log. `ChainError` where there is none."""
        for name in self.line.rpc.endpoints:
            await self._admit(name, first, last)
        if not self.able:
            raise ChainError(
                f"{self.line.chain.name}: no endpoint gives the logs from block {first} on "
                f"({self.reasons()}); name one that does with --rpc URL"
            )

    async def _admit(self, name: str, first: int, last: int) -> None:
        try:
            if not self._known:
                event = await self._search(name, first, last)
                if event is None:
                    self.bar(name, f"has no log of the market's beginning between blocks {first} and {last}")
                    return
                self.learn(event, self.founding)
            elif not await self.proves(name, first):
                return
        except EndpointError as error:
            self.bar(name, error.reason)
            return
        self.able.append(name)

    async def _search(self, name: str, first: int, last: int) -> Event | None:
        w3 = self.line.through(name).w3
        async for _, rows in logs(w3, self.founding, first, last, windows=self.windows):
            if rows:
                return rows[0][0]
        return None

    def learn(self, event: Event, query: LogQuery[Any]) -> None:
        """Another log that is known to be there."""
        insort(self._known, (event.block, event.index, Witness(event, query)), key=lambda one: one[:2])

    async def proves(self, name: str, first: int) -> bool:
        """Whether the endpoint returns the newest known log not after block `first`, or else the oldest one; it is barred if not.

        What it prunes is the oldest: one that remembers that log remembers the blocks after it. Raises `EndpointError`.
        """
        place = bisect_right(self._known, first, key=lambda one: one[0])
        witness = self._known[max(0, place - 1)][2]
        reason = await witness.forgotten(self.line.rpc.only(name))
        if reason is not None:
            self.bar(name, reason)
        return reason is None

    def bar(self, name: str, reason: str) -> None:
        log.info("%s is not asked for old logs: %s", name, reason)
        self.barred[name] = reason
        if name in self.able:
            self.able.remove(name)

    def reasons(self) -> str:
        """Why endpoints are barred."""
        return "; ".join(f"{name}: {reason}" for name, reason in self.barred.items())

    def other(self, name: str) -> str | None:
        """Another endpoint that may be asked."""
        return next((one for one in self.able if one != name), None)
