"""What one step of a followed market reads: the logs since the last one, terms and quote, and the holdings of whoever moved."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from watcher.adapter import Adapter, Touch
from watcher.chain.logs import logs
from watcher.connection import Connection
from watcher.errors import BlockChanged, WatcherError
from watcher.model import BlockRef, Market, PositionKey
from watcher.query import Query, together
from watcher.search import Windows


@dataclass(frozen=True, slots=True)
class Stride:
    """One market brought to `block`. `quote` is as stored; `held` are the positions that may have changed, as they are there.

    `everyone` says that all of them were read again.
    """

    block: BlockRef
    terms: Any
    quote: Any
    held: Mapping[PositionKey, Any]
    everyone: bool = False


@dataclass(frozen=True, slots=True)
class Moved:
    """Whom the logs of some blocks name, and whether they touch everybody, or the rules."""

    keys: frozenset[PositionKey]
    everyone: bool
    terms: bool


async def stride(
    line: Connection,
    market: Market,
    of: Adapter[Any, Any, Any],
    terms: Any,
    members: Iterable[PositionKey],
    since: BlockRef,
    head: BlockRef,
    windows: Windows,
) -> Stride:
    """From `since`, where everything is known, to `head`: one log query, one batch for rules and quote, one for whoever moved.

    The number of calls follows the moves, never the members. Raises `BlockChanged` where a log is of another branch, and what the
    endpoints fail with.
    """
    moved = await moves(line, of, terms, since.number + 1, head, windows)
    keys = tuple(members) if moved.everyone else tuple(moved.keys)
    found = await line.reader.run(_state(of, market, terms, keys, anew=moved.terms), head)
    return Stride(head, *found, moved.everyone)


async def moves(
    line: Connection, of: Adapter[Any, Any, Any], terms: Any, first: int, head: BlockRef, windows: Windows
) -> Moved:
    """Whom the logs from block `first` to `head` name. Nothing is computed from a log."""
    keys: set[PositionKey] = set()
    everyone = rules = False
    async for _, rows in logs(line.w3, of.moves(terms), first, head.number, windows=windows):
        for event, move in rows:
            if event.block == head.number and event.block_hash != head.hash:
                raise BlockChanged(f"block {head.number} of chain {head.chain} is no longer {head.hash[:10]}…")
            if isinstance(move, frozenset):
                keys |= move
            else:
                everyone |= move is Touch.EVERYONE
                rules |= move is Touch.TERMS
    return Moved(frozenset(keys), everyone, rules)


def _state(
    of: Adapter[Any, Any, Any], market: Market, terms: Any, keys: tuple[PositionKey, ...], *, anew: bool
) -> Query[tuple[Any, Any, Mapping[PositionKey, Any]]]:
    """Quote and holdings under terms that are proved fresh in the same trip; under new ones where they are not."""
    if anew:
        terms = yield from of.terms(market)
    asked: tuple[Query[Any], ...] = (of.fresh(terms), of.quote(terms), of.holdings(terms, keys))
    answers: tuple[Any, ...] = yield from together(asked)
    if answers[0] is False and not anew:
        return (yield from _state(of, market, terms, keys, anew=True))
    for answer in answers:
        if isinstance(answer, WatcherError):
            raise answer
    return terms, answers[1], answers[2]


async def words(line: Connection, of: Adapter[Any, Any, Any], market: Market, step: Stride) -> tuple[Any, Any]:
    """Terms and quote at the step's block, by this line's word: for whoever asks a second endpoint."""
    terms, quote, _ = await line.reader.run(_state(of, market, step.terms, (), anew=False), step.block)
    return terms, quote
