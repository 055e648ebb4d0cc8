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
from watcher.config import Origin as Named
from watcher.connection import connect, only, placed
from watcher.errors import ChainError, UsageError
from watcher.exit import Exit
from watcher.model import BlockRef, Market
from watcher.prices.feeds import feeds, spoken
from watcher.prices.files import load
from watcher.prices.origin import Origin
from watcher.prices.pair import Pair
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
    """Every source of every chain. What cannot be read is named, and does not keep the others from being read."""
    config = await placed(config)
    code = Exit.OK
    with open_store(order.where, write=True, create=True) as store:
        async with AsyncExitStack() as lines:
            origins: list[Origin] = []
            now = order.now
            for chain, markets in asked(store, config, order):
                if any(endpoint.origin is Named.SHIPPED for endpoint in chain.endpoints[:1]):
                    options.note(f"{chain.name}: asking public endpoints (--rpc URL asks your own)")
                try:
                    found, block = await on_chain(lines, chain, markets, order, options)
                    origins += found
                    now = max(now, block.timestamp)  # a chain may be ahead of this machine
                except ChainError as error:
                    said(str(error))
                    code = Exit.SOURCE
            if not origins and code is Exit.OK:
                raise UsageError(
                    "nothing to read prices of: name a --market, a --chain with dollar feeds, or a PAIR with --by binance"
                )
            tasks, lost = await planned(store, origins, order.since, now)
            cost = total([task.cost for task in tasks])
            options.note(f"{len(tasks)} sources: about {cost.requests} requests for about {cost.rows} rows")
            rows = [synced_row(one) for one in lost]
            visible = not options.quiet and sys.stderr.isatty()
            if not order.dry:
                with progress("prices", max(1, cost.requests), visible) as bar:
                    rows += [synced_row(one) async for one in run(store, tasks, Bar(bar).of)]
    show(rows, SYNCED, options.format)
    return Exit.SOURCE if any(row["error"] for row in rows) else code


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


def asked(store: Store, config: Config, order: Order) -> Iterator[tuple[Chain, tuple[Market, ...]]]:
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
