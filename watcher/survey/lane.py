"""The log lane: which endpoints may be asked for old logs, because each has just returned some that are known to be there.

One that has not is barred, with its reason, for as long as the lane is used.
"""

from __future__ import annotations

import logging
from bisect import bisect_right, insort
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final

from watcher.adapter import Event, LogQuery
from watcher.chain.log_probe import probe
from watcher.chain.logs import logs
from watcher.connection import Connection
from watcher.errors import ChainError, WatcherError
from watcher.search import Windows
from watcher.survey.spans import Span
from watcher.survey.witness import Witness

EARLY: Final = (
    200_000  # blocks in which a market is founded, usually: a pruned endpoint is not searched further for nothing
)

log = logging.getLogger(__name__)


@dataclass(slots=True)
class Lane:
    """`founding` asks for logs that are there from the market's beginning; `windows` is what is known about every endpoint's ranges."""

    line: Connection
    founding: LogQuery[None]
    windows: Windows = field(default_factory=dict)
    able: list[str] = field(default_factory=list)  # in the order in which they were named
    barred: dict[str, str] = field(default_factory=dict)
    founded: bool = False  # each of them was asked for the founding logs
    _known: list[tuple[int, int, Witness]] = field(default_factory=list)  # by block

    async def opened(self, query: LogQuery[Any], first: int, last: int, *, founded: bool = True) -> None:
        """Admit the endpoints that return, at every tenth of these blocks, what others return, and the market's first founding log.

        `founded` False leaves that one out: for blocks long after it. `ChainError` where there is none.
        """
        self.able, self.barred, self.founded = [], {}, founded
        if founded:
            await self._found(first, last)
        else:
            self.able = list(self.line.rpc.endpoints)
        if self.able:
            probed = await probe(self.line.rpc.only(*self.able), query, first, last)
            for name, error in probed.barred.items():
                self.bar(name, reason(error))
            for event in probed.landmarks:
                self.learn(event, query)
        if not self.able:
            raise self.closed(first)

    async def _found(self, first: int, last: int) -> None:
        for end in dict.fromkeys((min(last, first + EARLY), last)):
            for name in self.line.rpc.endpoints:
                if name not in self.able and not (self._known and name in self.barred):
                    await self._admit(name, first, end)
            if self.able:
                return

    async def _admit(self, name: str, first: int, last: int) -> None:
        try:
            if self._known:
                if await self.proves(name, first):
                    self.able.append(name)
                return
            async for _, rows in logs(self.line.rpc.only(name), self.founding, first, last, windows=self.windows):
                if rows:
                    self.learn(rows[0][0], self.founding)
                    self.able.append(name)
                    return
        except WatcherError as error:
            self.bar(name, reason(error))
        else:
            self.bar(name, f"has no log of the market's beginning between blocks {first} and {last}")

    def learn(self, event: Event, query: LogQuery[Any]) -> None:
        """Another log that is known to be there."""
        insort(self._known, (event.block, event.index, Witness(event, query)), key=lambda one: one[:2])

    async def proves(self, name: str, first: int) -> bool:
        """Whether the endpoint returns the newest known log not after block `first`, or else the oldest one; it is barred if not.

        What it prunes is the oldest: one that remembers that log remembers the blocks after it. Raises `EndpointError`.
        """
        if not self._known:
            return True
        place = bisect_right(self._known, first, key=lambda one: one[0])
        witness = self._known[max(0, place - 1)][2]
        why = await witness.forgotten(self.line.rpc.only(name))
        if why is not None:
            self.bar(name, why)
        return why is None

    def bar(self, name: str, reason: str) -> None:
        log.info("%s is not asked for old logs: %s", name, reason)
        self.barred[name] = reason
        if name in self.able:
            self.able.remove(name)

    def closed(self, block: int) -> ChainError:
        """There is nobody left to ask for this block."""
        reasons = "; ".join(f"{name}: {reason}" for name, reason in self.barred.items())
        return ChainError(
            f"{self.line.chain.name}: no endpoint is left that gives the logs from block {block} on ({reasons}); "
            "name one that does with --rpc URL"
        )

    def other(self, name: str) -> str | None:
        """Another endpoint that may be asked."""
        return next((one for one in self.able if one != name), None)

    def without(self, name: str) -> Lane:
        """The lane for asking again what `name` has answered: the others, or all where there is no other."""
        return replace(self, able=[one for one in self.able if one != name] or list(self.able))


def reason(error: WatcherError) -> str:
    """What went wrong, in one line, without the endpoint's name before it."""
    return str(getattr(error, "reason", error))


def group(served: Sequence[tuple[str, Span]]) -> dict[str, list[Span]]:
    """Spans by the endpoint that served them."""
    found: dict[str, list[Span]] = {}
    for name, span in served:
        found.setdefault(name, []).append(span)
    return found
