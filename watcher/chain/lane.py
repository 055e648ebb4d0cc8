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
ANEW = 0.1  # seconds before an answer from another block is asked for once more
DEPTH = 2  # how often an aggregate is halved when the endpoint just does not answer

# modexp with 1024-byte operands: 1 million gas by EIP-2565, 12 million by EIP-7883, next to no work on zeros. A call that takes all the
# gas it is given leaves a 64th of the usual 50 million behind; so when this succeeds as the last call, no neighbour was starved.
PROOF = Sent(
    ChecksumAddress(HexAddress(HexStr("0x0000000000000000000000000000000000000005"))),
    (1024).to_bytes(32) + (55).to_bytes(32) + (1024).to_bytes(32),
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
        self._ceiling = SIZE  # lower once an endpoint has said no; a passing failure lowers the size only for a while
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
        """One aggregate, None where there is no Multicall3. Raises `EndpointError`; `AnswerError` when it ran at another time twice.

        The time is compared and not the number, which Arbitrum's EVM takes from Ethereum. An aggregate that leaves no gas to tell the time
        has proved nothing: `ExecutionFailed`, as if it had not fitted.
        """
        if self._multicall is None:
            return None
        data = pack((*calls, Sent(self._multicall, TIMESTAMP.selector)))
        request = {"to": self._multicall, "data": f"0x{data.hex()}"}
        for last in (
            False,
            True,
        ):  # a node may answer from the block that it is just making: its next answer is of this one
            answer = bytes.fromhex((await self._pinned.ask(block, "eth_call", [request], len(calls)))[2:])
            if not answer:
                self._absent = max(self._absent, block.number)
                return None
            *results, clock = unpack(answer, len(calls) + 1)
            if not clock.success:
                raise ExecutionFailed("Multicall3", "the calls left no gas to tell at which block they ran", 0)
            (timestamp,) = decode(TIMESTAMP, clock.data)
            if timestamp == block.timestamp:
                return results
            if not last:
                await asyncio.sleep(ANEW)
        raise AnswerError(f"the calls ran at time {timestamp}, not at block {block.number}'s {block.timestamp}")

    async def _aggregate(
        self, block: BlockRef, calls: Sequence[Sent], *, depth: int = 0, rescue: bool = False
    ) -> list[Answered]:
        """`depth` counts the halvings so far; `rescue` says that these calls are asked again already."""
        if not calls:
            return []
        try:
            results = await self._together(block, (*calls, PROOF))
        except UnknownBlock:
            raise
        except (Refused, Transient) as failure:
            if depth >= DEPTH and not isinstance(failure, TOO_MUCH):
                self.size = min(self.size, len(calls))  # whoever tries again begins here
                raise
            return await self._halved(block, calls, depth, failure)
        if results is None:
            return await self._singly(block, calls)
        if len(calls) == self.size:
            self.size = min(self._ceiling, self.size * 3 // 2)
        proof = results.pop()
        silent = [place for place, result in enumerate(results) if _silent(result)]
        if not silent or (proof.success and len(proof.data) == 1024):
            return list(results)
        return await self._rescued(block, calls, results, silent if rescue else silent[:1])

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
            answers += await self._aggregate(block, part, depth=depth + 1)
        self.alone.update(call for call, answer in zip(calls, answers, strict=True) if _silent(answer))
        if not self.alone.intersection(calls):  # nobody is to blame: together they are too much
            self.size = min(self.size, middle)
            if not isinstance(failure, Transient) or isinstance(failure, Oversized):
                self._ceiling = self.size
        return answers

    async def _rescued(
        self, block: BlockRef, calls: Sequence[Sent], results: Sequence[Result], apart: Sequence[int]
    ) -> list[Answered]:
        """Without a proof of gas: ask what failed without a word alone, and all that came after its first once more without it.

        What came after may also have *answered* for lack of gas, where a contract catches the failure of an inner call.
        """
        later = [place for place in range(apart[0], len(calls)) if place not in apart]
        lone, rest = await asyncio.gather(
            self._singly(block, [calls[place] for place in apart]),
            self._aggregate(block, [calls[place] for place in later], rescue=True),
        )
        self.alone.update(calls[place] for place, answer in zip(apart, lone, strict=True) if _silent(answer))
        answers: list[Answered] = list(results)
        for place, answer in zip((*apart, *later), (*lone, *rest), strict=True):
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


def _silent(answer: Answered) -> bool:
    """Failed without revert data, as a call does that has no gas left; a contract without such a function fails so, too."""
    return isinstance(answer, Result) and not answer.success and not answer.data
