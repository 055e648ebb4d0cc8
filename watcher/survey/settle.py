"""Holdings of many blocks brought to a single one: whoever moved since they were read is read again, and so is who came after."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Final

from watcher.adapter import LogQuery, Touch
from watcher.chain.logs import logs
from watcher.connection import Connection
from watcher.errors import BlockChanged, ChainError, EndpointError, WatcherError
from watcher.model import BlockRef, PositionKey
from watcher.query import Query, together
from watcher.search import Windows
from watcher.survey.fill import SMALLEST, Standing

ROUNDS: Final = 12  # heads tried: blocks are replaced, and while many accounts are read again others move


@dataclass(slots=True)
class Roll:
    """Who is in the book, with the block that first named them, and up to which block the logs that name them are read."""

    queries: tuple[LogQuery[PositionKey], ...]
    members: dict[PositionKey, int | None]
    read: int

    async def follow(self, line: Connection, last: int, windows: Windows) -> None:
        """Whom the logs after `read` name, up to block `last`. What is read stays so only when the caller says that it is final."""
        for query in self.queries:
            async for _, rows in logs(line.rpc, query, self.read + 1, last, windows=windows):
                for event, key in rows:
                    self.members.setdefault(key, event.block)


async def settle(line: Connection, standing: Standing, roll: Roll, windows: Windows) -> tuple[Any, BlockRef]:
    """The stored quote, and the block at which it and every member's holding are true. Raises `ChainError`."""
    reason: WatcherError | None = None
    for _ in range(ROUNDS):
        pin = await line.pin()
        here, head = pin.line, pin.block
        final = max(roll.read, head.number - line.chain.finality)
        await roll.follow(here, head.number, windows)
        try:
            stale = await _stale(here, standing, roll.members, head, windows)
            if len(stale) > standing.wave:
                await standing.fill(here, stale)
                continue
            found = await here.reader.run(_closing(standing, stale), head)
        except (BlockChanged, EndpointError) as error:
            reason = error
            if isinstance(error, EndpointError):
                standing.wave = max(SMALLEST, standing.wave // 2)
            continue
        if found is not None:
            quote, held = found
            standing.held.update((key, (holding, head)) for key, holding in held.items())
            roll.read = min(final, head.number)
            return quote, head
    raise reason or ChainError(f"{line.chain.name}: accounts move faster than they can be read; try another endpoint")


def _closing(standing: Standing, keys: list[PositionKey]) -> Query[tuple[Any, dict[PositionKey, Any]] | None]:
    """Quote and holdings beside the proof of the terms; None, and the new terms, where these have changed."""
    of, terms = standing.of, standing.terms
    asked: tuple[Query[Any], ...] = (of.fresh(terms), of.quote(terms), of.holdings(terms, keys))
    answers: tuple[Any, ...] = yield from together(asked)
    if answers[0] is False:
        standing.terms = yield from of.terms(standing.market)
        return None
    for answer in answers:
        if isinstance(answer, WatcherError):
            raise answer
    return answers[1], answers[2]


async def _stale(
    line: Connection, standing: Standing, members: Iterable[PositionKey], head: BlockRef, windows: Windows
) -> list[PositionKey]:
    """Who has not been read yet, or not since they moved, or at a block that is no more."""
    blocks = {block for _, block in standing.held.values()}
    gone = await _replaced(line, blocks, head)
    low = min((block.number for block in blocks), default=head.number)
    moved: dict[PositionKey, int] = {}
    everyone = -1
    async for _, rows in logs(line.rpc, standing.of.moves(standing.terms), low + 1, head.number, windows=windows):
        for event, move in rows:
            if event.block == head.number and event.block_hash != head.hash:
                raise BlockChanged(f"block {head.number} of chain {head.chain} is no longer {head.hash[:10]}…")
            if move is Touch.EVERYONE:
                everyone = event.block
            elif isinstance(move, frozenset):
                moved.update(dict.fromkeys(move, event.block))
    return [
        key
        for key in members
        if (known := standing.held.get(key)) is None
        or known[1] in gone
        or known[1].number < max(everyone, moved.get(key, -1))
    ]


async def _replaced(line: Connection, blocks: set[BlockRef], head: BlockRef) -> set[BlockRef]:
    """Those that are no longer part of the chain that `head` ends. Final ones are not asked for."""
    young = [block for block in blocks if block.number > head.number - line.chain.finality and block != head]
    now = await asyncio.gather(*(line.reader.head(block.number) for block in young if block.number <= head.number))
    standing = {(block.number, block.hash) for block in now}
    return {block for block in young if (block.number, block.hash) not in standing}
