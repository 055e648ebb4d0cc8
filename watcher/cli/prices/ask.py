"""The work of `watcher prices sync`: who is to be asked, what it costs, and what came of it."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path

from watcher.cli.options import Options
from watcher.cli.output import show
from watcher.cli.prices.sheet import SYNCED, synced_row
from watcher.cli.progress import Steps, progress
from watcher.config import Chain, Config
from watcher.connection import connect, only, placed
from watcher.errors import ChainError, UsageError
from watcher.exit import Exit
from watcher.model import BlockRef, Market
from watcher.prices.candles import EXCHANGES, Closes
from watcher.prices.feeds import feeds, spoken
from watcher.prices.fetch import web
from watcher.prices.files import load
from watcher.prices.origin import Origin
from watcher.prices.pair import Pair, parsed
from watcher.prices.quotes import quotes
from watcher.prices.sync import Synced, planned, run, total
from watcher.store.open import Store, open_store
from watcher.store.prices import Source, enter
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
    dry: bool


def take(file: Path, pair: Pair, where: str | Path | None, dry: bool, options: Options) -> Exit:
    """A file's prices into the store."""
    table = load(file, pair)
    options.note(f"{file}: {len(table.marks)} rows, no requests")
    if not dry:
        with open_store(where, write=True, create=True) as store:
            new = enter(store, table.source, table.marks)
        show([synced_row(Synced(table.source, len(table.marks), new))], SYNCED, options.format)
    return Exit.OK


async def fill(config: Config, order: Order, options: Options) -> Exit:
    """Every source that is meant. What cannot be read is named, and does not keep the others from being read."""
    config = await placed(config)
    async with AsyncExitStack() as held:
        store = held.enter_context(open_store(order.where, write=True, create=True))
        asked, failed = await meant(held, store, config, order, options)
        if not asked.origins and not failed:
            raise UsageError(
                "no source of prices is known for that: name a --market, a --chain, or a PAIR with --by binance"
            )
        tasks, lost = await planned(store, asked.origins, order.since, asked.now)
        cost = total([task.cost for task in tasks])
        options.note(f"{len(tasks)} sources: about {cost.requests} requests for about {cost.rows} rows")
        rows = [synced_row(one) for one in lost]
        if not order.dry:
            with progress("prices", max(1, cost.requests), not options.quiet and sys.stderr.isatty()) as bar:
                rows += [synced_row(one) async for one in run(store, tasks, Bar(bar).of)]
    show(rows, SYNCED, options.format)
    return Exit.SOURCE if failed or any(row["error"] for row in rows) else Exit.OK


@dataclass(frozen=True, slots=True)
class Asked:
    """The sources, and the time up to which they are asked: a chain may be ahead of this machine."""

    origins: tuple[Origin, ...]
    now: int


async def meant(
    held: AsyncExitStack, store: Store, config: Config, order: Order, options: Options
) -> tuple[Asked, bool]:
    """Who is to be asked, and whether a chain could not be."""
    origins: list[Origin] = []
    now, failed = order.now, False
    for chain, markets in chains_of(store, config, order):
        if "feeds" in order.by:
            try:
                found, block = await on_chain(held, chain, markets, order, options)
                origins += found
                now = max(now, block.timestamp)
            except ChainError as error:
                said(str(error))
                failed = True
        if "quotes" in order.by:
            told = [one for market in markets for one in quotes(store, market, order.since, now + 1)]
            origins += [one for one in told if not order.pairs or one.source.pair in order.pairs]
    names = [name for name in EXCHANGES if name in order.by]
    if names:
        if not order.pairs:
            raise UsageError("an exchange is asked for pairs: name them, as watcher prices sync ETH/USD --by binance")
        client = await held.enter_async_context(web())
        origins += [Closes(client, EXCHANGES[name], parsed(pair)) for name in names for pair in order.pairs]
    return Asked(tuple(origins), now), failed


@dataclass(frozen=True, slots=True)
class Bar:
    """One line for all sources: every request of one is a step."""

    steps: Steps

    def of(self, source: Source) -> Step:
        return Step(self.steps, source.name)


@dataclass(frozen=True, slots=True)
class Step:
    steps: Steps
    name: str

    def __call__(self, done: int, of: int) -> None:
        self.steps(f"{self.name} {done}/{of}")


def chains_of(store: Store, config: Config, order: Order) -> Iterator[tuple[Chain, tuple[Market, ...]]]:
    """The chains with the markets whose prices are meant: those named, else those that the store knows."""
    if not order.by & {"feeds", "quotes"}:
        return
    if order.markets:
        yield from ((chain, chain.markets) for chain in only(config, order.markets).chains)
        return
    for chain in config.chains:
        known = stored_markets(store, chain.id)
        if known or len(config.chains) == 1:
            yield chain, known


async def on_chain(
    lines: AsyncExitStack, chain: Chain, markets: Sequence[Market], order: Order, options: Options
) -> tuple[list[Origin], BlockRef]:
    """The sources that one chain has of what is wanted, and the block that they are read at."""
    line = await lines.enter_async_context(connect(chain))
    pin = await line.pin()
    found, lost = await spoken(pin.line, pin.block, markets)
    some = [one for one in found if not order.pairs or str(one.pair) in order.pairs]
    told = await feeds(pin.line, pin.block, some)
    for text in (*lost, *told.silent):
        options.note(clean_line(text))
    return list(told.origins), pin.block


def said(text: str) -> None:
    """One clean line on stderr, whether notes are wanted or not."""
    sys.stderr.write(f"watcher: {clean_line(text)}\n")
