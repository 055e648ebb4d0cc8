"""`watcher backtest`: hold what the models would have said against what came, price by price; and stored chances against what happened.

Exit codes: 0; 4 there is too little history for some of what was asked: it is said what is missing, and the rest is judged.
"""

from __future__ import annotations

import sys
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer

from watcher.cli.db import configured, named
from watcher.cli.options import At, ConfigFile, Format, FormatName, Options, Quiet, Verbose, parse_block
from watcher.cli.since import since_of, span
from watcher.errors import UsageError
from watcher.exit import Exit

if TYPE_CHECKING:
    from watcher.cli.backtest.look import Order
    from watcher.cli.backtest.report import Report


class Step(StrEnum):
    HOUR = "1h"
    DAY = "1d"


LEAST: Final = 100  # returns in a window: one of a hundred is what is forecast


def command(
    pairs: Annotated[
        list[str] | None,
        typer.Argument(metavar="[PAIR…]", help="ETH/USD, or 1:0x…/USD for a token by chain id and address; else all."),
    ] = None,
    step: Annotated[Step, typer.Option("--step", help="How far each forecast looks.")] = Step.HOUR,
    window: Annotated[int, typer.Option("--window", min=LEAST, help="Returns that each forecast is made from.")] = 1000,
    offset: Annotated[
        str, typer.Option("--offset", metavar="AGE", help="Cut so much after each full hour or day (UTC): 30m.")
    ] = "0",
    since: Annotated[
        At | None,
        typer.Option("--since", metavar="WHEN", parser=parse_block, help="A date (UTC) or an age; else all there is."),
    ] = None,
    until: Annotated[
        At | None,
        typer.Option("--until", metavar="WHEN", parser=parse_block, help="The end, so that it can be run again."),
    ] = None,
    seed: Annotated[int, typer.Option("--seed", min=0, help="Of the simulated critical values.")] = 1,
    file: Annotated[
        Path | None,
        typer.Option("--file", metavar="FILE", help="Prices of one PAIR from a csv or parquet file instead."),
    ] = None,
    parquet: Annotated[
        Path | None, typer.Option("--parquet", metavar="FILE", help="Write the table there too: FILE.parquet.")
    ] = None,
    calibration: Annotated[
        bool, typer.Option("--calibration", help="Only stored chances of liquidation against what happened.")
    ] = False,
    db: Annotated[str | None, typer.Option("--db", metavar="PATH|URL", help="The store.")] = None,
    config: ConfigFile = None,
    format: FormatName = Format.TABLE,
    quiet: Quiet = False,
    verbose: Verbose = 0,
) -> int:
    options = Options(format=format, quiet=quiet, verbose=verbose)
    options.start_logging()
    from watcher.cli.backtest.look import Order
    from watcher.cli.backtest.report import printed, saved
    from watcher.prices.pair import parsed

    if file is not None and (len(pairs or ()) != 1 or db is not None or calibration):
        raise UsageError("--file FILE takes the one PAIR that the file is of, and no store")
    if calibration and pairs:
        raise UsageError("--calibration is of positions and takes no PAIR")
    if parquet is not None:
        from watcher.export.table import writable

        writable(parquet)
    now = datetime.now(UTC)
    length = span(f"1{step[1:]}")
    order = Order(
        pairs=tuple(parsed(pair) for pair in pairs or ()),
        step=length,
        window=window,
        offset=_within(span(offset), length),
        since=0 if since is None else since_of(since, now),
        until=None if until is None else since_of(until, now),
        seed=seed,
        file=file,
    )
    where = None if file is not None else named(db, configured(config, db))
    one_kind = bool(pairs) or parquet is not None or format is Format.CSV  # of table, which a file holds
    wanted = Wanted(prices=not calibration, chances=calibration or not one_kind)
    report, code = judged(order, wanted, where, not quiet and sys.stderr.isatty())
    printed(report, format)
    if parquet is not None:
        saved(report, parquet)
    return code


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is held against what came: the models on prices, the chances of stored positions, or both."""

    prices: bool
    chances: bool


def judged(order: Order, wanted: Wanted, where: str | Path | None, visible: bool) -> tuple[Report, Exit]:
    """What was asked for. Too few stored chances are a failure only where nothing else was wanted."""
    from watcher.cli.backtest.chances import NONE, calibrations
    from watcher.cli.backtest.look import backtests
    from watcher.cli.backtest.report import Report
    from watcher.store.open import open_store

    with ExitStack() as held:
        store = None if order.file is not None else held.enter_context(open_store(where))
        tested, refused = backtests(order, store, visible) if wanted.prices else ([], [])
        found, few = calibrations(store, order.since, order.until, visible) if store and wanted.chances else ([], [])
    if not (wanted.prices or found or few):
        few = [NONE]
    failed = bool(refused) if wanted.prices else not found
    return Report(tested, found, (*refused, *few)), Exit.SOURCE if failed else Exit.OK


def _within(offset: int, step: int) -> int:
    if offset >= step:
        raise UsageError(f"--offset is less than the step of {step} seconds")
    return offset
