"""What a liquidator could do with a position now, and at the time of the next block if nothing but that time moves."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

from watcher.adapter import Liquidation, Position, Refusal
from watcher.errors import WatcherError
from watcher.health.largest import largest


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
    try:
        return largest(position)
    except WatcherError as error:
        return Refusal(str(error))
