"""The watcher as ``watcher run`` has it: a chain with its follower over a real store, killed at any moment and started again."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqlalchemy import select

from watcher.book.book import Book
from watcher.book.canon import differences
from watcher.config import Chain
from watcher.config.watch import Follow
from watcher.connection import Connection, connect
from watcher.following.followed import Followed
from watcher.following.follower import Follower
from watcher.following.opening import of_opened, stored
from watcher.health.bands import VOLATILE
from watcher.model import Market, Transition
from watcher.store import outbox
from watcher.store.open import open_store
from watcher.store.tables import CYCLE
from watcher.survey.open import open_market
from watcher.watching.chain import WatchedChain
from watcher.watching.journal import Journal
from watcher.watching.opening import Opening, scale
from watcher.watching.policy import Policy

POLICY = Policy((), (), VOLATILE, VOLATILE)


@dataclass
class Ours:
    """``await ours.turn()``. `now` is the watcher's clock: the time of the block that it is to read."""

    line: Connection
    market: Market
    db: Path
    now: int = 0
    killed: int = 0

    def __post_init__(self) -> None:
        self.start(create=True)

    def start(self, *, create: bool = False) -> None:
        """A process that knows what is stored, and nothing else."""
        self.journal = Journal(open_store(self.db, write=True, create=create), [])
        follow = Follow(self.market)
        self.watched = WatchedChain(self.line, (), POLICY, self.journal, clock=lambda: self.now)
        self.watched.follower = Follower({self.market.name: scale(follow, POLICY, ())})
        self.opening = Opening(self.watched, (follow,))

    def restart(self) -> None:
        self.journal.close()
        self.start()

    @property
    def one(self) -> Followed:
        return self.watched.follower.markets[self.market.name]

    async def turn(self) -> bool:
        """The chain's head read and written. Whether the market came along: one that is not open yet, or that a reorg has thrown out of
        memory, is opened behind it and waits for the next head.
        """
        done = await self.watched.turn()
        assert done.error is None, done.error
        await self.opening.once()
        return done.block == self.one.block

    async def kill(self, after: float) -> None:
        """Ends in the middle of a turn: what is written is written, what is not is forgotten."""
        work = asyncio.ensure_future(self.turn())
        await asyncio.wait([work], timeout=after)
        work.cancel()
        ended = await asyncio.gather(work, return_exceptions=True)
        if isinstance(ended[0], Exception):
            raise ended[0]
        self.killed += isinstance(ended[0], asyncio.CancelledError)
        self.restart()

    async def fresh(self) -> Book[Any, Any, Any]:
        """Everybody found by logs and read anew, by somebody who knows nothing."""
        found = await open_market(self.line, self.market)
        assert found.block == self.one.block
        assert found.coverage.exact
        return of_opened(found).book

    async def stored(self) -> Book[Any, Any, Any]:
        """The book that the store has, which stands where the one in memory does."""
        found = await stored(self.line, self.market, self.journal.store)
        assert found is not None
        assert found.block == self.one.block
        assert found.quote == self.one.quote
        return found.book

    def errors(self) -> tuple[str, ...]:
        """Why the market was not read, for each block at which it was not."""
        with self.journal.store.read() as connection:
            rows = connection.execute(select(CYCLE.c.error).where(CYCLE.c.error.is_not(None)).order_by(CYCLE.c.number))
            return tuple(row.error for row in rows)

    def transitions(self) -> tuple[Transition, ...]:
        """Those that hold."""
        return tuple(
            one for one in outbox.transitions(self.journal.store, chain=self.market.chain) if one.retracts is None
        )


@asynccontextmanager
async def watching(chain: Chain, market: Market, folder: Path) -> AsyncIterator[Ours]:
    async with connect(chain) as line:
        ours = Ours(line, market, folder / "watcher.db")
        try:
            yield ours
        finally:
            ours.journal.close()


def same(one: Book[Any, Any, Any], other: Book[Any, Any, Any]) -> bool:
    """Every column, to the last bit."""
    assert one.terms == other.terms
    mine, theirs = dict(one.holdings()), dict(other.holdings())
    wrong = {
        key: (mine.get(key), theirs.get(key)) for key in mine.keys() | theirs.keys() if mine.get(key) != theirs.get(key)
    }
    assert wrong == {}, wrong
    assert differences(one, other) == ()
    return True
