"""What one cycle found in one market, as it is handed to the store: stored words, what was seen of each position, or the error."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from watcher.errors import WatcherError
from watcher.model import Market, PositionKey, Reading, Sighting


@dataclass(frozen=True, slots=True)
class Seen:
    """One position. `holding` is None where endpoints differed about it or the market: the reading cannot be had again from facts."""

    reading: Reading
    holding: Any
    sighting: Sighting | None = None


@dataclass(frozen=True, slots=True)
class Entry:
    """One market. `quote` is as stored, not accrued. With `error` there is nothing else; without facts `terms` and `quote` are None.

    `followed` says that everybody who may have moved is among `seen`, so that the market's book stands at the block; `joined` are who
    was not in it before.
    """

    market: Market
    terms: Any = None
    quote: Any = None
    seen: tuple[Seen, ...] = ()
    audited: int = 0
    mismatches: int = 0
    error: WatcherError | None = None
    followed: bool = False
    joined: tuple[PositionKey, ...] = ()


@dataclass(frozen=True, slots=True)
class Missed:
    """Blocks that nobody watched, both ends included."""

    first: int
    last: int
    reason: str
