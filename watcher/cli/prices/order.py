"""What a sync is asked for, and which sources that means."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path

from watcher.cli.options import Options
from watcher.config import Chain, Config, Origin
from watcher.connection import connect, only
from watcher.errors import ChainError, UsageError
from watcher.model import BlockRef, Market
from watcher.prices import origin
from watcher.prices.candles import EXCHANGES, Closes
from watcher.prices.feeds import feeds, spoken
from watcher.prices.fetch import web
from watcher.prices.pair import parsed
from watcher.prices.quotes import quotes
from watcher.store.open import Store
from watcher.store.recall import markets as stored_markets
from watcher.text import clean_line


@dataclass(frozen=True, slots=True)
class Order:
    """What was asked for. `by` are kinds of sources; `where` is the store, None for the default one. Times are Unix seconds."""

    pairs: tuple[str, ...]
    by: frozenset[str]
    since: int
    now: int
    markets: tuple[str, ...]
    where: str | Path | None
    dry: bool = False


@dataclass(frozen=True, slots=True)
class Meant:
    """The sources, the time up to which they are asked (a chain may be ahead of this machine), and whether a chain did not answer."""

    origins: tuple[origin.Origin, ...]
    now: int
    failed: bool


async def meant(held: AsyncExitStack, store: Store | None, config: Config, order: Order, options: Options) -> Meant:
    """Who is to be asked; connections live as long as `held`."""
    origins: list[origin.Origin] = []
    now, failed = order.now, False
    for chain, markets in chains(store, config, order):
        if "feeds" in order.by:
            try:
                found, block = await _feeds(held, chain, markets, order, options)
                origins += found
                now = max(now, block.timestamp)
            except ChainError as error:
                said(str(error))
                failed = True
        if "quotes" in order.by and store is not None:
            end = now + 1 - int(chain.finality * chain.block_time)  # a reorganisation may take younger ones away
            told = [one for market in markets for one in quotes(store, market, order.since, end)]
            origins += [one for one in told if not order.pairs or one.source.pair in order.pairs]
    return Meant((*origins, *await _exchanges(held, order)), now, failed)


def chains(store: Store | None, config: Config, order: Order) -> Iterator[tuple[Chain, tuple[Market, ...]]]:
    """The chains with the markets whose prices are meant: those named, else those that the store knows; one chain alone needs none."""
    if not order.by & {"feeds", "quotes"}:
        return
    if order.markets:
        yield from ((chain, chain.markets) for chain in only(config, order.markets).chains)
        return
    for chain in config.chains:
        known = () if store is None else stored_markets(store, chain.id)
        if known or len(config.chains) == 1:
            yield chain, known


async def _feeds(
    held: AsyncExitStack, chain: Chain, markets: Sequence[Market], order: Order, options: Options
) -> tuple[tuple[origin.Origin, ...], BlockRef]:
    """The feeds of one chain, and the block that they are read at."""
    if any(endpoint.origin is Origin.SHIPPED for endpoint in chain.endpoints[:1]):
        options.note(f"{chain.name}: asking public endpoints (--rpc URL asks your own)")
    line = await held.enter_async_context(connect(chain))
    pin = await line.pin()
    known, lost = await spoken(pin.line, pin.block, markets)
    found = await feeds(pin.line, pin.block, known, order.pairs)
    for text in (*lost, *found.silent):
        options.note(clean_line(text))
    return found.origins, pin.block


async def _exchanges(held: AsyncExitStack, order: Order) -> list[Closes]:
    names = [name for name in EXCHANGES if name in order.by]
    if not names:
        return []
    if not order.pairs:
        raise UsageError("an exchange is asked for pairs: name them, as watcher prices sync ETH/USD --by binance")
    client = await held.enter_async_context(web())
    return [Closes(client, EXCHANGES[name], parsed(pair)) for name in names for pair in order.pairs]


def said(text: str) -> None:
    """One clean line on stderr, whether notes are wanted or not."""
    sys.stderr.write(f"watcher: {clean_line(text)}\n")
