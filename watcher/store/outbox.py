"""Transitions as they are stored, each with a delivery to every channel in the same transaction; `deliveries` says what became of those."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import Connection, Row, bindparam, func, or_, select, update

from watcher.model import BlockRef, Distance, Fix, PositionKey, Runway, Status, Transition
from watcher.store.facts import decode, encode
from watcher.store.open import Store
from watcher.store.rows import insert
from watcher.store.tables import DELIVERY, MARKET, POSITION, TRANSITION
from watcher.units import Wad

_CHANGES: Final = (
    select(TRANSITION, MARKET.c.name.label("market"), POSITION.c.key.label("key"))
    .select_from(TRANSITION.join(POSITION).join(MARKET))
    .order_by(TRANSITION.c.place)
)
_UNRETRACTED: Final = _CHANGES.where(
    TRANSITION.c.chain == bindparam("chain"),
    TRANSITION.c.orphaned.is_(True),
    TRANSITION.c.id.not_in(select(TRANSITION.c.retracts).where(TRANSITION.c.retracts.is_not(None))),
)
_POSITIONS: Final = (
    select(POSITION.c.key, POSITION.c.id)
    .join(MARKET)
    .where(
        MARKET.c.chain == bindparam("chain"),
        MARKET.c.name == bindparam("market"),
        POSITION.c.key.in_(bindparam("keys", expanding=True)),
    )
)
_SOONER: Final = (
    update(TRANSITION)
    .where(TRANSITION.c.id == bindparam("of"), or_(TRANSITION.c.due.is_(None), TRANSITION.c.due > bindparam("to")))
    .values(due=bindparam("to"))
)
_DELIVERED_SOONER: Final = (
    update(DELIVERY)
    .where(DELIVERY.c.transition_id == bindparam("of"), DELIVERY.c.attempts == 0, DELIVERY.c.due > bindparam("to"))
    .values(due=bindparam("to"))
)
MANY: Final = 500  # keys in one statement


@dataclass(frozen=True, slots=True)
class Said:
    """What is told of a transition and not needed to make it again."""

    cause: str
    distance: Distance | None
    runway: Runway | None
    fixes: tuple[Fix, ...]
    news: bool


def put(connection: Connection, transitions: Sequence[Transition], channels: Sequence[str]) -> None:
    """New transitions in this order, with a delivery to each channel where they are to be told; their positions must be stored.

    Of one that is there already only `due` may become earlier.
    """
    positions = _positions(connection, transitions)
    insert(connection, TRANSITION, [_row(one, positions[one.key]) for one in transitions], new=False)
    due = [one for one in transitions if one.due is not None]
    if due:
        words = [{"of": one.id, "to": one.due} for one in due]
        connection.execute(_SOONER, words)
        deliveries = [(one.id, channel, "pending", 0, one.due, None) for one in due for channel in channels]
        insert(connection, DELIVERY, deliveries, new=False)
        connection.execute(_DELIVERED_SOONER, words)


def _positions(connection: Connection, transitions: Iterable[Transition]) -> dict[PositionKey, int]:
    """The rows of the positions that these are about."""
    keys: dict[tuple[int, str], set[str]] = {}
    for one in transitions:
        keys.setdefault((one.block.chain, one.key.market), set()).add(one.key.key.hex())
    found: dict[PositionKey, int] = {}
    for (chain, market), names in keys.items():
        every = sorted(names)
        for start in range(0, len(every), MANY):
            words = {"chain": chain, "market": market, "keys": every[start : start + MANY]}
            rows = connection.execute(_POSITIONS, words)
            found |= {PositionKey(market, bytes.fromhex(key)): position for key, position in rows}
    return found


def orphan(connection: Connection, chain: int, above: int) -> tuple[Transition, ...]:
    """Mark what blocks after `above` caused, and return what was not marked before."""
    where = (TRANSITION.c.chain == chain, TRANSITION.c.number > above, TRANSITION.c.orphaned.is_(False))
    gone = found(connection, *where)
    connection.execute(update(TRANSITION).where(*where).values(orphaned=True))
    return gone


def transitions(
    store: Store, *, chain: int, key: PositionKey | None = None, orphaned: bool = False
) -> tuple[Transition, ...]:
    """What has been stored of a chain or a position, in the order of the causes; without what a reorg took away unless asked for."""
    where = [TRANSITION.c.chain == chain, TRANSITION.c.orphaned.is_(orphaned)]
    if key is not None:
        where += [MARKET.c.name == key.market, POSITION.c.key == key.key.hex()]
    with store.read() as connection:
        return found(connection, *where)


def newest(store: Store, chain: int) -> tuple[Transition, ...]:
    """The last transition of every position that holds and takes nothing back."""
    holds = (TRANSITION.c.chain == chain, TRANSITION.c.orphaned.is_(False), TRANSITION.c.retracts.is_(None))
    last = select(func.max(TRANSITION.c.place)).where(*holds).group_by(TRANSITION.c.position_id)
    with store.read() as connection:
        return found(connection, TRANSITION.c.place.in_(last))


def unretracted(store: Store, chain: int) -> tuple[Transition, ...]:
    """What a reorg took away and no stored transition takes back yet: a crash may have come between."""
    with store.read() as connection:
        return _transitions(connection.execute(_UNRETRACTED, {"chain": chain}))


def _row(one: Transition, position: int) -> tuple[Any, ...]:
    block = one.block
    said = encode(Said(one.cause, one.distance, one.runway, one.fixes, one.news))
    before = None if one.before is None else one.before.value
    return (
        *(
            one.id,
            block.chain,
            position,
            block.number,
            block.hash,
            block.timestamp,
            one.read_at,
            before,
            one.after.value,
        ),
        *(one.health_before, one.health, one.confirmed, one.due, one.retracts, one.recovers, said, False),
    )


def found(connection: Connection, *where: Any) -> tuple[Transition, ...]:
    """The transitions of which all of `where` holds, in the order of the causes."""
    return _transitions(connection.execute(_CHANGES.where(*where)))


def _transitions(rows: Iterable[Row[Any]]) -> tuple[Transition, ...]:
    return tuple(_transition(row) for row in rows)


def _transition(row: Row[Any]) -> Transition:
    said = decode(Said, row.said)
    return Transition(
        id=row.id,
        key=PositionKey(row.market, bytes.fromhex(row.key)),
        block=BlockRef(row.number, row.timestamp, row.chain, row.hash),
        read_at=row.read_at,
        before=None if row.before is None else Status(row.before),
        after=Status(row.after),
        health_before=None if row.health_before is None else Wad(row.health_before),
        health=None if row.health is None else Wad(row.health),
        confirmed=row.confirmed,
        due=row.due,
        retracts=row.retracts,
        recovers=row.recovers,
        news=said.news,
        cause=said.cause,
        distance=said.distance,
        runway=said.runway,
        fixes=said.fixes,
    )
