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


def waiting(store: Store, channel: str) -> tuple[tuple[Transition, int, int], ...]:
    """(transition, attempts, due) of all that is neither sent, parked nor dropped, in the order of the causes."""
    with store.read() as connection:
        rows = {row.transition_id: row for row in connection.execute(_OPEN, {"channel": channel})}
        about = found(connection, TRANSITION.c.id.in_(rows)) if rows else ()
    return tuple((one, rows[one.id].attempts, rows[one.id].due) for one in about)


def seen(store: Store, channel: str, ids: Collection[str]) -> frozenset[str]:
    """Those of the transitions that the channel was sent, or may have been."""
    where = (DELIVERY.c.channel == channel, DELIVERY.c.transition_id.in_(ids), DELIVERY.c.attempts > 0)
    with store.read() as connection:
        return frozenset(connection.scalars(select(DELIVERY.c.transition_id).where(*where)))


def begin(store: Store, channel: str, ids: Sequence[str]) -> None:
    """One more attempt, counted before it is made."""
    with store.write() as connection:
        connection.execute(
            update(DELIVERY)
            .where(DELIVERY.c.channel == channel, DELIVERY.c.transition_id.in_(ids))
            .values(attempts=DELIVERY.c.attempts + 1)
        )


def mark(store: Store, channel: str, ids: Sequence[str], state: str, due: int, error: str | None = None) -> None:
    """`due` is when it was done, or when a pending one is to be tried again."""
    with store.write() as connection:
        connection.execute(
            update(DELIVERY)
            .where(DELIVERY.c.channel == channel, DELIVERY.c.transition_id.in_(ids))
            .values(state=state, due=due, error=error)
        )
