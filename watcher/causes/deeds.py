"""Whose deed changed a holding: the liquidations that the market logged between two known blocks, held against the amounts."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby, pairwise
from typing import Any

from watcher.adapter import Event, Liquidated
from watcher.adapters import adapter
from watcher.causes.stretch import AnyState, Known, Stretch
from watcher.chain.logs import logs
from watcher.connection import Connection
from watcher.errors import AnswerError, WatcherError
from watcher.model import Market, PositionKey
from watcher.risk.parted import parted
from watcher.search import Windows


async def states(
    line: Connection | None, of: Stretch, windows: Windows
) -> tuple[tuple[AnyState, ...], tuple[str, ...]]:
    """The states of a stretch as `explain` takes them, and why changes are called mixed that logs would have told.

    Asked is only for blocks in which a holding had changed, for the logs of the whole market: no account is named.
    """
    protocol = adapter(of.market.protocol)
    found: list[AnyState] = [of.cuts[0].state]
    notes: list[str] = []
    for before, after in pairwise(of.cuts):
        told: Sequence[Liquidated] | None = ()
        if before.holding != after.holding:
            try:
                told = await _liquidations(line, of.market, of.key, after, windows)
            except WatcherError as error:
                told = None
                notes.append(
                    f"blocks {after.since + 1} to {after.block.number}: own actions and liquidations are not told apart: {error}"
                )
        found += parted(protocol, before.state, after.state, told)
    return tuple(found), tuple(dict.fromkeys(notes))


async def _liquidations(
    line: Connection | None, market: Market, key: PositionKey, after: Known, windows: Windows
) -> tuple[Liquidated, ...]:
    """Those of the position up to a known block, in the order of the chain."""
    of = adapter(market.protocol)
    if line is None:
        raise AnswerError("no endpoint is known for its chain")
    if of.liquidations is None:
        raise AnswerError(f"{of.name} does not say which of its logs are liquidations")
    called: list[tuple[Event, Liquidated]] = []
    first, last = after.since + 1, after.block.number
    async for _, rows in logs(line.w3, of.liquidations(after.terms), first, last, windows=windows):
        called += [(event, told) for event, told in rows]
    settled: list[Liquidated] = []
    for number, some in groupby(called, key=lambda one: one[0].block):
        those = list(some)
        if any(told.key.key == key.key for _, told in those):
            settled += await _settled(line, market, after.terms, those, number, windows)
    return tuple(told for told in settled if told.key.key == key.key)


async def _settled(
    line: Connection,
    market: Market,
    terms: Any,
    called: Sequence[tuple[Event, Liquidated]],
    number: int,
    windows: Windows,
) -> tuple[Liquidated, ...]:
    """Those of one block, with what other logs of it add."""
    beside = adapter(market.protocol).beside
    if beside is None:
        return tuple(told for _, told in called)
    keys = tuple(dict.fromkeys(told.key for _, told in called))
    found: list[Event] = []
    async for _, rows in logs(line.w3, beside.logs(terms, keys), number, number, windows=windows):
        found += [event for event, _ in rows]
    return beside.settle(terms, called, found)
