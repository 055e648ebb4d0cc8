"""What one turn of a chain came to, and the log's one line about it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from watcher.errors import WatcherError
from watcher.model import BlockRef, Status, Transition


@dataclass(frozen=True, slots=True)
class Turn:
    """What one turn of a chain came to. `block` is None where none was had, and `new` False where it had been recorded before."""

    chain: str
    block: BlockRef | None
    new: bool = False
    statuses: tuple[Status, ...] = ()
    transitions: tuple[Transition, ...] = ()
    by: int = 0
    failed: tuple[str, ...] = ()  # markets
    error: WatcherError | None = None
    notes: tuple[str, ...] = ()
    moved: int | None = None  # positions of followed markets that were read again; None where none is followed
    seconds: float = 0.0

    @property
    def complete(self) -> bool:
        """Everything that is known of was read and recorded."""
        return self.new and self.error is None and not self.failed and Status.UNKNOWN not in self.statuses


def line_of(turn: Turn) -> str:
    """The log's one line about a turn."""
    if turn.error is not None:
        return f"{turn.chain}: UNKNOWN, {turn.error}"
    where = f"{turn.chain}: block {turn.block.number}" if turn.block else turn.chain
    if not turn.new:
        return f"{where}: nothing new{''.join(f'; {note}' for note in turn.notes)}"
    counts = counted(turn.statuses)
    told = (many(len(turn.transitions), "transition"), many(turn.by, "endpoint"))
    parts = [where, counts, *told, f"{turn.seconds:.1f} s"]
    parts += [] if turn.moved is None else [f"{turn.moved} moved in followed markets"]
    parts += [f"not read: {', '.join(turn.failed)}"] if turn.failed else []
    return "; ".join((*parts, *turn.notes))


def many(count: int, what: str) -> str:
    """ "1 endpoint", "2 endpoints"."""
    return f"{count} {what}{'' if count == 1 else 's'}"


def counted(statuses: Sequence[Status]) -> str:
    """Each status that occurs, with how many positions have it."""
    return ", ".join(f"{statuses.count(one)} {one}" for one in Status if one in statuses) or "no position"
