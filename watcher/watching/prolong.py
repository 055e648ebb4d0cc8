"""Pasts of prices that `watcher prices sync` has begun go on while the watcher runs: it holds the store, and nobody else could add to it.

Only feeds and quotes of the markets that wallets are in; a past that nobody began is left alone, and so is an exchange.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence
from typing import Final

from watcher.errors import StoreError, Transient, WatcherError
from watcher.model import BlockRef, Market
from watcher.prices.feeds import feeds, spoken
from watcher.prices.origin import Origin
from watcher.prices.quotes import quotes
from watcher.store.prices import Extent, Source, enter, extents
from watcher.watching.chain import WatchedChain

log = logging.getLogger(__name__)

DEADLINE: Final = 120.0  # seconds for one chain; what is not reached then is asked for the next time


async def prolong(chain: WatchedChain, tip: BlockRef, markets: Sequence[Market]) -> int:
    """What the sources have said since; how many prices were new. A source that fails is logged and keeps what it had.

    Raises `StoreError`.
    """
    name = chain.line.chain.name
    known = {_key(one.source): one for one in await chain.journal.call(extents)}
    new = 0
    try:
        async with asyncio.timeout(DEADLINE):
            for origin in await _begun(chain, tip, markets, known):
                new += await _more(chain, origin, known[_key(origin.source)].last + 1, tip.timestamp + 1)
    except TimeoutError:
        log.warning("%s", Transient(name, "not all prices since the last time came in time"))
    except StoreError:
        raise
    except WatcherError as error:
        log.warning("%s: prices since the last time were not read: %s", name, error)
    return new


async def _begun(
    chain: WatchedChain, tip: BlockRef, markets: Sequence[Market], known: dict[tuple[str, str, int], Extent]
) -> list[Origin]:
    """The sources of these markets that something is stored of."""
    line, here = chain.line.through(*chain.served) if chain.served else chain.line, f"{chain.line.chain.id}:"
    found: list[Origin] = []
    pairs = {pair for pair, name, _ in known if name.startswith("feed ") and pair.startswith(here)}
    if pairs:
        said, _ = await spoken(line, tip, markets)
        found += (await feeds(line, tip, said, pairs)).origins
    end = tip.timestamp + 1 - int(chain.line.chain.finality * chain.line.chain.block_time)
    for market in markets:
        if any(name == f"quotes {market.name}" for _, name, _ in known):
            found += await asyncio.to_thread(quotes, chain.journal.store, market, end, end)
    return [one for one in found if _key(one.source) in known]


async def _more(chain: WatchedChain, origin: Origin, first: int, end: int) -> int:
    try:
        marks = await origin.marks(first, end, lambda done, of: None)
        return await chain.journal.call(enter, origin.source, marks)
    except StoreError:
        raise
    except WatcherError as error:
        log.warning("%s of %s: %s", origin.source.name, origin.source.pair, error)
        return 0


def _key(source: Source) -> tuple[str, str, int]:
    return source.pair, source.name, source.decimals
