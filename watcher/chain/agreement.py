"""Which block is the head: the highest one that most endpoints hold. One alone may lag, or be on a fork of its own."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import inf

from eth_typing import HexStr

from watcher.chain.classify import UnknownBlock
from watcher.chain.link import Link
from watcher.chain.node import Answer
from watcher.chain.poll import GRACE, Poll, poll
from watcher.chain.rpc import telling
from watcher.errors import ChainError, EndpointError, StaleHead
from watcher.model import BlockRef

log = logging.getLogger(__name__)

VOTERS = 3  # endpoints asked at once
DEPTH = 8  # blocks below the height that most have reached, within which the tips of honest endpoints meet


@dataclass(frozen=True, slots=True)
class Agreed:
    """`holders` hold `block`, in order of preference; `apart` were asked and do not: behind, or on another fork.

    `notes` say what was wrong with an endpoint, a line each, by name.
    """

    block: BlockRef
    holders: tuple[str, ...]
    apart: tuple[str, ...]
    notes: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Ballot:
    """What the asked endpoints of one chain have answered. `heads` are the newest blocks, or those of the number that was asked."""

    source: Link
    chain: int
    heads: Mapping[str, BlockRef]
    notes: tuple[str, ...]
    grace: float

    @property
    def majority(self) -> int:
        return len(self.heads) // 2 + 1

    async def held(self, numbers: Sequence[int]) -> list[tuple[str, BlockRef]]:
        """Who holds which of the blocks with these numbers."""
        reached = [name for name, head in self.heads.items() if head.number >= min(numbers)]
        found = await poll({name: blocks(self.source.only(name), self.chain, numbers) for name in reached}, self.grace)
        return [(name, block) for name, held in found.answers.items() for block in held]

    def settled(self, held: Sequence[tuple[str, BlockRef]]) -> Agreed | None:
        """The highest block that a majority holds, if there is one among them."""
        votes = Counter(block for _, block in held)
        chosen = max((block for block, count in votes.items() if count >= self.majority), key=_number, default=None)
        if chosen is None:
            return None
        holders = tuple(name for name in self.heads if (name, chosen) in held)
        apart = tuple(name for name in self.heads if name not in holders)
        notes = [self._against(name, chosen) for name in apart]
        for note in notes:
            log.info("chain %d: %s", self.chain, note)
        return Agreed(chosen, holders, apart, (*self.notes, *notes))

    def _against(self, name: str, chosen: BlockRef) -> str:
        behind = chosen.number - self.heads[name].number
        if behind > 0:
            return f"{name} is {behind} blocks behind and was not asked"
        return f"{name} has another block {chosen.number} than most, a fork of its own, and was not asked"


async def agreed(
    source: Link,
    chain: int,
    groups: Sequence[Sequence[str]],
    number: int | None = None,
    *,
    limit: float = inf,
    now: float = 0.0,
    grace: float = GRACE,
) -> Agreed:
    """The newest block, or block `number`, by the majority of the endpoints that answer, of the first of `groups` in which one does.

    A head that is older than `limit` seconds at `now` (Unix seconds) has no vote. Raises `StaleHead` when there is no younger one,
    `ChainError` without a majority, and the endpoints' error when none answers.
    """
    errors: list[EndpointError] = []
    stale: dict[str, BlockRef] = {}
    notes: list[str] = []
    for names in _asked(groups):
        found = await poll({name: tip(source.only(name), chain, number) for name in names}, grace)
        errors += [error for error in found.failed.values() if isinstance(error, EndpointError)]
        heads = {name: head for name, head in found.answers.items() if now - head.timestamp <= limit}
        stale |= {name: head for name, head in found.answers.items() if name not in heads}
        notes += _silent(found)
        if heads:
            late = [f"{name} is {now - head.timestamp:.0f} s behind and was not asked" for name, head in stale.items()]
            return await _vote(Ballot(source, chain, heads, (*notes, *late), grace), number)
    if not stale:
        raise telling(errors)
    newest = max(stale.values(), key=_number)
    raise StaleHead(
        f"the newest block of chain {chain}, {newest.number}, is {now - newest.timestamp:.0f} s old; try another endpoint with --rpc URL, "
        "or read that block with --block"
    )


async def _vote(ballot: Ballot, number: int | None) -> Agreed:
    heads = ballot.heads
    height = sorted((head.number for head in heads.values()), reverse=True)[ballot.majority - 1]
    held = [(name, head) for name, head in heads.items() if head.number == height]
    if len(held) < len(heads) and any(head.number > height for head in heads.values()):
        held = await ballot.held([height])
    found = ballot.settled(held)
    if found is None and number is None and height > 0:
        found = ballot.settled(await ballot.held(range(max(0, height - DEPTH), height)))
    if found is None:
        raise ChainError(
            f"{' and '.join(heads)} hold different blocks {height}, and none has a majority; name one that you trust with --rpc URL"
        )
    return found


def _asked(groups: Sequence[Sequence[str]]) -> Iterator[Sequence[str]]:
    for names in groups:
        for start in range(0, len(names), VOTERS):
            yield names[start : start + VOTERS]


def _silent(found: Poll[BlockRef]) -> list[str]:
    return [str(error) for error in found.failed.values()]


def _number(block: BlockRef) -> int:
    return block.number


async def tip(source: Link, chain: int, number: int | None) -> BlockRef:
    """The newest block of one endpoint, or its block `number`."""
    asked = "latest" if number is None else hex(number)
    return _block((await source.ask("eth_getBlockByNumber", [asked, False])).value, chain)


async def blocks(source: Link, chain: int, numbers: Sequence[int]) -> list[BlockRef]:
    """One endpoint's blocks with these numbers, without those that it does not know. Raises `EndpointError` for any other failure."""
    replies = await source.ask_batch([("eth_getBlockByNumber", [hex(number), False]) for number in numbers])
    for reply in replies:
        if not isinstance(reply, (Answer, UnknownBlock)):
            raise reply
    return [_block(reply.value, chain) for reply in replies if isinstance(reply, Answer)]


def _block(found: Mapping[str, str], chain: int) -> BlockRef:
    return BlockRef(int(found["number"], 16), int(found["timestamp"], 16), chain, HexStr(found["hash"].lower()))
