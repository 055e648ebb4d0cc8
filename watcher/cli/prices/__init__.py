"""`watcher prices`: fill the store with the past of prices, and show what is in it and what of it is not used, and why.

Exit codes: 0; 4 a source did not answer: what it had before stays, and the others are stored.
"""

from __future__ import annotations

import asyncio
import time
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Final

import typer

from watcher.cli.db import configured, named
from watcher.cli.options import (
    At,
    AtAge,
    ChainName,
    ChainsFile,
    Format,
    FormatName,
    Markets,
    Options,
    Quiet,
    Rpc,
    Verbose,
    parse_block,
)
from watcher.cli.since import since_of
from watcher.config import with_rpc
from watcher.errors import UsageError
from watcher.exit import Exit

YEARS: Final = AtAge(timedelta(days=1000))


class Deed(StrEnum):
    SYNC = "sync"
    SHOW = "show"


class By(StrEnum):
    """Where prices come from."""

    FEEDS = "feeds"
    QUOTES = "quotes"
    BINANCE = "binance"
    COINBASE = "coinbase"


def command(
    deed: Annotated[Deed, typer.Argument(metavar="sync|show", help="Fill the store, or show what is in it.")],
    pairs: Annotated[
        list[str] | None,
        typer.Argument(metavar="[PAIR…]", help="ETH/USD, or 1:0x…/USD for a token by chain id and address; else all."),
    ] = None,
    by: Annotated[
        list[By] | None, typer.Option("--by", help="Sources to ask; feeds and quotes where none is named.")
    ] = None,
    file: Annotated[
        Path | None, typer.Option("--from", metavar="FILE", help="Prices of one PAIR from a csv or parquet file.")
    ] = None,
    since: Annotated[
        At | None,
        typer.Option("--since", metavar="WHEN", parser=parse_block, help="A date (UTC) or an age; else 1000d."),
    ] = None,
    market: Markets = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Say what a sync costs and stop.")] = False,
    db: Annotated[
        str | None, typer.Option("--db", metavar="PATH|URL", help="The store; WATCHER_DB names it too.")
    ] = None,
    config: Annotated[
        Path | None, typer.Option("--config", metavar="FILE", help="The watcher.toml; WATCHER_CONFIG names it too.")
    ] = None,
    rpc: Rpc = None,
    chains: ChainsFile = None,
    chain: ChainName = None,
    format: FormatName = Format.TABLE,
    quiet: Quiet = False,
    verbose: Verbose = 0,
) -> int:
    options = Options(chains=chains, chain=chain, format=format, quiet=quiet, verbose=verbose)
    options.start_logging()
    from watcher.cli.prices.ask import fill, take
    from watcher.cli.prices.order import Order
    from watcher.cli.prices.sheet import show_pairs, show_sources
    from watcher.prices.pair import parsed

    wanted = tuple(str(parsed(pair)) for pair in pairs or ())
    begin = since_of(since or YEARS, datetime.now(UTC))
    watch = None if db is not None and config is None else configured(config, db)
    where = named(db, watch)
    if deed is Deed.SHOW:
        if by or file or market or dry_run or rpc:
            raise UsageError(
                "prices show only shows what is stored: --by, --from, --market, --rpc and --dry-run are for sync"
            )
        from watcher.store.open import open_store

        with open_store(where) as store:
            if wanted:
                show_pairs(store, wanted, 0 if since is None else begin, options)
            else:
                show_sources(store, options)
        return Exit.OK
    if file is not None:
        if len(wanted) != 1 or by or market:
            raise UsageError("--from FILE takes the one PAIR that the file is of, and no other source")
        return take(file, parsed(wanted[0]), where, dry_run, options)
    known = (
        options.config(rpc) if watch is None or chains is not None else with_rpc(watch.config.only(chain), rpc or [])
    )
    kinds = frozenset(one.value for one in by or (By.FEEDS, By.QUOTES))
    return asyncio.run(
        fill(known, Order(wanted, kinds, begin, int(time.time()), tuple(market or ()), where, dry_run), options)
    )
