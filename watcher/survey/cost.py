"""What opening a market will take, before it is begun, and who can do it. Estimates: logs are counted in a few places and multiplied."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from math import ceil
from typing import Final

from watcher.adapter import LogQuery
from watcher.chain.health import USUAL_RATE
from watcher.chain.lane import SIZE
from watcher.chain.logs import START, logs
from watcher.chain.pinned import FLIGHTS
from watcher.errors import ChainError
from watcher.model import PositionKey
from watcher.survey.discover import IN_FLIGHT
from watcher.survey.lane import Lane
from watcher.survey.open import Survey
from watcher.survey.spans import Span, blocks, pieces

PLACES: Final = 3  # where logs are counted
LOG: Final = 703  # bytes of one, in JSON
MOST: Final = 10_000  # logs that an endpoint gives at once
CALLS: Final = 6  # reads of one account, about
CALL: Final = 320  # bytes of one answer in an aggregate, in hex


@dataclass(frozen=True, slots=True)
class Cost:
    """`logs` and `accounts` are at most about; `accounts` are those to be read. `able` are the endpoints that may be asked for the logs,
    `unable` the others and why. Nobody else is asked where the log lane is not needed: then both are empty.
    """

    blocks: int
    logs: int
    accounts: int
    log_requests: int
    read_requests: int
    bytes: int
    seconds: int
    able: tuple[str, ...]
    unable: tuple[tuple[str, str], ...]

    @property
    def requests(self) -> int:
        return self.log_requests + self.read_requests


async def cost(survey: Survey) -> Cost:
    """By a probe of every endpoint and a few windows of logs.

    Raises `ChainError` where no endpoint gives them, unless there is a list to begin with: then only its accounts are counted.
    """
    todo = survey.todo()
    total, expected, pace = 0, 0, 0.0
    for kind, spans in todo.items():
        try:
            await survey.search(kind, min(spans)[0])
        except ChainError:
            if not survey.listed(todo):
                raise
            todo = {}
            break
        counted, seconds = await _sampled(survey.lane, survey.queries[kind], spans)
        total += blocks(spans)
        expected += ceil(counted * blocks(spans))
        pace = max(pace, seconds)
    unread = sum(key not in survey.standing.held for key in survey.members)
    accounts = unread + expected
    asked = max(1, len(survey.lane.able))
    searching = (
        ceil(total / START) + expected // MOST + 2 * sum(1 for spans in todo.values() for _ in pieces(spans, START))
    )
    reading = ceil(accounts * CALLS / SIZE)
    lasts = max(searching * pace / (IN_FLIGHT * asked), searching / (USUAL_RATE * asked))
    lasts += max(reading * pace / FLIGHTS, reading / USUAL_RATE)
    return Cost(
        blocks=total,
        logs=expected,
        accounts=accounts,
        log_requests=searching,
        read_requests=reading,
        bytes=expected * LOG + accounts * CALLS * CALL,
        seconds=ceil(lasts),
        able=tuple(survey.lane.able),
        unable=tuple(survey.lane.barred.items()),
    )


async def _sampled(lane: Lane, query: LogQuery[PositionKey], spans: Iterable[Span]) -> tuple[float, float]:
    """Logs per block, and seconds per request, in a few windows over all these blocks."""
    windows = list(pieces(spans, START))
    chosen = [windows[len(windows) * (2 * place + 1) // (2 * PLACES)] for place in range(min(PLACES, len(windows)))]
    clock, source = lane.line.rpc.clock, lane.line.rpc.only(*lane.able)
    started, found = clock.now(), 0
    for first, last in chosen:
        async for _, rows in logs(source, query, first, last, windows=lane.windows):
            found += len(rows)
    return found / blocks(chosen), (clock.now() - started) / len(chosen)
