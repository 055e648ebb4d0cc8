"""`watcher explain`: why the health of an address moved between two blocks, in parts that add up to the last unit.

Out of the store where that knows the stretch, else from an endpoint with the old state. Exit codes: 0 everything is explained; 4 something
is not, and it is said from which block on it could be.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from watcher.cli.db import configured, named
from watcher.cli.options import (
    At,
    AtNumber,
    ChainName,
    ChainsFile,
    ConfigFile,
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
from watcher.config import Config, with_rpc
from watcher.errors import UsageError
from watcher.exit import Exit

if TYPE_CHECKING:
    from watcher.cli.explain.record import Explained

Bound = tuple[int | None, int | None]  # a block number, or Unix seconds, or neither for the newest


@dataclass(frozen=True, slots=True)
class Order:
    """What was asked for. `account` is its 20 bytes; `where` is the store, None where there is none."""

    account: bytes
    begin: Bound
    end: Bound
    markets: tuple[str, ...]
    where: str | Path | None


@dataclass(frozen=True, slots=True)
class Files:
    """What is made instead of printing."""

    plot: Path | None = None
    parquet: Path | None = None

    def check(self, format: Format) -> None:
        """`UsageError` or `ConfigError` before anything is read, where one of them could not be made."""
        if self != Files() and format is not Format.TABLE:
            raise UsageError("--plot and --parquet make a file of the causes: leave --format out")
        if self.plot is not None:
            from watcher.plots.style import matplotlib, of_name

            of_name(self.plot)
            matplotlib()
        if self.parquet is not None:
            from watcher.export.table import writable

            writable(self.parquet)


def command(
    who: Annotated[
        str, typer.Argument(metavar="ADDRESS", help="Whose health: an address, or a label of watcher.toml.")
    ],
    begin: Annotated[
        At,
        typer.Option("--from", metavar="WHEN", parser=parse_block, help="A block number, a date (UTC) or an age (7d)."),
    ],
    end: Annotated[
        At | None, typer.Option("--to", metavar="WHEN", parser=parse_block, help="The end; else the newest block.")
    ] = None,
    each: Annotated[bool, typer.Option("--each", help="Show every piece of the stretch too.")] = False,
    plot: Annotated[
        Path | None, typer.Option("--plot", metavar="FILE", help="Draw the causes instead, into FILE.png or FILE.svg.")
    ] = None,
    parquet: Annotated[
        Path | None,
        typer.Option("--parquet", metavar="FILE", help="Write the causes as a table instead, into FILE.parquet."),
    ] = None,
    market: Markets = None,
    db: Annotated[str | None, typer.Option("--db", metavar="PATH|URL", help="The store.")] = None,
    config: ConfigFile = None,
    rpc: Rpc = None,
    chains: ChainsFile = None,
    chain: ChainName = None,
    format: FormatName = Format.TABLE,
    quiet: Quiet = False,
    verbose: Verbose = 0,
) -> int:
    options = Options(chains=chains, chain=chain, format=format, quiet=quiet, verbose=verbose)
    options.start_logging()
    files = Files(plot, parquet)
    files.check(format)
    watch = configured(config, db)
    from watcher.cli.history import key_of

    now = datetime.now(UTC)
    order = Order(
        key_of(who, watch), moment(begin, now), moment(end, now), tuple(market or ()), _where(named(db, watch))
    )
    known = (
        options.config(rpc) if watch is None or chains is not None else with_rpc(watch.config.only(chain), rpc or [])
    )
    numbered = isinstance(begin, AtNumber) or isinstance(end, AtNumber)
    return asyncio.run(explain(order, known, options, each, files, numbered=numbered))


async def explain(order: Order, config: Config, options: Options, each: bool, files: Files, *, numbered: bool) -> Exit:
    """Explain, and print, draw or write."""
    from watcher.cli.explain.look import explained
    from watcher.connection import placed
    from watcher.store.open import open_store

    config = await placed(config)
    with ExitStack() as held:
        store = None if order.where is None else held.enter_context(open_store(order.where))
        told = await explained(order, store, config, options, numbered=numbered)
    failures = [one for one in told if isinstance(one, str)]
    found = [one for one in told if not isinstance(one, str)]
    if not found and not failures:
        raise UsageError(f"0x{order.account.hex()} held nothing between the two ends that is known")
    count = f"{len(found)} position{'s' * (len(found) > 1)}"
    if files.plot is not None and found:
        draw(found, files.plot)
        options.note(f"{count} drawn in {files.plot}")
    if files.parquet is not None and found:
        tabled(found, failures, each, files.parquet)
        options.note(f"{count} written to {files.parquet}")
    if not found or files == Files():
        printed(found, options.format, each)
    for failure in failures:
        sys.stderr.write(f"watcher: {failure}\n")
    return Exit.SOURCE if failures else Exit.OK


def printed(found: Sequence[Explained], form: Format, each: bool) -> None:
    from watcher.cli.explain.record import document, flat
    from watcher.cli.explain.sheet import CSV, pictured
    from watcher.cli.output import show

    match form:
        case Format.TABLE:
            for one in found:
                pictured(one, each)
        case Format.CSV:
            show([row for one in found for row in flat(one, each)], CSV, form)
        case _:
            show([document(one, each) for one in found], (), form)


def tabled(found: Sequence[Explained], failures: Sequence[str], each: bool, path: Path) -> None:
    """A row for each cause; what the rows are of, and what is not in them, in the head of the file."""
    from watcher.cli.explain.record import about, flat
    from watcher.export.table import write_table

    write_table([row for one in found for row in flat(one, each)], path, about(found, failures))


def draw(found: Sequence[Explained], path: Path) -> None:
    """A panel for each position."""
    from watcher.cli.explain.record import margin
    from watcher.cli.explain.sheet import steps
    from watcher.plots import waterfall
    from watcher.plots.style import save

    falls = []
    for one in found:
        size = 10**one.unit.decimals
        moves = [(name, amount / size) for name, amount in steps(one.pieces)]
        note = f"block {one.stretch.first.number} to {one.stretch.last.number}"
        title = f"{one.stretch.market.name} · 0x{one.stretch.key.key.hex()}"
        falls.append(waterfall.Waterfall(title, note, one.unit.symbol, margin(one.before) / size, moves))
    save(waterfall.draw(falls), path)


def _where(store: str | Path | None) -> str | Path | None:
    """The store that is named, else the default one where it is there."""
    from watcher.store.open import default

    if store is not None:
        return store
    return default() if default().is_file() else None
