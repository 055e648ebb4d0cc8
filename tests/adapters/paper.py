"""A chain on paper: answers a query's reads from a table of functions, and counts the round trips."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

from eth_typing import ChecksumAddress

from watcher.errors import CallReverted, WatcherError
from watcher.query import Batch, Query, Read, Rows

T = TypeVar("T")
Row = tuple[Any, ...] | None
Answer = Callable[[ChecksumAddress, tuple[Any, ...]], Row]


@dataclass(slots=True)
class Paper:
    """`functions` are named as in a batch; a missing one, or one that answers None, reverts. `calls` counts them by name."""

    functions: Mapping[str, Answer | Row]
    rounds: int = 0

    def run(self, query: Query[T]) -> T:
        try:
            reads = next(query)
            while True:
                self.rounds += 1
                reads = query.send(tuple(self._rows(read) for read in reads))
        except StopIteration as stop:
            found: T = stop.value
            return found

    def _rows(self, read: Read) -> Rows | WatcherError:
        assert isinstance(read, Batch)
        rows: list[Row] = []
        for target, args in zip(read.targets, read.args, strict=True):
            answer = self.functions.get(read.function)
            row = answer(target, args) if callable(answer) else answer
            if row is None and not read.optional:
                return CallReverted(f"{read.function} of {target}")
            rows.append(row)
        return rows
