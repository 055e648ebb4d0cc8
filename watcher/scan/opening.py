"""A whole market at the present, for somebody who looks once: the store's book brought to the head, else everybody found anew."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from watcher.connection import Connection, Pin
from watcher.errors import BlockChanged
from watcher.following.followed import Followed
from watcher.following.opening import of_opened, stored
from watcher.following.stride import stride
from watcher.model import BlockRef, Market, PositionKey
from watcher.search import Windows
from watcher.store.moves import changes
from watcher.store.open import Store
from watcher.store.survey import DEBT, members, searched
from watcher.survey.open import Opened
from watcher.survey.spans import Span, missing

TRIES: Final = 4  # heads that were replaced while they were read


@dataclass(slots=True)
class Opening:
    """`since` is the first block known to name each position. `moved` are those whose holding is known to have changed, by the
    block that it was first read at. `unread` are blocks whose logs may name somebody who is missing.
    """

    followed: Followed
    since: Mapping[PositionKey, int | None]
    unread: tuple[Span, ...] = ()
    moved: dict[PositionKey, int] = field(default_factory=dict)
    windows: Windows = field(default_factory=dict)

    async def advance(self, line: Connection) -> tuple[PositionKey, ...]:
        """To the head, and who moved. Nothing where the book is there already, or ahead of what this line says."""
        for left in reversed(range(TRIES)):
            pin, one = await line.pin(), self.followed
            if pin.block.number <= one.block.number:
                return ()
            try:
                return await self.step(pin)
            except BlockChanged:
                one.heard.forget()
                if not left:
                    raise
        return ()

    async def step(self, pin: Pin) -> tuple[PositionKey, ...]:
        """To this block, and who moved. `BlockChanged` where it, or the book's own block, is gone."""
        one = self.followed
        step = await stride(pin.line, one.market, one.of, one.terms, one.book.keys, one.heard, pin.block, self.windows)
        if not await holds(pin.line, one.block):
            raise BlockChanged(f"block {one.block.number} of chain {one.block.chain} was replaced")
        keys = one.take(step)
        self.moved.update(dict.fromkeys(self._changed(keys), one.block.number))
        return keys

    def back(self, above: int) -> bool:
        """Without the blocks after number `above`; False where memory does not reach so far."""
        self.moved = {key: block for key, block in self.moved.items() if block <= above}
        return self.followed.rolled_back(above)

    def _changed(self, keys: Iterable[PositionKey]) -> Iterable[PositionKey]:
        """Who holds something else than before: a log may name somebody whom it does not move."""
        before, book = self.followed.undone[-1].held, self.followed.book
        return [key for key in keys if before[key] != book.holding(book.row(key))]


async def holds(line: Connection, block: BlockRef) -> bool:
    """Whether the chain goes through this block. Raises where it does not reach so far: an endpoint may be behind."""
    return (await line.reader.head(block.number)).hash == block.hash


async def from_store(line: Connection, market: Market, store: Store) -> Opening | None:
    """The store's book as it was left; None where there is none that stands on this chain. Nothing is written."""
    found = await stored(line, market, store)
    if found is None:
        return None
    span = market.start or 0, max(0, found.block.number - line.chain.finality)
    unread = missing(*span, searched(store, market, DEBT))
    return Opening(found, members(store, market), unread, changes(store, market))


def from_survey(found: Opened[Any, Any, Any], store: Store | None) -> Opening:
    """Everybody found by logs and read at one block, and kept in the store if there is one."""
    moved = {} if store is None else changes(store, found.market)
    return Opening(of_opened(found), found.since, found.again, moved)
