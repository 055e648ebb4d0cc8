"""The one thing that all sources of prices are to whoever fills the store."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol, TypeAlias

from watcher.store.prices import Marks, Source

Done: TypeAlias = Callable[[int, int], None]  # so many requests of so many


@dataclass(frozen=True, slots=True)
class Cost:
    """What reading a span takes: about so many requests, and so many rows."""

    requests: int
    rows: int


class Origin(Protocol):
    """One source of one pair. Times are Unix seconds; a span begins at `first` and ends before `end`.

    `cost` may ask a little itself. `marks` is everything the source has in the span, or raises `WatcherError`: then nothing of it is
    stored, so that what is stored of a source has no hole that the source itself has not.
    """

    @property
    def source(self) -> Source: ...

    async def cost(self, first: int, end: int) -> Cost: ...

    async def marks(self, first: int, end: int, done: Done) -> Marks: ...
