"""What pairs were worth over time, by source, exactly as each said it; nothing is judged here."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import Connection, func, or_, select, update

from watcher.store.open import Store
from watcher.store.risk_tables import PRICE, PRICE_SOURCE
from watcher.store.rows import insert

Marks = Sequence[tuple[int, int]]  # time in Unix seconds, and the answer


@dataclass(frozen=True, slots=True)
class Source:
    """Who says what a pair was worth: integers of `decimals` for one whole `pair` base.

    `pair` names a token by chain id and address ("1:0x…/USD") or a common name ("ETH/USD"); `called` is that common name where the
    source itself says it, so that others who speak of it can be held against this one.
    """

    pair: str
    name: str
    decimals: int
    called: str | None = None


@dataclass(frozen=True, slots=True)
class Extent:
    """How many answers of a source are stored, and the times of the first and the last; between the two nothing is left to be asked."""

    source: Source
    rows: int
    first: int
    last: int


def enter(store: Store, source: Source, marks: Marks) -> int:
    """Store what a source said; what is there already stays as it is. How many were new."""
    if not marks:
        return 0
    with store.write() as connection:
        row = _row(connection, source)
        count = select(func.count()).select_from(PRICE).where(PRICE.c.source_id == row)
        before = connection.scalar(count) or 0
        insert(connection, PRICE, [(row, time, str(answer)) for time, answer in marks], new=False)
        return (connection.scalar(count) or 0) - before


def extents(store: Store, pair: str | None = None) -> tuple[Extent, ...]:
    """Every source that something is stored of: of all pairs, or of one by either of its names. In the order of pairs and names."""
    of = PRICE_SOURCE.c
    found = select(PRICE_SOURCE, func.count(), func.min(PRICE.c.time), func.max(PRICE.c.time)).join(PRICE)
    if pair is not None:
        found = found.where(or_(of.pair == pair, of.called == pair))
    with store.read() as connection:
        rows = connection.execute(found.group_by(*PRICE_SOURCE.c).order_by(of.pair, of.name, of.decimals))
        return tuple(
            Extent(Source(pair, name, decimals, called), count, first, last)
            for _, pair, name, called, decimals, count, first, last in rows
        )


def extent(store: Store, source: Source) -> Extent | None:
    """What is stored of one source; None for nothing."""
    return next((one for one in extents(store, source.pair) if _key(one.source) == _key(source)), None)


def marks(store: Store, source: Source, since: int = 0, until: int | None = None) -> tuple[tuple[int, int], ...]:
    """What a source said at which times, both ends included, in the order of time."""
    of = PRICE_SOURCE.c
    where = [of.pair == source.pair, of.name == source.name, of.decimals == source.decimals, PRICE.c.time >= since]
    if until is not None:
        where.append(PRICE.c.time <= until)
    found = select(PRICE.c.time, PRICE.c.answer).join(PRICE_SOURCE).where(*where)
    with store.read() as connection:
        rows = connection.execute(found.order_by(PRICE.c.time, PRICE.c.answer))
        return tuple((time, int(answer)) for time, answer in rows)


def _key(source: Source) -> tuple[str, str, int]:
    return source.pair, source.name, source.decimals


def _row(connection: Connection, source: Source) -> int:
    """The row of a source; its common name is the latest."""
    of = PRICE_SOURCE.c
    where = (of.pair == source.pair, of.name == source.name, of.decimals == source.decimals)
    insert(connection, PRICE_SOURCE, [(source.pair, source.name, source.called, source.decimals)], new=False)
    if source.called is not None:
        connection.execute(update(PRICE_SOURCE).where(*where).values(called=source.called))
    found: int = connection.execute(select(of.id).where(*where)).scalar_one()
    return found
