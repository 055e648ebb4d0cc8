"""A book's columns in an order that only depends on what is in it: however it came about, equal books are equal here."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

from watcher.adapter import H, Q, T
from watcher.book.book import Book
from watcher.book.entries import Entries

Columns: TypeAlias = Mapping[str, NDArray[Any]]


def canon(book: Book[T, Q, H]) -> Columns:
    """Every column by name, positions by rising key; `differences` compares two."""
    order = np.array(sorted(range(len(book)), key=lambda row: book.keys[row].key), np.intp)
    found: dict[str, NDArray[Any]] = {
        "key": np.array([book.keys[row].key for row in order], object),
        "holding": np.array([repr(book.holding(row)) for row in order], object),
        "alone": book.alone[order],
    }
    for name, table in (("held", book.held), ("owed", book.owed), ("read", book.read)):
        found |= {f"{name}.{column}": values for column, values in _entries(table, order.tolist()).items()}
    return found


def _entries(table: Entries, order: list[int]) -> dict[str, NDArray[Any]]:
    rows = [(place, *entry) for place, row in enumerate(order) for entry in table.of(row)]
    names = ("row", "column", "amount", "weight")
    return {name: np.array([row[place] for row in rows], np.float64) for place, name in enumerate(names)}


def differences(one: Book[T, Q, H], other: Book[T, Q, H]) -> tuple[str, ...]:
    """The names of the columns that are not equal, every entry of them to the last bit."""
    first, second = canon(one), canon(other)
    return tuple(name for name in first if not np.array_equal(first[name], second[name]))
