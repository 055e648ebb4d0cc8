"""`watcher backfill`: readings of the past, for accounts that nobody watched then. Needs an endpoint with an archive.

Exit codes: 0 everything is stored; 4 no endpoint has the state of the first block, or some blocks could not be read: run it again.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Collection
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any

import typer

from watcher.backfill.fill import Fill
from watcher.backfill.past import Bound, Past, past
from watcher.backfill.plan import plan
from watcher.cli.account.bands import policies
from watcher.cli.account.people import owners_of
from watcher.cli.db import configured, named
from watcher.cli.options import (
    At,
    ChainName,
    ChainsFile,
    Format,
    FormatName,
    Markets,
    Options,
    Quiet,
    Rpc,
    Verbose,
    moment,
    parse_block,
)
from watcher.cli.output import Column, show
from watcher.cli.progress import progress
from watcher.cli.since import span as seconds
from watcher.config import Config, Origin, with_rpc
from watcher.config.address import may_be_name
from watcher.config.watch import Watch
from watcher.connection import connect, only, placed
from watcher.errors import AnswerError, CallReverted, ChainError, UsageError
from watcher.exit import Exit
from watcher.library import address
from watcher.model import PositionKey
from watcher.store.open import Store, open_store
from watcher.store.recall import readings
from watcher.text import clean_line
from watcher.watching.policy import Policy

COLUMNS = (
    Column("chain", "chain"),
    Column("first", "first block", right=True),
    Column("last", "last block", right=True),
    Column("grid", "grid", right=True),
    Column("requests", "requests, about", right=True),
    Column("seconds", "seconds", right=True),
    Column("stored", "stored before", right=True),
    Column("read", "blocks read", right=True),
    Column("readings", "readings", right=True),
    Column("failed", "failed", right=True),
)
When = Annotated[
    At | None, typer.Option("--to", metavar="WHEN", parser=parse_block, help="The end; else the newest final block.")
]


@dataclass(frozen=True, slots=True)
class Order:
    """What was asked for. `where` is the store, None for the default one."""

    accounts: tuple[str, ...]
    begin: Bound
    end: Bound | None
    every: int
    markets: tuple[str, ...]
    where: str | Path | None
    watch: Watch | None
    dry: bool


def command(
    accounts: Annotated[list[str], typer.Argument(metavar="ADDRESS…", help="Whose past: addresses or ENS names.")],
    begin: Annotated[
        At,
        typer.Option("--from", metavar="WHEN", parser=parse_block, help="A date (UTC), an age (7d) or a block number."),
    ],
    end: When = None,
    every: Annotated[str, typer.Option("--every", metavar="TIME", help="How far apart, as 1h or 15m.")] = "1h",
    market: Markets = None,
    db: Annotated[str | None, typer.Option("--db", metavar="PATH|URL", help="The store.")] = None,
    config: Annotated[Path | None, typer.Option("--config", metavar="FILE", help="The watcher.toml.")] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what it costs and stop.")] = False,
    rpc: Rpc = None,
    chains: ChainsFile = None,
    chain: ChainName = None,
    format: FormatName = Format.TABLE,
    quiet: Quiet = False,
    verbose: Verbose = 0,
) -> int:
    options = Options(chains=chains, chain=chain, format=format, quiet=quiet, verbose=verbose)
    options.start_logging()
    for text in accounts:
        if not may_be_name(text):
            address(text)
    if not (step := seconds(every)):
        raise UsageError("backfill: --every needs a time, as 1h or 15m")
    watch = None if db is not None and config is None else configured(config, db)
    now = datetime.now(UTC)
    bounds = [None if at is None else Bound(*moment(at, now)) for at in (begin, end)]
    order = Order(
        tuple(accounts), bounds[0] or Bound(), bounds[1], step, tuple(market or ()), named(db, watch), watch, dry_run
    )
    found = (
        options.config(rpc) if watch is None or chains is not None else with_rpc(watch.config.only(chain), rpc or [])
    )
    return asyncio.run(backfill(found, order, options))


async def backfill(config: Config, order: Order, options: Options) -> Exit:
    """Chain after chain. One that cannot be read is named, and does not keep the others from being read."""
    config = await placed(config)
    owners = await owners_of(order.accounts, config, options)
    config = only(config, order.markets)
    if len(config.chains) > 1 and any(end is not None and end.number is not None for end in (order.begin, order.end)):
        raise UsageError("every chain counts its own blocks: name one with --chain, or give a date or an age")
    if any(endpoint.origin is Origin.SHIPPED for chain in config.chains for endpoint in chain.endpoints[:1]):
        options.note("asking public endpoints: they learn the addresses that you ask for (--rpc URL asks your own)")
    bands = await policies(None if order.watch is None else order.watch.source, options.chains, config)
    rows: list[dict[str, Any]] = []
    code = Exit.OK
    with ExitStack() as held:
        store = None if order.dry else held.enter_context(open_store(order.where, write=True, create=True))
        for chain in config.chains:
            try:
                async with connect(chain) as line:
                    span = await past(line, owners, order.begin, order.end, order.every)
                    row = await priced(span, options)
                    rows.append(row)
                    if store is not None:
                        failures = await read(span, Filling(store, bands(chain), row), options)
                        row["failed"] = len(failures)
                        for failure in failures:
                            said(failure)
                        code = Exit.SOURCE if failures else code
            except (ChainError, AnswerError) as error:
                said(str(error))
                code = Exit.SOURCE
    show(rows, COLUMNS[:6] if order.dry else COLUMNS, options.format)
    return code


@dataclass(frozen=True, slots=True)
class Filling:
    """Where the readings go, under which bands, and the `row` that says what came of it."""

    store: Store
    policy: Policy
    row: dict[str, Any]


async def priced(span: Past, options: Options) -> dict[str, Any]:
    """The cost, before anything is spent."""
    cost, name = await span.cost(), span.line.chain.name
    options.note(
        f"{name}: blocks {span.first.number} to {span.last.number}, {cost.grid} of them on the grid and those at which the accounts "
        f"moved; about {cost.requests} requests, {cost.log_requests} of them for logs; {cost.seconds} s"
    )
    return {
        "chain": name,
        "first": span.first.number,
        "last": span.last.number,
        "grid": cost.grid,
        "requests": cost.requests,
        "seconds": cost.seconds,
    }


async def read(span: Past, into: Filling, options: Options) -> list[str]:
    """Logs, then blocks. What could not be read, a line each."""
    visible = not options.quiet and sys.stderr.isatty()
    grid = await span.grid()
    markets = await span.markets()
    found, failures = [], []
    with progress(f"{span.line.chain.name}: logs", len(markets), visible) as done:
        for market in markets:
            try:
                found.append(await span.course(market))
            except (CallReverted, AnswerError) as error:
                failures.append(f"{market.name}: {error}")
            done(market.name)
    courses = [course for course, _ in found if course.keys]
    kept = stored(into.store, span.line.chain.id, {key.key for course in courses for key in course.keys})
    todo = plan(courses, frozenset(block.number for block in grid), kept)
    options.note(
        f"{span.line.chain.name}: {len(todo.steps)} blocks to read for {todo.readings} readings; {todo.stored} are stored already"
    )
    terms = {course.market.name: at_end for course, at_end in found}
    fill = Fill(into.store, span.line.reader, into.policy, terms, {block.number: block for block in grid})
    with progress(f"{span.line.chain.name}: blocks", len(todo.steps), visible) as done:
        async for block in fill.run(todo.steps):
            done(str(block.number))
    into.row.update(stored=todo.stored, read=len(todo.steps), readings=fill.readings)
    return [*failures, *fill.failures]


def stored(store: Store, chain: int, keys: Collection[bytes]) -> frozenset[tuple[PositionKey, int]]:
    """Which positions have a reading at which block of the chain."""
    return frozenset(
        (kept.key, kept.block.number) for key in keys for kept in readings(store, key) if kept.block.chain == chain
    )


def said(text: str) -> None:
    """One clean line on stderr, whether notes are wanted or not."""
    sys.stderr.write(f"watcher: {clean_line(text)}\n")
