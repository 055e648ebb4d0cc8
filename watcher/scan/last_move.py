"""When a position moved last, as far as anybody knows."""

from __future__ import annotations

from dataclasses import dataclass

from watcher.model import PositionKey
from watcher.scan.opening import Opening


@dataclass(frozen=True, slots=True)
class Move:
    """At `block`, or between it and the block that was read before. Where it is only `least`, a log named the position at that block,
    and it may have moved again before it was read first. None: not known.
    """

    block: int | None
    least: bool = False


def last_move(opening: Opening, key: PositionKey) -> Move:
    """By this session or the store, else by the first log that named it."""
    if key in opening.moved:
        return Move(opening.moved[key])
    since = opening.since.get(key)
    return Move(since, since is not None)
