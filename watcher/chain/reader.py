"""`Reader` runs queries: every read of a query at one block, and the block still canonical when the last answer is in."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterable, Sequence
from math import inf
from typing import TYPE_CHECKING, Any, TypeVar, assert_never

from eth_typing import ChecksumAddress, HexStr

from watcher.chain.abi import Function, function
from watcher.chain.classify import UnknownBlock
from watcher.chain.codec import decode, encode
from watcher.chain.lane import Answered, Lane
from watcher.chain.link import Link, link
from watcher.chain.multicall import CANONICAL, Result, Sent
from watcher.chain.pinned import Pinned
from watcher.chain.rpc import Rpc
from watcher.errors import AnswerError, CallReverted, ChainError, EndpointError, StaleHead, WatcherError
from watcher.model import BlockRef
from watcher.query import Batch, Code, Outcome, Query, Read, Rows, Script, Slot

if TYPE_CHECKING:
    from web3 import AsyncWeb3

T = TypeVar("T")
TAGS = ("latest", "safe", "finalized", "earliest")


class Reader:
    """``reader = Reader(w3); block = await reader.head(); terms = await reader.run(adapter.terms(market), block)``

    Works on any AsyncWeb3, and on our own client without one. `multicall` None means that the chain has no Multicall3. `stale_after` is
    in seconds: a "latest" block that is older cannot stand for the present. `rounds` counts the round trips that queries have asked for.
    """

    def __init__(
        self,
        w3: AsyncWeb3[Any] | Rpc,
        *,
        multicall: ChecksumAddress | None = CANONICAL,
        stale_after: float | None = None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._link = link(w3)
        self._pinned = Pinned(self._link)
        self._lane = Lane(self._pinned, multicall)
        self._limit = inf if stale_after is None else stale_after
        self._clock = clock
        self._chain: int | None = None
        self.rounds = 0

    async def head(self, block: int | str = "latest") -> BlockRef:
        """The block of that number, tag or 32-byte hash. `StaleHead` when "latest" is too old, `UnknownBlock` when there is none yet."""
        ref = await self._block(self._link, block)
        if block != "latest" or self._age(ref) <= self._limit:
            return ref
        for name in self._link.endpoints:  # the first one to answer is behind: another may not be
            try:
                other = await self._block(self._link.only(name), block)
            except EndpointError:
                continue
            if self._age(other) <= self._limit:
                return other
        age = f"{self._age(ref):.0f} s old"
        raise StaleHead(f"the newest block of chain {ref.chain}, {ref.number}, is {age}; try another endpoint")

    async def _block(self, source: Link, block: int | str) -> BlockRef:
        if self._chain is None:
            self._chain = int((await self._link.ask("eth_chainId")).value, 16)
        by_hash = isinstance(block, str) and block not in TAGS
        method = "eth_getBlockByHash" if by_hash else "eth_getBlockByNumber"
        asked = block if isinstance(block, str) else hex(block)
        found = (await source.ask(method, [asked, False])).value
        number, timestamp = int(found["number"], 16), int(found["timestamp"], 16)
        return BlockRef(number, timestamp, self._chain, HexStr(found["hash"].lower()))

    def _age(self, block: BlockRef) -> float:
        return self._clock() - block.timestamp

    async def run(self, query: Query[T], block: BlockRef) -> T:
        """What the query comes to at `block`. Raises what the query raises, `EndpointError`, or `BlockChanged` when the block is gone."""
        asked = False
        try:
            reads = next(query)
            while True:
                asked = True
                self.rounds += 1
                reads = query.send(await self._round(reads, block))
        except StopIteration as stop:
            value: T = stop.value
        except EndpointError:
            raise
        except WatcherError:
            if asked:
                await self._pinned.canonical(block)  # a block that is gone explains whatever went wrong
            raise
        finally:
            query.close()
        if asked:
            await self._pinned.canonical(block)
        return value

    async def _round(self, reads: Sequence[Read], block: BlockRef) -> tuple[Rows | WatcherError, ...]:
        batches = [read for read in reads if isinstance(read, Batch)]
        others = [read for read in reads if not isinstance(read, Batch)]
        (columns, answers) = await asyncio.gather(
            self._batches(batches, block), asyncio.gather(*(self._other(read, block) for read in others))
        )
        queues = iter(columns), iter(answers)
        return tuple(next(queues[0 if isinstance(read, Batch) else 1]) for read in reads)

    async def _batches(self, batches: Sequence[Batch], block: BlockRef) -> list[Rows | WatcherError]:
        """All batches of a round as one list of calls."""
        functions = [function(batch.function) for batch in batches]
        calls = [
            Sent(target, encode(shape, args))
            for shape, batch in zip(functions, batches, strict=True)
            for target, args in zip(batch.targets, batch.args, strict=True)
        ]
        answers = iter(await self._lane.results(block, calls))
        return [
            _rows(shape, batch, [next(answers) for _ in batch.targets])
            for shape, batch in zip(functions, batches, strict=True)
        ]

    async def _other(self, read: Script | Slot | Code, block: BlockRef) -> Rows | WatcherError:
        try:
            match read:
                case Script():
                    return await self._script(read, block)
                case Slot():
                    words = await self._column(
                        block, "eth_getStorageAt", zip(read.targets, map(hex, read.slots), strict=True)
                    )
                    return [(int(word, 16),) for word in words]
                case Code():
                    codes = await self._column(block, "eth_getCode", ((target,) for target in read.targets))
                    return [(bytes.fromhex(code[2:]),) for code in codes]
                case _:
                    assert_never(read)
        except UnknownBlock:
            raise
        except (EndpointError, AnswerError) as error:
            return error

    async def _column(self, block: BlockRef, method: str, rows: Iterable[tuple[str, ...]]) -> list[str]:
        return list(await asyncio.gather(*(self._pinned.ask(block, method, row) for row in rows)))

    async def _script(self, script: Script, block: BlockRef) -> Rows:
        functions = [function(call.function) for call in script.calls]
        calls = [
            Sent(call.target, encode(shape, call.args)) for shape, call in zip(functions, script.calls, strict=True)
        ]
        mute = dict.fromkeys(call.target for shape, call in zip(functions, calls, strict=True) if not shape.outputs)
        results, codes = await asyncio.gather(
            self._lane.script(block, calls), self._column(block, "eth_getCode", ((target,) for target in mute))
        )
        for target, code in zip(mute, codes, strict=True):
            if code == "0x":  # a call that answers nothing looks as if it had succeeded there
                raise AnswerError(f"there is no contract at {target}, so its calls change nothing")
        return [_outcome(shape, result) for shape, result in zip(functions, results, strict=True)]


def _rows(shape: Function, batch: Batch, answers: Sequence[Answered]) -> Rows | WatcherError:
    """The decoded rows, or the first error among them. Only what the chain itself answered may be absent."""
    rows: list[Any] = []
    for target, answer in zip(batch.targets, answers, strict=True):
        if isinstance(answer, WatcherError):
            return answer
        row = _row(shape, target, answer)
        if isinstance(row, WatcherError):
            if not batch.optional:
                return row
            rows.append(None)
        else:
            rows.append(row)
    return rows


def _row(shape: Function, target: ChecksumAddress, answer: Result) -> tuple[Any, ...] | ChainError | AnswerError:
    if not answer.success:
        return CallReverted(f"{shape.name} of {target}", answer.data)
    try:
        return decode(shape, answer.data)
    except AnswerError as refusal:
        return AnswerError(f"{target}: {refusal}")


def _outcome(shape: Function, result: Result) -> Outcome:
    """A call that succeeded with what its ABI does not allow counts as undecodable: `AnswerError`."""
    return Outcome(decode(shape, result.data), b"") if result.success else Outcome(None, result.data)
