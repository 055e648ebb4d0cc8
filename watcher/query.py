"""Questions to a chain as pure generators: a query yields batches of reads and is sent the answers.

No I/O and no block in here: whoever runs the query (`chain.reader`) pins one block for all of it, so a query cannot mix two.
"""

from __future__ import annotations

from collections.abc import Generator, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias, TypeVar

from eth_typing import ChecksumAddress

from watcher.errors import WatcherError

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Batch:
    """One function asked of many targets, in columns: `targets[i]` is called with `args[i]`.

    `function` is "folder/contract.function" below `abis/`. A row of the answer is the tuple of decoded outputs. A failed call raises;
    where absence is normal, `optional` answers None instead.
    """

    function: str
    targets: tuple[ChecksumAddress, ...]
    args: tuple[tuple[Any, ...], ...]
    optional: bool = False


@dataclass(frozen=True, slots=True)
class Call:
    function: str
    target: ChecksumAddress
    args: tuple[Any, ...] = ()


@dataclass(frozen=True, slots=True)
class Script:
    """Calls made one after another inside a single simulated transaction: each sees what the ones before it wrote.

    Never shares an `eth_call` with anything else. The answer is one `Outcome` per call; nothing raises.
    """

    calls: tuple[Call, ...]


@dataclass(frozen=True, slots=True)
class Outcome:
    """`row` is the decoded answer of a call that succeeded, else None; `revert` is the raw revert data, else empty."""

    row: tuple[Any, ...] | None
    revert: bytes


@dataclass(frozen=True, slots=True)
class Slot:
    """Storage words: `slots[i]` of `targets[i]`. A row is a one-tuple of the word as an integer."""

    targets: tuple[ChecksumAddress, ...]
    slots: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Code:
    """The runtime code at each target. A row is a one-tuple of bytes, empty where there is none."""

    targets: tuple[ChecksumAddress, ...]


Read: TypeAlias = Batch | Script | Slot | Code
Rows: TypeAlias = Sequence[Any]  # one entry per row; None only where the batch is optional
Query: TypeAlias = Generator[tuple[Read, ...], tuple[Rows | WatcherError, ...], T]


def ask(*reads: Read) -> Generator[tuple[Read, ...], tuple[Rows | WatcherError, ...], tuple[Rows, ...]]:
    """Ask several reads in one round trip: ``flags, modes = yield from ask(a, b)``. Raises the first error among the answers."""
    answers = yield reads
    rows: list[Rows] = []
    for answer in answers:
        if isinstance(answer, WatcherError):
            raise answer
        rows.append(answer)
    return tuple(rows)


def each(function: str, targets: Iterable[ChecksumAddress], *, optional: bool = False) -> Batch:
    """The same call without arguments on every target."""
    column = tuple(targets)
    return Batch(function, column, ((),) * len(column), optional)


def one(
    function: str, target: ChecksumAddress, args: Iterable[tuple[Any, ...]] = ((),), *, optional: bool = False
) -> Batch:
    """One target called once for every tuple in `args`; by default once, without arguments."""
    rows = tuple(args)
    return Batch(function, (target,) * len(rows), rows, optional)


def pairs(function: str, calls: Iterable[tuple[ChecksumAddress, tuple[Any, ...]]], *, optional: bool = False) -> Batch:
    """Any targets with any arguments, as (target, arguments)."""
    rows = tuple(calls)
    return Batch(function, tuple(t for t, _ in rows), tuple(a for _, a in rows), optional)


def settled(value: T) -> Query[T]:
    """A query whose answer is already known: it asks nothing."""
    yield from ()
    return value


def together(queries: Sequence[Query[T]]) -> Query[tuple[T | WatcherError, ...]]:
    """Advance many queries in lockstep: all of them cost the round trips of the longest.

    A query that raises `WatcherError` ends as that error in its place and leaves the others running; any other exception is a bug
    and passes through.
    """
    results: list[T | WatcherError | None] = [None] * len(queries)
    wanted: dict[int, tuple[Read, ...]] = {}

    def advance(index: int, answers: tuple[Rows | WatcherError, ...] | None) -> None:
        query = queries[index]
        wanted.pop(index, None)
        try:
            wanted[index] = next(query) if answers is None else query.send(answers)
        except StopIteration as stop:
            results[index] = stop.value
        except WatcherError as error:
            results[index] = error

    for index in range(len(queries)):
        advance(index, None)
    while wanted:
        asked = list(wanted.items())
        answers = yield tuple(read for _, reads in asked for read in reads)
        start = 0
        for index, reads in asked:
            advance(index, tuple(answers[start : start + len(reads)]))
            start += len(reads)
    return tuple(results)  # type: ignore[arg-type]  # every place was filled when its query ended


def every(queries: Sequence[Query[Any]]) -> Query[tuple[Any, ...]]:
    """All results in lockstep, or the first error among them."""
    results = yield from together(queries)
    for result in results:
        if isinstance(result, WatcherError):
            raise result
    return results
