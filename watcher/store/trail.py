"""The trail of one fact: a row where its bytes changed, which holds until the next. Small changes of large facts are differences.

A difference is deflated with an earlier state's bytes as the dictionary, of the row that its `base` names, which may be a difference
itself, down to one that is whole. It is kept only where it is less than a quarter of the whole, and no more than `DEPTH` lie on another.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from typing import Any, Final

from sqlalchemy import Connection, Select, Table, bindparam, select

from watcher.errors import StoreError
from watcher.store.rows import insert

MOST: Final = 2**24  # bytes of a whole fact
SMALL: Final = 512  # bytes that are not worth a difference
DEPTH: Final = 32  # differences on one another: each is a row to be read and a few microseconds


@dataclass(frozen=True, slots=True)
class Mark:
    """One change: from block `number` on the fact is `body`. `depth` differences lead to it from the last whole one."""

    number: int
    body: bytes
    depth: int


def last(connection: Connection, table: Table, key: int, number: int) -> Mark | None:
    """The change that holds at block `number`."""
    row = connection.execute(_last(table), {"key": key, "block": number, "most": 1}).first()
    return None if row is None else read(connection, table, key, row)


def walk(connection: Connection, table: Table, key: int, first: int) -> Iterator[Mark]:
    """What holds at block `first`, then every later change, in order."""
    of, at = list(table.primary_key.columns)
    before = last(connection, table, key, first)
    if before is not None:
        yield before
    rows = connection.execute(select(at, table.c.base, table.c.body).where(of == key, at > first).order_by(at))
    for row in rows:
        before = read(connection, table, key, row, before)
        yield before


def read(connection: Connection, table: Table, key: int, row: Any, known: Mark | None = None) -> Mark:
    """A row's number, base and body as the change that they are; `known` is one that it may be the difference to.

    `StoreError` where a row is damaged, or another that it needs is not there.
    """
    number, base, body = row[:3]
    if base is None:
        return Mark(number, body, 0)
    if known is not None and known.number == base:
        return _onto(table, key, number, body, known)
    found = connection.execute(_last(table), {"key": key, "block": base, "most": DEPTH}).all()
    near = {one[0]: one for one in found}
    links = [(number, body)]
    whole = None
    while whole is None:
        one = near.get(base) or connection.execute(_at(table), {"key": key, "block": base}).first()
        if one is None or (one[1] is not None and one[1] >= base):
            raise StoreError(
                f"{table.name} {key} at block {number} needs block {base}, which is gone: restore a backup"
            )
        if one[1] is None:
            whole = Mark(base, one[2], 0)
        else:
            links.append((base, one[2]))
            base = one[1]
    for at, difference in reversed(links):
        whole = _onto(table, key, at, difference, whole)
    return whole


def put(connection: Connection, table: Table, key: int, number: int, body: bytes, follower: int | None = None) -> bool:
    """Write the fact at block `number` where it changed there; true if so.

    `follower` is the next block at which the fact was read, if it was: it said there what held before, and must go on saying it.
    """
    before = last(connection, table, key, number)
    if before is not None and before.body == body:
        return False
    rows = [_row(key, number, body, before)]
    if before is not None and follower is not None:
        of, at = list(table.primary_key.columns)
        if connection.execute(select(at).where(of == key, at == follower)).first() is None:
            rows.append(_row(key, follower, before.body, before))
    insert(connection, table, rows)
    return True


def _row(key: int, number: int, body: bytes, before: Mark | None) -> tuple[Any, ...]:
    if before is not None and len(body) > SMALL and before.depth < DEPTH:
        packer = zlib.compressobj(zdict=before.body)
        difference = packer.compress(body) + packer.flush()
        if 4 * len(difference) < len(body):
            return key, number, before.number, difference
    return key, number, None, body


def _onto(table: Table, key: int, number: int, difference: bytes, before: Mark) -> Mark:
    try:
        opened = zlib.decompressobj(zdict=before.body)
        fact = opened.decompress(difference, MOST)
        if not opened.eof:
            raise zlib.error("it does not end where it should")
    except zlib.error as error:
        raise StoreError(f"{table.name} {key} at block {number} is damaged ({error}): restore a backup") from error
    return Mark(number, fact, before.depth + 1)


@cache
def _last(table: Table) -> Select[Any]:
    """The newest rows up to a block, newest first."""
    of, at = list(table.primary_key.columns)
    found = select(at, table.c.base, table.c.body).where(of == bindparam("key"), at <= bindparam("block"))
    return found.order_by(at.desc()).limit(bindparam("most"))


@cache
def _at(table: Table) -> Select[Any]:
    of, at = list(table.primary_key.columns)
    return select(at, table.c.base, table.c.body).where(of == bindparam("key"), at == bindparam("block"))
