"""Many calls at one block through Multicall3, so that no call can spoil another's answer.

A failing aggregate is halved down to the culprit, which is asked alone from then on. Where there is no Multicall3, every call is an
`eth_call` of its own.
"""

from __future__ import annotations

import asyncio
from collections.abc import Sequence

from eth_typing import ChecksumAddress, HexAddress, HexStr

from watcher.chain.classify import ExecutionFailed, Oversized, UnknownBlock
from watcher.chain.codec import decode
from watcher.chain.multicall import TIMESTAMP, Result, Sent, pack, unpack
from watcher.chain.pinned import LOAD, Pinned
from watcher.errors import AnswerError, EndpointError, Refused, Transient, WatcherError
from watcher.model import BlockRef

SIZE = 300  # calls in one aggregate, until an endpoint wants fewer
DEPTH = 3  # how often an aggregate is halved when the endpoint just does not answer

# modexp with 1024-byte operands: 350,000 gas by EIP-2565, 4.2 million by EIP-7883, next to no work on zeros. When it succeeds as the
# last call, every call before it had at least that much, so what failed did not fail for a neighbour that took all the gas.
PROOF = Sent(
    ChecksumAddress(HexAddress(HexStr("0x0000000000000000000000000000000000000005"))),
    (1024).to_bytes(32) + (40).to_bytes(32) + (1024).to_bytes(32),
)

TOO_MUCH = (ExecutionFailed, Oversized)  # about this aggregate, not about the endpoint

Answered = Result | WatcherError  # the error when nothing is known about the call


class Lane:
    """`size` and `alone` are what was learned about the endpoint and about hostile calls; both outlive a query."""

    def __init__(self, pinned: Pinned, multicall: ChecksumAddress | None) -> None:
        self._pinned = pinned
        self._multicall = multicall
        self._absent = -1  # the highest block at which there was no Multicall3
        self.size = SIZE
        self.alone: set[Sent] = set()

    async def results(self, block: BlockRef, calls: Sequence[Sent]) -> list[Answered]:
        """One entry per call, in order: what it answered, or the error that kept it from being asked."""
        if self._multicall is None or block.number <= self._absent:
            return await self._singly(block, calls)
        apart = [place for place, call in enumerate(calls) if call in self.alone]
        among = [place for place, call in enumerate(calls) if call not in self.alone]
        chunks = [among[start : start + self.size] for start in range(0, len(among), self.size)]
        parts = await asyncio.gather(
            self._singly(block, [calls[place] for place in apart]),
            *(self._aggregate(block, [calls[place] for place in chunk]) for chunk in chunks),
        )
        found: dict[int, Answered] = {}
        for places, answers in zip((apart, *chunks), parts, strict=True):
            found.update(zip(places, answers, strict=True))
        return [found[place] for place in range(len(calls))]

    async def script(self, block: BlockRef, calls: Sequence[Sent]) -> list[Result]:
        """The calls one after another in one simulated transaction. There is no other way to do that than Multicall3."""
        results = await self._together(block, calls)
        if results is None:
            raise AnswerError(
                f"chain {block.chain} has no Multicall3 at block {block.number}: calls cannot build on each other"
            )
        return results

    async def _together(self, block: BlockRef, calls: Sequence[Sent]) -> list[Result] | None:
        """One aggregate, None where there is no Multicall3. Raises `EndpointError`; `AnswerError` when it ran at another time."""
        if self._multicall is None:
            return None
        data = pack((*calls, Sent(self._multicall, TIMESTAMP.selector)))
        request = {"to": self._multicall, "data": f"0x{data.hex()}"}
        answer = bytes.fromhex((await self._pinned.ask(block, "eth_call", [request], len(calls)))[2:])
        if not answer:
            self._absent = max(self._absent, block.number)
            return None
        *results, clock = unpack(answer, len(calls) + 1)
        if clock.success:
            (timestamp,) = decode(TIMESTAMP, clock.data)
            if timestamp != block.timestamp:
                raise AnswerError(f"the calls ran at time {timestamp}, not at block {block.number}'s {block.timestamp}")
        return results

    async def _aggregate(self, block: BlockRef, calls: Sequence[Sent], depth: int = 0) -> list[Answered]:
        if not calls:
            return []
        try:
            results = await self._together(block, (*calls, PROOF))
        except UnknownBlock:
            raise
        except (Refused, Transient) as failure:
            if depth >= DEPTH and not isinstance(failure, TOO_MUCH):
                raise
            return await self._halved(block, calls, depth, failure)
        if results is None:
            return await self._singly(block, calls)
        proof = results.pop()
        enough = proof.success and len(proof.data) == 1024
        return await self._rescued(block, calls, results, enough)

    async def _halved(
        self, block: BlockRef, calls: Sequence[Sent], depth: int, failure: EndpointError
    ) -> list[Answered]:
        if len(calls) == 1:
            if isinstance(failure, TOO_MUCH):
                self.alone.add(calls[0])
            return await self._singly(block, calls)
        middle = len(calls) // 2
        answers: list[Answered] = []
        for part in (calls[:middle], calls[middle:]):
            answers += await self._aggregate(block, part, depth + 1)
        if not self.alone.intersection(calls):  # nobody is to blame: together they are too much
            self.size = min(self.size, middle)
        return answers

    async def _rescued(
        self, block: BlockRef, calls: Sequence[Sent], results: list[Result], enough: bool
    ) -> list[Answered]:
        """Ask again what a neighbour may have starved: what failed without a word, and without a proof of gas all that came after."""
        failed = [place for place, result in enumerate(results) if not result.success and not result.data]
        if not failed or enough:
            return list(results)
        later = [place for place in range(failed[0], len(calls)) if place not in failed]
        once_more, rest = await asyncio.gather(
            self._singly(block, [calls[place] for place in failed]),
            self._aggregate(block, [calls[place] for place in later]),
        )
        for place, answer in zip(failed, once_more, strict=True):
            if not (isinstance(answer, Result) and answer.success):
                self.alone.add(calls[place])
        answers: list[Answered] = list(results)
        for place, answer in zip((*failed, *later), (*once_more, *rest), strict=True):
            answers[place] = answer
        return answers

    async def _singly(self, block: BlockRef, calls: Sequence[Sent]) -> list[Answered]:
        return list(await asyncio.gather(*(self._single(block, call) for call in calls)))

    async def _single(self, block: BlockRef, call: Sent) -> Answered:
        load = LOAD if call in self.alone else 1  # a culprit shares no HTTP request either
        try:
            answer = await self._pinned.ask(
                block, "eth_call", [{"to": call.target, "data": f"0x{call.data.hex()}"}], load
            )
        except ExecutionFailed as failure:
            return Result(False, failure.revert)
        except UnknownBlock:
            raise
        except (Refused, Transient) as failure:
            return failure
        return Result(True, bytes.fromhex(answer[2:]))
