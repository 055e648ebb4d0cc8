"""A scanned market with the lines before its own: its annex's contracts from their factory's logs, and who lets them act."""

from __future__ import annotations

from watcher.connection import Connection
from watcher.following.stride import Stride
from watcher.scan.opening import Opening
from watcher.search import annex_searches


async def annexed(line: Connection, opening: Opening) -> None:
    """The book where it stands, everybody in it asked whom they let act. Nothing is read where the market has no annex, or an empty one.

    Who authorises a contract later is seen when the position moves next. Raises what the endpoints fail with: without these logs
    nobody's first line is known.
    """
    one = opening.followed
    for search in annex_searches([one.market]):
        await search.walk(line, one.block.number, opening.windows)
        if search.error is not None:
            raise search.error
        market = search.annexed(one.market)
        if market == one.market:
            return
        terms = await line.reader.run(one.of.terms(market), one.block)
        keys = tuple(one.book.keys)
        quote = await line.reader.run(one.of.quote(terms), one.block)
        one.take(Stride(one.block, terms, quote, await line.reader.run(one.of.holdings(terms, keys), one.block)))
        one.market = market
