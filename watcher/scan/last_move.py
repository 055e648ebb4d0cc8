"""When a position moved last, as far as anybody knows."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from watcher.model import PositionKey
from watcher.scan.opening import Opening
from watcher.store.moves import changes
from watcher.store.open import Store


@dataclass(frozen=True, slots=True)
class Move:
    """At `block`, or between it and the block that was read before. Where it is only `least`, a log named the position at that block,
    and it may have moved again before it was read first. None: not known.
    """

    block: int | None
    least: bool = False


def last_moves(opening: Opening, store: Store | None, keys: Collection[PositionKey]) -> dict[PositionKey, Move]:
    """By this session, else by the store, else by the first log that named it."""
    market = opening.followed.market
    stored = {} if store is None else changes(store, market, keys)
    found: dict[PositionKey, Move] = {}
    for key in keys:
        known = opening.moved.get(key, stored.get(key))
        since = opening.since.get(key)
        found[key] = Move(since, since is not None) if known is None else Move(known)
    return found
