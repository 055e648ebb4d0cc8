"""A whole market at the present, for somebody who looks once: the store's book brought to the head, else everybody found anew."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Final

from watcher.connection import Connection
from watcher.errors import BlockChanged
from watcher.following.followed import Followed
from watcher.following.opening import of_opened, stored
from watcher.following.stride import stride
from watcher.model import Market, PositionKey
from watcher.search import Windows
from watcher.store.open import Store
from watcher.store.survey import DEBT, members, searched
from watcher.survey.open import Tell, open_market, silent
from watcher.survey.spans import Span, missing

TRIES: Final = 4  # heads that were replaced while they were read


@dataclass(slots=True)
class Opening:
    """`since` is the first block known to name each position. `moved` are those whose holding has changed since the book was opened,
    by the block of the step that brought it. `unread` are blocks whose logs may name somebody who is missing.
    """

    followed: Followed
    since: Mapping[PositionKey, int | None]
    unread: tuple[Span, ...] = ()
    moved: dict[PositionKey, int] = field(default_factory=dict)
    windows: Windows = field(default_factory=dict)

    async def advance(self, line: Connection) -> tuple[PositionKey, ...]:
        """To the head, and who moved. Nothing where the book is there already, or ahead of what this line says."""
        for left in reversed(range(TRIES)):
            pin = await line.pin()
            one = self.followed
            if pin.block.number <= one.block.number:
                return ()
            try:
                step = await stride(
                    pin.line, one.market, one.of, one.terms, one.book.keys, one.heard, pin.block, self.windows
                )
            except BlockChanged:
                one.heard.forget()
                if not left:
                    raise
                continue
            keys = one.take(step)
            self.moved.update(dict.fromkeys(self._changed(keys), one.block.number))
            return keys
        return ()

    def _changed(self, keys: Iterable[PositionKey]) -> Iterable[PositionKey]:
        """Who holds something else than before: a log may name somebody whom it does not move."""
        before, book = self.followed.undone[-1].held, self.followed.book
        return [key for key in keys if before[key] != book.holding(book.row(key))]


async def from_store(line: Connection, market: Market, store: Store) -> Opening | None:
    """The store's book as it was left; None where there is none that stands on this chain. Nothing is written."""
    found = await stored(line, market, store)
    if found is None:
        return None
    span = market.start or 0, max(0, found.block.number - line.chain.finality)
    return Opening(found, members(store, market), missing(*span, searched(store, market, DEBT)))


async def by_survey(line: Connection, market: Market, store: Store | None, tell: Tell = silent) -> Opening:
    """Everybody found by logs and read at one block; kept in a store that can be written, and gone on from what it has."""
    found = await open_market(line, market, store, tell=tell)
    return Opening(of_opened(found), found.since, found.again)
