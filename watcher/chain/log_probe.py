"""Which endpoints have the logs of a range: before discovery each must return a known early log, and another at each tenth of the range.

A pruned node answers old filtered logs with `[]`. So a log that one endpoint returns is asked of all the others, each held against its own
header of that block; where nobody returns any, each must have all logs of a block there, whosever they are.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Final

from watcher.adapter import Event, LogQuery
from watcher.chain.bloom import bloom, may_hold
from watcher.chain.event import known
from watcher.chain.link import Link
from watcher.chain.log_proof import Header, Withheld, headers, keeps, received
from watcher.chain.logs import filtered, logs
from watcher.chain.rpc import Rpc
from watcher.errors import Lying, WatcherError

PARTS: Final = 10
SAMPLE: Final = 500  # blocks in which a log is looked for at first
WIDER: Final = (1, 4, 16)  # times so many, where there is none


@dataclass(frozen=True, slots=True)
class Probed:
    """`barred` says of an endpoint why it may not be asked for these logs, `landmarks` which logs the others have all returned."""

    fit: tuple[str, ...]
    barred: Mapping[str, WatcherError]
    landmarks: tuple[Event, ...]


async def probe(source: Rpc, query: LogQuery[Any], first: int, last: int) -> Probed:
    """Asks every endpoint of `source` for logs of `query` at the beginning of each tenth of `first` to `last`; never raises `WatcherError`.

    `last` is to be final: a block that a reorg has replaced would bar whoever has the new one.
    """
    barred: dict[str, WatcherError] = {}
    landmarks: list[Event] = []
    for low, high in tenths(first, last):
        names = [name for name in source.endpoints if name not in barred]
        landmark, failed = await _landmark(source, names, query, low, high)
        barred |= failed
        names = [name for name in names if name not in barred]
        barred |= await _at(source, names, query, landmark) if landmark else await _nothing(source, names, low, high)
        if landmark is not None:
            landmarks.append(landmark)
    return Probed(tuple(name for name in source.endpoints if name not in barred), barred, tuple(landmarks))


def tenths(first: int, last: int) -> list[tuple[int, int]]:
    """The range in ten parts, fewer where it has fewer blocks."""
    edges = sorted({first + (last - first + 1) * part // PARTS for part in range(PARTS + 1)})
    return [(low, following - 1) for low, following in pairwise(edges)]


async def _landmark(
    source: Rpc, names: Sequence[str], query: LogQuery[Any], low: int, high: int
) -> tuple[Event | None, dict[str, WatcherError]]:
    """The earliest log that any of them returns from the first blocks of a part, and who could not answer at all."""
    failed: dict[str, WatcherError] = {}
    for times in WIDER:
        end = min(high, low + SAMPLE * times - 1)
        asked = [name for name in names if name not in failed]
        answers = await _each(asked, lambda name, end=end: _sample(source.only(name), query, low, end))
        failed |= {name: answer for name, answer in answers.items() if isinstance(answer, WatcherError)}
        found = [event for answer in answers.values() if not isinstance(answer, WatcherError) for event in answer]
        if found:
            return min(found, key=lambda event: (event.block, event.index)), failed
        if end == high:
            break
    return None, failed


async def _sample(view: Rpc, query: LogQuery[Any], low: int, high: int) -> list[Event]:
    return [event async for _, rows in logs(view, query, low, high) for event, _ in rows]


async def _at(source: Rpc, names: Sequence[str], query: LogQuery[Any], landmark: Event) -> dict[str, WatcherError]:
    """Who has not got the landmark. Where they name different blocks of its number, whoever is not with the most is barred."""
    found = await _each(names, lambda name: _header(source.only(name), landmark.block))
    barred = {name: answer for name, answer in found.items() if isinstance(answer, WatcherError)}
    blocks = {name: answer for name, answer in found.items() if not isinstance(answer, WatcherError)}
    agreed = _most([header["hash"].lower() for header in blocks.values()])
    for name, header in blocks.items():
        if header["hash"].lower() != agreed:
            barred[name] = Lying(name, f"has another block {landmark.block} than others, far below the head")
    wanted = filtered(known(query.events), query)
    asked = [name for name in blocks if name not in barred]
    answers = await _each(asked, lambda name: _has(source.only(name), wanted, blocks[name], landmark))
    return barred | {name: answer for name, answer in answers.items() if isinstance(answer, WatcherError)}


async def _header(view: Link, number: int) -> Header:
    (header,) = await headers(view, [number])
    return header


def _most(hashes: Sequence[str]) -> str | None:
    """The hash that more of them name than all others together."""
    return next((one for one, count in Counter(hashes).items() if 2 * count > len(hashes)), None)


async def _has(view: Link, wanted: Mapping[str, Any], header: Header, landmark: Event) -> bool:
    """Raises `Withheld` where the endpoint lacks the landmark, `Lying` where it has one that its own header rules out."""
    number, mined, name = header["number"], header["hash"].lower(), view.endpoints[0]
    answer = received(await view.ask("eth_getLogs", [{**wanted, "fromBlock": number, "toBlock": number}]))
    marks = bloom(header)
    ruled_out = marks is not None and not may_hold(marks, wanted)
    if any(ruled_out or log.blockHash.lower() != mined for log in answer):
        raise Lying(name, f"returns a log of block {landmark.block} that its header rules out")
    here = any(int(log.logIndex, 16) == landmark.index for log in answer)
    if not here and not ruled_out and landmark.block_hash == mined:
        raise Withheld(name, f"has no log {landmark.index} of block {landmark.block}, which others have", 0)
    return True


async def _nothing(source: Rpc, names: Sequence[str], low: int, high: int) -> dict[str, WatcherError]:
    """Who keeps back the logs of others too, in a part where nobody returned one of ours."""
    answers = await _each(names, lambda name: keeps(source.only(name), low, high))
    return {name: answer for name, answer in answers.items() if isinstance(answer, WatcherError)}


async def _each(names: Sequence[str], ask: Any) -> dict[str, Any]:
    """What each endpoint answers, side by side; the error where it fails."""

    async def one(name: str) -> Any:
        try:
            return await ask(name)
        except WatcherError as error:
            return error

    return dict(zip(names, await asyncio.gather(*map(one, names)), strict=True))
