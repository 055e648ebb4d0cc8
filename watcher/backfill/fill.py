"""Reads the planned blocks and records them as backfilled: no transition, no cursor, and the gap they lie in stays.

Blocks are read a few at a time and recorded in their order, so that an interrupted run leaves a whole beginning behind.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final

from watcher.adapters import adapter
from watcher.backfill.plan import Part, Step
from watcher.chain.reader import Reader
from watcher.cycle import Facts, MarketCycle, value
from watcher.entries import entries
from watcher.errors import WatcherError
from watcher.health.judge import judged, sighting
from watcher.model import BlockRef, PositionKey, Sighting, Status
from watcher.query import Query, together
from watcher.store.history import record
from watcher.store.open import Store
from watcher.watching.policy import Policy

WINDOW: Final = 8  # blocks read at once


def snapshot(part: Part, terms: Any) -> Query[Facts]:
    """Quote and the holdings that moved, beside the proof that the terms still hold; everything again where they do not."""
    of = adapter(part.market.protocol)
    queries: list[Query[Any]] = [of.fresh(terms), _state(part, terms, part.fresh)]
    fresh, state = yield from together(queries)
    if fresh is not True:
        return (yield from anew(part))
    if isinstance(state, WatcherError):
        raise state
    found: Facts = state
    return found


def anew(part: Part) -> Query[Facts]:
    """All of it, from the terms on."""
    of = adapter(part.market.protocol)
    terms = yield from of.terms(part.market)
    return (yield from _state(part, terms, part.present))


def _state(part: Part, terms: Any, keys: Sequence[PositionKey]) -> Query[Facts]:
    of = adapter(part.market.protocol)
    queries: list[Query[Any]] = [of.quote(terms), of.holdings(terms, keys)]
    answers: tuple[Any, ...] = yield from together(queries)
    for answer in answers:
        if isinstance(answer, WatcherError):
            raise answer
    quote, holdings = answers
    return Facts(terms, quote, holdings, None)


@dataclass(slots=True)
class Fill:
    """`terms` are the latest known by market name; `failures` what could not be read, a line each, and nothing of it is stored."""

    store: Store
    reader: Reader
    policy: Policy
    terms: dict[str, Any]
    refs: Mapping[int, BlockRef]
    held: dict[PositionKey, Any] = field(default_factory=dict)
    failures: list[str] = field(default_factory=list)
    readings: int = 0

    async def run(self, steps: Sequence[Step]) -> AsyncIterator[BlockRef]:
        """Every block once it is recorded. What the endpoints refuse altogether is raised: another run goes on from there."""
        for start in range(0, len(steps), WINDOW):
            some = steps[start : start + WINDOW]
            read = await asyncio.gather(*map(self._read, some), return_exceptions=True)  # none is left running
            for step, one in zip(some, read, strict=True):
                if isinstance(one, BaseException):
                    raise one
                block, answers = one
                found = [
                    cycle
                    for part, answer in zip(step.parts, answers, strict=True)
                    if (cycle := await self._cycle(part, block, answer)) is not None
                ]
                if found:
                    self._record(block, found)
                yield block

    async def _read(self, step: Step) -> tuple[BlockRef, tuple[Facts | WatcherError, ...]]:
        block = self.refs.get(step.number) or await self.reader.head(step.number)
        queries = [snapshot(part, self.terms[part.market.name]) for part in step.parts]
        return block, await self.reader.run(together(queries), block)

    async def _cycle(self, part: Part, block: BlockRef, answer: Facts | WatcherError) -> MarketCycle | None:
        """The market at this block. After a failure holdings are not known any more, and read again."""
        try:
            if isinstance(answer, WatcherError):
                raise answer
            known = self.held | dict(answer.holdings)
            if not known.keys() >= set(part.present):
                answer = await self.reader.run(anew(part), block)
                known = dict(answer.holdings)
            found = value(part.market, replace(answer, holdings={key: known[key] for key in part.present}), block)
        except WatcherError as error:
            self.failures.append(f"{part.market.name} at block {block.number}: {error}")
            for key in part.present:
                self.held.pop(key, None)
            return None
        self.terms[part.market.name] = answer.terms
        self.held.update({key: known[key] for key in part.present})
        return found

    def _record(self, block: BlockRef, found: Sequence[MarketCycle]) -> None:
        read_at = int(time.time())
        seen: dict[PositionKey, Sighting] = {}
        weighed = [self._weighed(cycle, read_at, seen) for cycle in found]
        record(self.store, block, entries(weighed, seen), read_at=read_at, backfill=True)
        self.readings += len(seen)

    def _weighed(self, cycle: MarketCycle, read_at: int, seen: dict[PositionKey, Sighting]) -> MarketCycle:
        """Under the bands that the watcher would have used."""
        rows = []
        for row in cycle.rows:
            verdict = self.policy.judge(row)
            if isinstance(verdict, WatcherError):
                lost = replace(row.reading, status=Status.UNKNOWN, valuation=None, reason=str(verdict))
                row, verdict = replace(row, reading=lost), None
            elif verdict is not None:
                row = replace(row, reading=judged(row.reading, verdict))
            seen[row.reading.key] = sighting(row.reading, verdict, read_at, confirmed=False)
            rows.append(row)
        return replace(cycle, rows=tuple(rows))
