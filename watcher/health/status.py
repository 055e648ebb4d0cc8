"""What a valuation comes to, and the one place where a failure of a single position becomes a reading that says so."""

from __future__ import annotations

from collections.abc import Callable

from watcher.adapter import H, Position, Q, T
from watcher.errors import WatcherError
from watcher.model import BlockRef, Doubt, PositionKey, Reading, Status, Valuation
from watcher.units import MAX


def status(valuation: Valuation) -> Status:
    """By the contract's own comparison. Debt without collateral is liquidatable here: the line is crossed, whatever is left to seize."""
    if valuation.liquidatable:
        return Status.LIQUIDATABLE
    return Status.NO_DEBT if valuation.health is None else Status.OWING


def read(
    key: PositionKey,
    block: BlockRef,
    position: Position[T, Q, H] | Callable[[], Position[T, Q, H]] | WatcherError,
    doubts: tuple[Doubt, ...] = (),
) -> Reading:
    """Value one position; whatever makes that impossible is the reading's reason, and the status is then unknown.

    `position` may be the error that took its place when it was read (as `query.together` answers), or a function that makes it.
    Only `WatcherError` is caught: anything else is a bug.
    """
    try:
        if isinstance(position, WatcherError):
            raise position
        valuation = (position if isinstance(position, Position) else position()).value()
    except WatcherError as error:
        return Reading(key, block, Status.UNKNOWN, None, str(error), doubts)
    return Reading(key, block, status(valuation), valuation, None, (*valuation.doubts, *doubts))


def urgency(reading: Reading) -> tuple[int, int]:
    """A total order for sorting, worst first: liquidatable, unknown, debt by rising health, nothing owed.

    A health of zero sorts before every other health; what is unknown never sorts among the healthy.
    """
    last = (Status.LIQUIDATABLE, Status.UNKNOWN, Status.NO_DEBT)
    rank = (0, 1, 3)[last.index(reading.status)] if reading.status in last else 2
    health = reading.valuation.health if reading.valuation else None
    return rank, MAX if health is None else health
