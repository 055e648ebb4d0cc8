"""The store as watching uses it: one thread and one call after another, so that the cycle's loop never waits for a disk."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

from watcher.errors import WatcherError
from watcher.health.fold import Standing, resumed
from watcher.model import BlockRef, Market, PositionKey, Transition
from watcher.store import history, outbox, recall
from watcher.store.entry import Entry, Missed
from watcher.store.open import Store

T = TypeVar("T")


class Journal:
    """An open store and the names of the channels that transitions go to. Every method may raise `StoreError`."""

    def __init__(self, store: Store, channels: Sequence[str]) -> None:
        self.store = store
        self.channels = tuple(channels)
        self._thread = ThreadPoolExecutor(1, "store")

    async def call(self, function: Callable[..., T], *args: Any) -> T:
        """`function(store, *args)` in the store's thread. A write that has begun ends, also when nobody waits for it any more."""
        return await asyncio.get_running_loop().run_in_executor(self._thread, function, self.store, *args)

    async def tip(self, chain: int) -> BlockRef | None:
        """The newest block that was watched."""
        return await self.call(recall.cursor, chain)

    async def blocks(self, chain: int, since: int) -> tuple[BlockRef, ...]:
        """Every stored block from number `since` on, newest first."""
        return await self.call(recall.blocks, chain, since)

    async def markets(self, chain: int) -> tuple[Market, ...]:
        """Every market that was ever read."""
        return await self.call(recall.markets, chain)

    async def standings(self, chain: int) -> dict[PositionKey, Standing]:
        """How every known position stands, by its newest transition that holds and the readings since."""
        return await self.call(_standings, chain)

    async def unretracted(self, chain: int) -> tuple[Transition, ...]:
        return await self.call(outbox.unretracted, chain)

    async def orphan(self, chain: int, above: int) -> None:
        """Everything after block `above` goes, in one transaction; what it caused waits to be taken back."""
        await self.call(history.orphan, chain, above)

    async def record(
        self,
        block: BlockRef,
        entries: Sequence[Entry],
        read_at: int,
        transitions: Sequence[Transition],
        missed: Missed | None = None,
    ) -> None:
        """One block: all of it or nothing."""

        def write(store: Store) -> None:
            history.record(
                store,
                block,
                entries,
                read_at=read_at,
                transitions=transitions,
                channels=self.channels,
                missed=missed,
            )

        await self.call(write)

    async def fail(self, markets: Sequence[Market], error: WatcherError, read_at: int) -> None:
        """A cycle that got no block."""

        def write(store: Store) -> None:
            history.record_failure(store, markets, error, read_at=read_at)

        await self.call(write)

    def close(self) -> None:
        """Waits for the write that has begun, then closes the store."""
        self._thread.shutdown(wait=True, cancel_futures=True)
        self.store.close()


def _standings(store: Store, chain: int) -> dict[PositionKey, Standing]:
    newest: dict[str, list[Transition]] = {}
    for last in outbox.newest(store, chain):
        newest.setdefault(last.key.market, []).append(last)
    found = {}
    for market, changes in newest.items():
        since = recall.lately(store, [last.key for last in changes], chain, recall.third(store, chain, market))
        for last in changes:
            later = [seen for seen in since.get(last.key, ()) if seen.block.number > last.block.number]
            found[last.key] = resumed(last, later)
    return found
