"""Logs of a range of blocks, window by window: each endpoint gets windows of the size it serves.

Never moves past a block whose logs were not certainly served: not on an error, not on the empty answer of a node that is behind, has
pruned its logs, or has not indexed them yet.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

from watcher.adapter import Event, LogQuery
from watcher.chain.classify import Oversized, UnknownBlock
from watcher.chain.event import Book, decode_logs, known
from watcher.chain.link import Link, link
from watcher.chain.log import Log
from watcher.chain.log_proof import Header, complete, headers, held, keeps, received
from watcher.chain.node import Answer
from watcher.chain.rpc import Rpc
from watcher.errors import AnswerError, EndpointError, RangeTooWide, Refused, Transient

if TYPE_CHECKING:
    from web3 import AsyncWeb3

T = TypeVar("T")

START = 2_000  # blocks
STREAK = 3  # windows served before a larger one is tried
ROUNDS = 3  # how often all endpoints are asked while all of them are behind
LAG_PAUSE = 0.5  # seconds between these rounds
NEAR = 128  # blocks below the head, where an index may still be behind


@dataclass(slots=True)
class Window:
    """How many blocks one endpoint serves at once: half after a refusal, or what its text names; half as much again after a streak."""

    size: int = START
    ceiling: int | None = None  # nothing above it is tried again
    streak: int = 0
    kept: int | None = None  # the lowest block of which it was found to have logs

    def refused(self, blocks: int, suggested: int | None) -> None:
        """`blocks` were too many. A suggestion that is no smaller is not one."""
        self.size = suggested if suggested is not None and suggested < blocks else max(1, blocks // 2)
        self.ceiling = self.size if suggested == self.size else blocks - 1
        self.streak = 0

    def failed(self, blocks: int) -> None:
        """No answer in time: fewer blocks, but larger windows may be tried again later."""
        self.size = max(1, blocks // 2)
        self.streak = 0

    def served(self) -> None:
        self.streak += 1
        if self.streak >= STREAK:
            larger = max(self.size + 1, self.size * 3 // 2)
            self.size = larger if self.ceiling is None else min(larger, self.ceiling)
            self.streak = 0


async def logs(
    w3: AsyncWeb3[Any] | Rpc,
    query: LogQuery[T],
    first: int,
    last: int,
    *,
    backward: bool = False,
    deadline: float | None = None,
    windows: dict[str, Window] | None = None,
) -> AsyncIterator[tuple[int, list[tuple[Event, T]]]]:
    """Window after window: (block, rows), all logs from `first` up to and including that block being known by then.

    With `backward` it begins at `last`, newest log first, and everything down to and including that block is known. Ends without
    a word after `deadline` seconds: the last block yielded says how far it got. `windows` remembers sizes by endpoint; pass the same one
    again. Raises `EndpointError` when no endpoint serves the next window and `AnswerError` for a log that is not one of `query.events`.
    """
    walk = _Walk(link(w3), query, {} if windows is None else windows)
    end = None if deadline is None else asyncio.get_running_loop().time() + deadline
    while first <= last:
        try:
            async with asyncio.timeout_at(end):
                low, high, found = await walk.window(first, last, backward)
        except TimeoutError:
            return
        rows = [(event, query.read(event)) for event in ordered(walk.book, found, backward=backward)]
        if backward:
            last = low - 1
            yield low, rows
        else:
            first = high + 1
            yield high, rows


def ordered(book: Book, found: Sequence[Log], *, backward: bool = False) -> list[Event]:
    """Decoded, each once, in the order of the chain or against it. Two hashes of one block cannot both be canonical."""
    events = {(event.block, event.block_hash, event.index): event for event in decode_logs(book, found)}
    if len({(block, mined) for block, mined, _ in events}) > len({block for block, _, _ in events}):
        raise AnswerError("the logs of one block carry two block hashes; ask again")
    return [events[place] for place in sorted(events, reverse=backward)]


class _Walk:
    """The endpoints in the order they are tried; the one that served last stays first."""

    def __init__(self, source: Link, query: LogQuery[Any], windows: dict[str, Window]) -> None:
        self.book = known(query.events)
        self._source = source
        self._filter = filtered(self.book, query)
        self._windows = windows
        self._names = list(source.endpoints)

    async def window(self, first: int, last: int, backward: bool) -> tuple[int, int, list[Log]]:
        """(lowest block, highest block, raw logs) of the next window that an endpoint serves."""
        errors: list[EndpointError] = []
        for attempt in range(ROUNDS):
            await asyncio.sleep(LAG_PAUSE if attempt else 0)
            errors = []
            for name in tuple(self._names):
                served = await self._from(name, first, last, backward)
                if not isinstance(served, EndpointError):
                    self._names.remove(name)
                    self._names.insert(0, name)
                    return served
                errors.append(served)
            if not any(isinstance(error, UnknownBlock) for error in errors):
                break
        raise errors[0]

    async def _from(
        self, name: str, first: int, last: int, backward: bool
    ) -> tuple[int, int, list[Log]] | EndpointError:
        window = self._windows.setdefault(name, Window())
        failures = 0
        while True:
            size = min(window.size, last - first + 1)
            low, high = (last - size + 1, last) if backward else (first, first + size - 1)
            try:
                found = await self._ask(name, low, high)
            except (RangeTooWide, Oversized) as error:
                if size == 1:
                    return error
                window.refused(size, error.suggested if isinstance(error, RangeTooWide) else None)
            except Transient as error:
                failures += 1
                if failures == 2:
                    return error
                window.failed(size)
            except EndpointError as error:
                return error
            else:
                if size == window.size:
                    window.served()
                return low, high, found

    async def _ask(self, name: str, low: int, high: int) -> list[Log]:
        view, window = self._source.only(name), self._windows[name]
        if low == high:
            (block,) = await headers(view, [low])
            found = await self._single(view, block)
            await held(view, self._filter, [block], found)
            return found
        if window.kept is None or low < window.kept:
            await keeps(view, low, high)
            window.kept = low
        head, found = await self._range(view, low, high)
        if head - high < NEAR:
            await complete(view, self._filter, low, high, found)
        return found

    async def _single(self, view: Link, block: Header) -> list[Log]:
        try:
            return received(await view.ask("eth_getLogs", [{**self._filter, "blockHash": block["hash"]}]))
        except UnknownBlock:
            raise
        except Refused:  # not every endpoint takes a hash here; the block is known to it, so its range is safe too
            number = int(block["number"], 16)
            return (await self._range(view, number, number))[1]

    async def _range(self, view: Link, low: int, high: int) -> tuple[int, list[Log]]:
        """The newest block that the endpoint knows, and the logs."""
        wanted = {**self._filter, "fromBlock": hex(low), "toBlock": hex(high)}
        number, found = await _both(view, ("eth_blockNumber", []), ("eth_getLogs", [wanted]))
        head = int(number.value, 16)
        if head < high:  # asked every time: behind one name there may be several nodes, some far behind the others
            reason = f"its newest block is {head}, logs up to {high} were asked"
            raise UnknownBlock(view.endpoints[0], reason, 0)
        return head, received(found)


async def _both(view: Link, *asked: tuple[str, Sequence[Any]]) -> list[Answer]:
    """Two answers of one endpoint, in one HTTP request where it takes two."""
    replies = await view.ask_batch(asked)
    if all(type(reply) is Refused for reply in replies):
        return [await view.ask(method, params) for method, params in asked]
    for reply in replies:
        if not isinstance(reply, Answer):
            raise reply
    return [reply for reply in replies if isinstance(reply, Answer)]


def filtered(book: Book, query: LogQuery[Any]) -> dict[str, Any]:
    """The filter of `eth_getLogs`, but for its blocks."""
    first = sorted({topic for topic, _ in book})
    rest = [None if words is None else [f"0x{word.hex()}" for word in words] for words in query.indexed]
    return {"address": list(query.addresses), "topics": [first, *rest]}
