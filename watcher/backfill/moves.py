"""The blocks at which accounts moved, by the logs that name them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from eth_typing import ChecksumAddress

from watcher.adapter import LogQuery, Moves, Touch
from watcher.adapters import adapter
from watcher.chain.abi import event
from watcher.chain.logs import logs
from watcher.connection import Connection
from watcher.model import PositionKey
from watcher.search import Windows

Moved = Mapping[int, frozenset[PositionKey]]  # by block number


def searches(protocol: str, terms: Sequence[Any], owners: Sequence[ChecksumAddress]) -> tuple[LogQuery[Moves], ...]:
    """The logs that say when `owners` moved in one market whose terms were these, at the addresses of all of them."""
    queries = [adapter(protocol).moves(one) for one in terms]
    addresses = tuple(dict.fromkeys(address for query in queries for address in query.addresses))
    return narrowed(replace(queries[-1], addresses=addresses), owners)


def narrowed(query: LogQuery[Moves], owners: Sequence[ChecksumAddress]) -> tuple[LogQuery[Moves], ...]:
    """The same query as several, each narrowed to `owners` in one topic; events that carry no free address topic stay as they are.

    An event that moves an account names it in a topic, or comes with another one that does. What only touches the terms is lost on
    purpose: they are proved at every block that is read.
    """
    topics = tuple(bytes(12) + bytes.fromhex(owner[2:]) for owner in owners)
    fixed = (*query.indexed, None, None, None)[:3]
    events: dict[int | None, list[str]] = {}
    for name in query.events:
        shape = event(name)
        kinds = [kind for kind, is_topic in zip(shape.types, shape.indexed, strict=True) if is_topic]
        places: list[int | None] = [
            place for place, kind in enumerate(kinds) if kind == "address" and fixed[place] is None
        ]
        for place in places or (None,):
            events.setdefault(place, []).append(name)
    return tuple(
        replace(
            query,
            events=tuple(names),
            indexed=query.indexed if place is None else (*fixed[:place], topics),
        )
        for place, names in events.items()
    )


async def moved(
    line: Connection,
    queries: Sequence[LogQuery[Moves]],
    everyone: frozenset[PositionKey],
    first: int,
    last: int,
    windows: Windows,
) -> Moved:
    """Which of `everyone` moved at which block from `first` to `last`. Raises as `chain.logs.logs` does."""
    found: dict[int, frozenset[PositionKey]] = {}
    for query in queries:
        async for _, rows in logs(line.w3, query, first, last, windows=windows):
            for log, move in rows:
                keys = everyone if move is Touch.EVERYONE else frozenset() if move is Touch.TERMS else move & everyone
                if keys:
                    found[log.block] = found.get(log.block, frozenset()) | keys
    return found
