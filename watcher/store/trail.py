"""The trail of one fact: a row where its bytes changed, which holds until the next. Small changes of large facts are differences.

A difference is deflated with the base's bytes as the dictionary; it is kept only where that is less than a quarter of the whole.
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


@dataclass(frozen=True, slots=True)
class Mark:
    """One change: from block `number` on the fact is `body`. `base` and `whole` are the row that differences are made to."""

    number: int
    body: bytes
    base: int
    whole: bytes


def last(connection: Connection, table: Table, key: int, number: int) -> Mark | None:
    """The change that holds at block `number`."""
    row = connection.execute(_last(table), {"key": key, "block": number}).first()
    return None if row is None else _mark(connection, table, key, row)


def walk(connection: Connection, table: Table, key: int, first: int) -> Iterator[Mark]:
    """What holds at block `first`, then every later change, in order."""
    of, at = list(table.primary_key.columns)
    before = last(connection, table, key, first)
    if before is not None:
        yield before
    base = before
    rows = connection.execute(select(at, table.c.base, table.c.body).where(of == key, at > first).order_by(at))
    for row in rows:
        base = _mark(connection, table, key, row, base)
        yield base


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
    if before is not None and len(body) > SMALL:
        packer = zlib.compressobj(zdict=before.whole)
        difference = packer.compress(body) + packer.flush()
        if 4 * len(difference) < len(body):
            return key, number, before.base, difference
    return key, number, None, body


def _mark(connection: Connection, table: Table, key: int, row: Any, known: Mark | None = None) -> Mark:
    number, base, body = row
    if base is None:
        return Mark(number, body, number, body)
    at_hand = None if known is None or known.base != base else known.whole
    whole = at_hand or connection.execute(_whole(table), {"key": key, "block": base}).scalar()
    try:
        if whole is None:
            raise StoreError(
                f"{table.name} {key} at block {number} needs block {base}, which is gone: restore a backup"
            )
        opened = zlib.decompressobj(zdict=whole)
        fact = opened.decompress(body, MOST)
        if not opened.eof:
            raise zlib.error("it does not end where it should")
        return Mark(number, fact, base, whole)
    except zlib.error as error:
        raise StoreError(f"{table.name} {key} at block {number} is damaged ({error}): restore a backup") from error


@cache
def _last(table: Table) -> Select[Any]:
    of, at = list(table.primary_key.columns)
    found = select(at, table.c.base, table.c.body).where(of == bindparam("key"), at <= bindparam("block"))
    return found.order_by(at.desc()).limit(1)


@cache
def _whole(table: Table) -> Select[Any]:
    of, at = list(table.primary_key.columns)
    return select(table.c.body).where(of == bindparam("key"), at == bindparam("block"))
