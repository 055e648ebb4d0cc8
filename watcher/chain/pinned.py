"""State of one block, by hash. Requests made in the same turn of the loop travel in one HTTP request where they fit.

EIP-1898 first. An endpoint that does not take block objects is read by number, with the hash compared before and after. A block is
only called changed when its number is seen with another hash; a node that does not know it is merely behind.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from watcher.chain.classify import ExecutionFailed, Oversized, UnknownBlock
from watcher.chain.link import Link
from watcher.chain.node import Answer
from watcher.errors import BlockChanged, EndpointError, Refused, WatcherError
from watcher.model import BlockRef

FLIGHTS = 4  # HTTP requests under way at once
ARRAY = 50  # requests in one HTTP request, until an endpoint wants fewer
LOAD = 300  # calls in one HTTP request


@dataclass(frozen=True, slots=True)
class _Wish:
    block: BlockRef
    method: str
    params: Sequence[Any]  # without the block
    load: int  # how many calls are inside
    answer: asyncio.Future[Any]


class Pinned:
    """``await pinned.ask(block, "eth_getCode", ["0x…"])``"""

    def __init__(self, link: Link) -> None:
        self._link = link
        self._wishes: list[_Wish] = []
        self._flights = asyncio.Semaphore(FLIGHTS)
        self._array = ARRAY
        self._numbered: Link | None = None  # the endpoint that is read by number, once it is known to need it
        self._sending: set[asyncio.Task[None]] = set()

    async def ask(self, block: BlockRef, method: str, params: Sequence[Any], load: int = 1) -> Any:
        """The result of `method` at `block`. Raises `EndpointError`, or `BlockChanged` where that is proved."""
        loop = asyncio.get_running_loop()
        wish = _Wish(block, method, params, load, loop.create_future())
        self._wishes.append(wish)
        if len(self._wishes) == 1:
            task = loop.create_task(self._flush())
            self._sending.add(task)
            task.add_done_callback(self._sending.discard)
        return await wish.answer

    async def canonical(self, block: BlockRef) -> None:
        """Raises `BlockChanged` when the block's number has another hash, `UnknownBlock` when the endpoint has not got so far."""
        await _same(self._link, block)

    async def _flush(self) -> None:
        await asyncio.sleep(0)  # let everything that is asked in this turn arrive
        wishes, self._wishes = self._wishes, []
        await asyncio.gather(*(self._settle(pack) for pack in _packs(wishes, self._array)))

    async def _settle(self, pack: Sequence[_Wish]) -> None:
        try:
            async with self._flights:
                replies = await self._read(pack[0].block, [(wish.method, wish.params) for wish in pack])
        except WatcherError as error:
            replies = [error] * len(pack)
        for wish, reply in zip(pack, replies, strict=True):
            if wish.answer.done():
                continue
            if isinstance(reply, WatcherError):
                wish.answer.set_exception(reply)
            else:
                wish.answer.set_result(reply.value)

    async def _read(
        self, block: BlockRef, asked: Sequence[tuple[str, Sequence[Any]]]
    ) -> Sequence[Answer | WatcherError]:
        if self._numbered is not None:
            try:
                return await self._by_number(self._numbered, block, asked)
            except EndpointError:
                self._numbered = None  # it does not answer now: ask the others again
        pin = {"blockHash": block.hash, "requireCanonical": True}
        replies = await self._send(self._link, [(method, (*params, pin)) for method, params in asked])
        refusal = next((reply for reply in replies if type(reply) is Refused), None)
        if refusal is not None and not any(isinstance(reply, (Answer, ExecutionFailed)) for reply in replies):
            numbered = self._link.only(refusal.endpoint)
            again = await self._by_number(numbered, block, asked)
            if any(isinstance(reply, (Answer, ExecutionFailed)) for reply in again):
                self._numbered = numbered
                return again
        if any(isinstance(reply, UnknownBlock) for reply in replies):
            await _same(self._link, block)
        return replies

    async def _by_number(
        self, link: Link, block: BlockRef, asked: Sequence[tuple[str, Sequence[Any]]]
    ) -> list[Answer | EndpointError]:
        await _same(link, block)
        replies = await self._send(link, [(method, (*params, hex(block.number))) for method, params in asked])
        await _same(link, block)
        return replies

    async def _send(self, link: Link, asked: Sequence[tuple[str, Sequence[Any]]]) -> list[Answer | EndpointError]:
        """One HTTP request; where arrays are refused, smaller ones and at last single requests, remembered."""
        if len(asked) == 1:
            return [await _one(link, *asked[0])]
        if len(asked) <= self._array:
            replies = await _many(link, asked)
            if all(isinstance(reply, Oversized) for reply in replies):
                middle = len(asked) // 2
                return [*await self._send(link, asked[:middle]), *await self._send(link, asked[middle:])]
            if not all(type(reply) is Refused for reply in replies):
                return replies
            alone = await _one(link, *asked[0])
            if type(alone) is Refused:
                return replies  # it is not the array that is refused
            self._array = min(self._array, len(asked) // 2)
        parts = [asked[start : start + self._array] for start in range(0, len(asked), self._array)]
        return [reply for part in parts for reply in await self._send(link, part)]


def _packs(wishes: Sequence[_Wish], array: int) -> list[list[_Wish]]:
    """What may travel together: one block, no more than `array` requests and `LOAD` calls."""
    packs: list[list[_Wish]] = []
    load = 0
    for wish in wishes:
        fits = packs and packs[-1][0].block == wish.block and len(packs[-1]) < array and load + wish.load <= LOAD
        if not fits:
            packs.append([])
            load = 0
        packs[-1].append(wish)
        load += wish.load
    return packs


async def _one(link: Link, method: str, params: Sequence[Any]) -> Answer | EndpointError:
    try:
        return await link.ask(method, params)
    except EndpointError as error:
        return error


async def _many(link: Link, asked: Sequence[tuple[str, Sequence[Any]]]) -> list[Answer | EndpointError]:
    try:
        return await link.ask_batch(asked)
    except EndpointError as error:
        return [error] * len(asked)


async def _same(link: Link, block: BlockRef) -> None:
    answer = await link.ask("eth_getBlockByNumber", [hex(block.number), False])
    if answer.value["hash"].lower() != block.hash:
        raise BlockChanged(f"block {block.number} of chain {block.chain} is no longer {block.hash[:10]}…; read again")
