"""A followed market at the present: from the store's book where it stands on the chain, else found and read anew."""

from __future__ import annotations

from watcher.adapters import adapter
from watcher.book.book import Book
from watcher.connection import Connection
from watcher.errors import EndpointError
from watcher.following.followed import Followed
from watcher.model import BlockRef, Market
from watcher.store.open import Store
from watcher.store.survey import standing
from watcher.survey.bare import bare
from watcher.survey.open import Opened, Tell, open_market, silent


async def stored(line: Connection, market: Market, store: Store) -> Followed | None:
    """The store's book, at the block where it was left; None where there is none, or the chain has taken that block back."""
    of = adapter(market.protocol)
    book = standing(store, of, market)
    if book is None or not await _canonical(line, book.block):
        return None
    return Followed(market, Book(market, of, book.terms, bare(of, book.holdings)), book.quote, book.block)


async def surveyed(line: Connection, market: Market, store: Store | None = None, *, tell: Tell = silent) -> Followed:
    """Everybody found by logs and read at one block, and kept in the store if one is given that can be written."""
    return of_opened(await open_market(line, market, store, tell=tell))


def of_opened(found: Opened[object, object, object]) -> Followed:
    """What a survey has opened."""
    of = adapter(found.market.protocol)
    return Followed(found.market, Book(found.market, of, found.terms, found.holdings), found.quote, found.block)


async def _canonical(line: Connection, block: BlockRef) -> bool:
    try:
        return (await line.reader.head(block.number)).hash == block.hash
    except EndpointError:
        return False  # a chain that does not reach so far
