"""What a market's own oracle said, out of the quotes that the store has of it: nobody is asked."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from watcher.adapters import adapter
from watcher.model import Market
from watcher.prices.feeds import pair_of
from watcher.prices.origin import Cost, Done
from watcher.store.open import Store
from watcher.store.prices import Marks, Source, extents
from watcher.store.quoted import quoted

EVERY: Final = 3600  # seconds


@dataclass(frozen=True, slots=True)
class Quotes:
    """One token's price in one market, once an hour at most, as it was `told`."""

    source: Source
    told: Marks

    async def cost(self, first: int, end: int) -> Cost:
        return Cost(0, len(await self.marks(first, end, _nothing)))

    async def marks(self, first: int, end: int, done: Done) -> Marks:
        return [mark for mark in self.told if first <= mark[0] < end]


def quotes(store: Store, market: Market, since: int, end: int) -> tuple[Quotes, ...]:
    """Every usable price that the market had from a time on, by token, and from where an earlier sync ended where that is longer ago.

    Where a price was missing there is none.
    """
    of, name = adapter(market.protocol), f"quotes {market.name}"
    first = min([since, *(known.last for known in extents(store) if known.source.name == name)])
    found: dict[Source, list[tuple[int, int]]] = {}
    for seen in quoted(store, of, market, first, end, EVERY):
        for price in of.prices(seen.terms, seen.quote):
            if price.answer is not None:
                pair = pair_of(of, seen.terms, market.chain, price)
                source = Source(str(pair), name, price.unit.decimals)
                found.setdefault(source, []).append((seen.time, price.answer))
    return tuple(Quotes(source, told) for source, told in found.items())


def _nothing(done: int, of: int) -> None:
    """Nobody looks at the progress of what is in memory."""
