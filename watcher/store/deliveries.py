"""What has become of each transition on one channel: waiting, sent, parked or dropped. Every function is one transaction."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Final

from sqlalchemy import bindparam, select, update

from watcher.model import Transition
from watcher.store.open import Store
from watcher.store.outbox import found
from watcher.store.tables import DELIVERY, TRANSITION

_OPEN: Final = select(DELIVERY).where(DELIVERY.c.channel == bindparam("channel"), DELIVERY.c.state == "pending")

_SEEN: Final = select(DELIVERY.c.transition_id).where(
    DELIVERY.c.channel == bindparam("channel"),
    DELIVERY.c.transition_id.in_(bindparam("ids", expanding=True)),
    DELIVERY.c.attempts > 0,
)
_ONE: Final = update(DELIVERY).where(DELIVERY.c.channel == bindparam("on"), DELIVERY.c.transition_id == bindparam("of"))
_BEGIN: Final = _ONE.values(attempts=DELIVERY.c.attempts + 1)
_MARK: Final = _ONE.values(state=bindparam("to"), due=bindparam("at"), error=bindparam("why"))
MANY: Final = 500  # ids in one statement


def waiting(store: Store, channel: str) -> tuple[tuple[Transition, int, int], ...]:
    """(transition, attempts, due) of all that is neither sent, parked nor dropped, in the order of the causes."""
    with store.read() as connection:
        rows = {row.transition_id: row for row in connection.execute(_OPEN, {"channel": channel})}
        open = select(DELIVERY.c.transition_id).where(DELIVERY.c.channel == channel, DELIVERY.c.state == "pending")
        about = found(connection, TRANSITION.c.id.in_(open)) if rows else ()
    return tuple((one, rows[one.id].attempts, rows[one.id].due) for one in about)


def seen(store: Store, channel: str, ids: Collection[str]) -> frozenset[str]:
    """Those of the transitions that the channel was sent, or may have been."""
    every, reached = tuple(ids), set[str]()
    with store.read() as connection:
        for start in range(0, len(every), MANY):
            words = {"channel": channel, "ids": every[start : start + MANY]}
            reached.update(connection.scalars(_SEEN, words))
    return frozenset(reached)


def begin(store: Store, channel: str, ids: Sequence[str]) -> None:
    """One more attempt, counted before it is made."""
    with store.write() as connection:
        if ids:
            connection.execute(_BEGIN, [{"of": one, "on": channel} for one in ids])


def mark(store: Store, channel: str, ids: Sequence[str], state: str, due: int, error: str | None = None) -> None:
    """`due` is when it was done, or when a pending one is to be tried again."""
    words = {"on": channel, "to": state, "at": due, "why": error}
    with store.write() as connection:
        if ids:
            connection.execute(_MARK, [{"of": one, **words} for one in ids])
