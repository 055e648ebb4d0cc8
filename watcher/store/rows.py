"""Many rows at once, handed to the driver as they are: the one place that knows how either database wants them."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import Any

from sqlalchemy import Connection, Table

from watcher.store.u256 import U256, encoded


def insert(connection: Connection, table: Table, rows: Sequence[tuple[Any, ...]], *, new: bool = True) -> None:
    """Rows with a value for every column that is not numbered by the database, in the table's order.

    Unless they are `new`, those whose key is there already are left as they stand.
    """
    if not rows:
        return
    dialect = connection.dialect.name
    statement, amounts = _statement(table, dialect, new)
    connection.exec_driver_sql(statement, [_encoded(row, amounts, dialect) for row in rows] if amounts else list(rows))


def _encoded(row: tuple[Any, ...], amounts: tuple[int, ...], dialect: str) -> tuple[Any, ...]:
    values = list(row)
    for place in amounts:
        if values[place] is not None:
            values[place] = encoded(values[place], dialect)
    return tuple(values)


@cache
def _statement(table: Table, dialect: str, new: bool) -> tuple[str, tuple[int, ...]]:
    """The statement, and where its amounts stand."""
    columns = [column for column in table.columns if column is not table.autoincrement_column]
    names = ", ".join(f'"{column.name}"' for column in columns)
    marks = ", ".join(["%s" if dialect == "postgresql" else "?"] * len(columns))
    rest = "" if new else " ON CONFLICT DO NOTHING"
    amounts = tuple(place for place, column in enumerate(columns) if isinstance(column.type, U256))
    return f'INSERT INTO "{table.name}" ({names}) VALUES ({marks}){rest}', amounts
