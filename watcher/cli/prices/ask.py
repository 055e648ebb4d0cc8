"""The work of `watcher prices sync`: what it costs, then what came of it."""

from __future__ import annotations

import sys
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path

from watcher.cli.options import Options
from watcher.cli.output import show
from watcher.cli.prices.order import Order, meant
from watcher.cli.prices.sheet import SYNCED, synced_row
from watcher.cli.progress import Steps, progress
from watcher.config import Config
from watcher.connection import placed
from watcher.errors import UsageError
from watcher.exit import Exit
from watcher.prices.files import load
from watcher.prices.pair import Pair
from watcher.prices.sync import Synced, planned, run, total
from watcher.store.open import Store, exists, open_store
from watcher.store.prices import Source, enter


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
    """Everything that is meant and missing, and a table of what came."""
    found, complete = await brought(config, order, options)
    show([synced_row(one) for one in found], SYNCED, options.format)
    return Exit.OK if complete and all(one.error is None for one in found) else Exit.SOURCE


async def brought(config: Config, order: Order, options: Options) -> tuple[list[Synced], bool]:
    """What is missing of every source into the store, after a line that says what it costs; and whether every chain answered.

    A source that cannot be read is there with its error, and does not keep the others from being read.
    """
    config = await placed(config)
    async with AsyncExitStack() as held:
        store = stored(order)
        if store is not None:
            held.enter_context(store)
        wanted = await meant(held, store, config, order, options)
        if not wanted.origins and not wanted.failed:
            raise UsageError(
                "no source of prices is known for that: name a --market, a --chain, or a PAIR with --by binance"
            )
        visible = not options.quiet and sys.stderr.isatty()
        with progress("prices: what is missing", len(wanted.origins), visible) as found:
            tasks, lost = await planned(store, wanted.origins, order.since, wanted.now, found)
        cost = total([task.cost for task in tasks])
        options.note(f"{len(tasks)} sources: about {cost.requests} requests for about {cost.rows} rows")
        if store is not None and not order.dry:
            with progress("prices", max(1, cost.requests), visible) as bar:
                lost += [one async for one in run(store, tasks, Bar(bar).of)]
    return lost, not wanted.failed


def stored(order: Order) -> Store | None:
    """The store to be filled; a dry run only reads it, and makes none."""
    if not order.dry:
        return open_store(order.where, write=True, create=True)
    return open_store(order.where) if exists(order.where) else None


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
