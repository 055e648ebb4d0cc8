"""Lines before a market's own: contracts beside it are found in logs, and the markets in which somebody owes are read again with them.

Most owners have none of these, so their logs are read only where somebody is in debt, and the market twice only where there is one.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace

from watcher.confirm import Confirmed, Question
from watcher.cycle import MarketCycle
from watcher.search import Entered, Windows, annex_searches

SHARE = 0.6  # of the time that is left, for the logs


@dataclass(frozen=True, slots=True)
class Annexed:
    """The same markets with the lines before their own, and how far the contracts are known."""

    markets: tuple[MarketCycle, ...]
    known: tuple[Entered, ...] = ()
    by: int | None = None  # endpoints that gave the same facts; None where nothing was read again


async def annexed(
    question: Question,
    cycles: Sequence[MarketCycle],
    windows: Windows,
    read: Callable[[Question], Awaitable[Confirmed]],
) -> Annexed:
    """``cycles``, read again as `question` says where contracts were made for one in which somebody owes.

    `read` answers in time whatever happens: a market that cannot be read again is unknown, not without such a line.
    """
    owing = [cycle.market for cycle in cycles if cycle.market.annex is not None and _owes(cycle)]
    if not owing:
        return Annexed(tuple(cycles))
    pin, searches = question.pin, annex_searches(owing)
    line, now = pin.line.through(*pin.holders), asyncio.get_running_loop().time()
    try:
        async with asyncio.timeout(max(0.0, question.until - now) * SHARE):
            await asyncio.gather(*(search.walk(line, pin.block.number, windows) for search in searches))
    except TimeoutError:
        pass  # every search knows how far it got
    known = tuple(search.entered(pin.block.number) for search in searches)
    more = [made for market in owing for search in searches if (made := search.annexed(market)) != market]
    if not more:
        return Annexed(tuple(cycles), known)
    found = await read(replace(question, markets=more, known=None))
    again = {cycle.market.name: cycle for cycle in found.markets}
    return Annexed(tuple(again.get(cycle.market.name, cycle) for cycle in cycles), known, found.by)


def _owes(cycle: MarketCycle) -> bool:
    values = (row.reading.valuation for row in cycle.rows)
    return any(value is not None and value.health is not None for value in values)
