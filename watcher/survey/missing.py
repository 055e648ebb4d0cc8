"""Where debt appeared that nobody in the book owes: totals of past blocks against the book's sum there. Needs the state of the past."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from watcher.adapter import Adapter
from watcher.chain.logs import START
from watcher.connection import Connection
from watcher.errors import WatcherError
from watcher.model import Market, PositionKey
from watcher.query import Query
from watcher.survey.coverage import coverage
from watcher.survey.spans import Span


async def narrowed(
    line: Connection, of: Adapter[Any, Any, Any], market: Market, keys: Sequence[PositionKey], span: Span
) -> Span:
    """Blocks of `span` at whose end something is unexplained that was not before, halved as long as the past can be read.

    That is `span` itself where no endpoint has it. The book must not be whole at its end.
    """
    low, high = span
    while high - low >= START:
        middle = (low + high) // 2
        try:
            exact = await line.reader.run(_exact(of, market, keys), await line.reader.head(middle))
        except WatcherError:
            break
        low, high = (middle + 1, high) if exact else (low, middle)
    return low, high


def _exact(of: Adapter[Any, Any, Any], market: Market, keys: Sequence[PositionKey]) -> Query[bool]:
    terms = yield from of.terms(market)
    quote = yield from of.quote(terms)
    holdings = yield from of.holdings(terms, keys)
    return coverage(of, terms, quote, holdings.values()).exact
