"""What a liquidator could do with a position now, and at the time of the next block if nothing but that time moves."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from watcher.adapter import Liquidation, Position, Refusal
from watcher.errors import WatcherError
from watcher.health.largest import earliest, largest


@dataclass(frozen=True, slots=True)
class Close:
    """The largest liquidation, or why there is none."""

    now: Liquidation | Refusal
    next: Liquidation | Refusal


def close(position: Position[Any, Any, Any], later: Any | WatcherError) -> Close:
    """`later` is the quote accrued to the next block's time, or why that cannot be told."""
    if isinstance(later, WatcherError):
        return Close(_largest(position), Refusal(str(later)))
    return Close(_largest(position), _largest(replace(position, quote=later)))


def _largest(position: Position[Any, Any, Any]) -> Liquidation | Refusal:
    """The contract's own, else the largest through a line before it."""
    try:
        found = largest(position)
        early = [one for _, one in earliest(position) if isinstance(one, Liquidation)]
        if isinstance(found, Refusal) and early:
            return max(early, key=lambda one: one.repay)
        return found
    except WatcherError as error:
        return Refusal(str(error))
