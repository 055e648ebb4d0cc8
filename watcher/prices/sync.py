"""What is missing of every source is read and stored, source by source; one that fails leaves the others and its own past as they were."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass

from watcher.errors import WatcherError
from watcher.prices.origin import Cost, Done, Origin
from watcher.store.open import Store
from watcher.store.prices import Source, enter, extent

Span = tuple[int, int]  # the first second, and the one behind the last


@dataclass(frozen=True, slots=True)
class Task:
    """One source, the spans that are missing of it, and what they cost."""

    origin: Origin
    spans: tuple[Span, ...]
    cost: Cost


@dataclass(frozen=True, slots=True)
class Synced:
    """`read` rows came, `new` of them were not stored before. `error` is why nothing, or not all, came."""

    source: Source
    read: int
    new: int
    error: WatcherError | None = None


def missing(store: Store | None, source: Source, since: int, now: int) -> tuple[Span, ...]:
    """What is not stored of a source from `since` to `now`: before its first stored answer, and after its last, however old that is."""
    known = None if store is None else extent(store, source)
    if known is None:
        return ((since, now + 1),)
    parts = ((since, known.first), (known.last + 1, now + 1))
    return tuple(part for part in parts if part[0] < part[1])


async def planned(
    store: Store | None, origins: Sequence[Origin], since: int, now: int, done: Callable[[str], None]
) -> tuple[list[Task], list[Synced]]:
    """The tasks, and the sources that cannot even say what they would cost. `done` hears the name of each."""
    tasks, lost = [], []
    for origin in origins:
        spans = missing(store, origin.source, since, now)
        try:
            costs = [await origin.cost(*span) for span in spans]
        except WatcherError as error:
            lost.append(Synced(origin.source, 0, 0, error))
        else:
            tasks.append(Task(origin, spans, total(costs)))
        done(origin.source.name)
    return tasks, lost


def total(costs: Sequence[Cost]) -> Cost:
    return Cost(sum(cost.requests for cost in costs), sum(cost.rows for cost in costs))


async def run(store: Store, tasks: Sequence[Task], done: Callable[[Source], Done]) -> AsyncIterator[Synced]:
    """Each task, a span in one transaction. The later span first: what is stored of a source never has a hole that was not asked for."""
    for task in tasks:
        source, read, new = task.origin.source, 0, 0
        try:
            for span in reversed(task.spans):
                marks = await task.origin.marks(*span, done(source))
                read += len(marks)
                new += enter(store, source, marks)
        except WatcherError as error:
            yield Synced(source, read, new, error)
        else:
            yield Synced(source, read, new)
