"""`watcher market`: how one market liquidates, its assets as everyone sees them, and with --changes what its governance has set.

Exit codes: 0; 4 the market could not be read, a price is missing, or what held before a change is not known.
"""

from __future__ import annotations

import asyncio
import sys
from dataclasses import replace
from datetime import UTC, datetime
from typing import Annotated

import typer

from watcher.chronicle.changes import changes
from watcher.chronicle.past import Past
from watcher.chronicle.span import Bound, span
from watcher.cli.account.bands import usual
from watcher.cli.db import chains_of
from watcher.cli.market.log import COLUMNS, LINES, line_of, of_entry
from watcher.cli.market.record import RESERVE, document, reserves
from watcher.cli.market.sheet import show_market
from watcher.cli.market.view import View, view
from watcher.cli.marks import MARKS, Marks
from watcher.cli.options import (
    At,
    BlockAt,
    ChainName,
    ChainsFile,
    ConfigFile,
    Format,
    FormatName,
    Options,
    Quiet,
    Rpc,
    Verbose,
    moment,
    parse_block,
)
from watcher.cli.output import show, show_json
from watcher.cli.progress import progress
from watcher.cli.scan import Db, place
from watcher.cli.scan.book import Place, opened, shelf, standing
from watcher.config import Config, Origin
from watcher.connection import Connection, Pin, connect, only, placed
from watcher.errors import AnswerError, ChainError, UsageError, WatcherError
from watcher.exit import Exit
from watcher.model import Market
from watcher.oracle.sight import look
from watcher.scan.distribution import Distribution, distribution
from watcher.scan.opening import Opening
from watcher.text import clean_line

Log = Annotated[bool, typer.Option("--changes", help="The parameter log: what governance set, oldest first.")]
Since = Annotated[
    At | None,
    typer.Option(
        "--since", metavar="WHEN", parser=parse_block, help="Of --changes: an age (90d), a date or a block; else all."
    ),
]
Book = Annotated[
    bool,
    typer.Option("--book", help="Find everybody who owes, for how the debt is spread over health; else as stored."),
]


def command(
    market: Annotated[str, typer.Argument(metavar="MARKET", help="A market's name, or a Morpho market's id.")],
    log: Log = False,
    since: Since = None,
    book: Book = False,
    db: Db = None,
    file: ConfigFile = None,
    rpc: Rpc = None,
    chains: ChainsFile = None,
    chain: ChainName = None,
    block: BlockAt = None,
    format: FormatName = Format.TABLE,
    quiet: Quiet = False,
    verbose: Verbose = 0,
) -> int:
    options = Options(chains, chain, block, format, quiet, verbose)
    options.start_logging()
    if since is not None and not log:
        raise UsageError("--since is of the parameter log: add --changes")
    if (book or db is not None) and (log or block is not None):
        raise UsageError("--book and --db are about the present: leave --changes and --block out")
    where = place(db, file if book else None)
    return asyncio.run(
        run(chains_of(file, db, options, rpc), market, since if log else None, log, where, book, options)
    )


async def run(
    config: Config, wanted: str, since: At | None, log: bool, where: Place, book: bool, options: Options
) -> Exit:
    """Read, show, and say how it ended."""
    config = only(await placed(config), [wanted])
    (chain,) = config.chains
    (market,) = chain.markets
    if any(endpoint.origin is Origin.SHIPPED for endpoint in chain.endpoints[:1]):
        options.note("asking public endpoints (--rpc URL asks your own)")
    async with connect(chain) as line:
        pin = await line.pin(*moment(options.block, datetime.now(UTC)))
        if log:
            return await show_log(pin, market, since, options)
        past = Past(pin.line.reader, market)
        seen = await behind(pin, view(chain, market, await past.at(pin.block.number, ())))
        if options.block is None:
            seen = replace(seen, spread=await spread(line, market, where, book, options))
    return shown(seen, options)


async def behind(pin: Pin, seen: View) -> View:
    """The market with what stands behind its prices. Where that cannot be read it is unknown, and the rest is told."""
    chain, block = seen.chain, seen.block
    tokens = {price.token.address for price in seen.prices}
    usd = [(one.token, one.feed) for one in chain.usd if one.token in tokens]
    beats = {beat.feed: beat.seconds for beat in chain.heartbeats}
    try:
        asked = look(seen.prices, usd, chain.sequencer, beats, block.timestamp)
        return seen.behind(await pin.line.reader.run(asked, block))
    except WatcherError as error:
        return replace(seen, unknown=(*seen.unknown, f"what stands behind the prices: {error}"))


async def spread(line: Connection, market: Market, where: Place, book: bool, options: Options) -> Distribution | None:
    """How the debt is spread over health, by the store's book, or with `book` by one that is opened now; None without any."""
    if book:
        with shelf(where, options) as on:
            opening: Opening | None = await opened(line, market, on, options)
    else:
        try:
            opening = await standing(line, market, where, options)
        except (ChainError, AnswerError) as error:  # nobody asked for it: the rest is told all the same
            options.note(f"the debt by health is not known: {error}")
            return None
    if opening is None:
        return None
    one = opening.followed
    return distribution(one.book, one.accrued(), one.block, usual(line.chain).groups)


def shown(seen: View, options: Options) -> Exit:
    match options.format:
        case Format.JSON | Format.JSONL:
            show_json(document(seen)) if options.format is Format.JSON else show([document(seen)], (), options.format)
        case Format.CSV:
            show(reserves(seen), RESERVE, options.format)
        case Format.TABLE:
            show_market(seen)
    for text in seen.unknown:
        sys.stderr.write(f"watcher: unknown: {clean_line(text)}\n")
    return Exit.SOURCE if seen.unknown else Exit.OK


async def show_log(pin: Pin, market: Market, since: At | None, options: Options) -> Exit:
    """The parameter log up to the pinned block."""
    line = pin.line
    terms = (await Past(line.reader, market).at(pin.block.number, ())).terms
    begin = Bound(*moment(since, datetime.now(UTC)))
    first, last = await span(line, market, pin.block, begin, Bound(pin.block.number))
    options.note(f"{market.name}: blocks {first} to {last}")
    with progress("reading logs", MARKS, not options.quiet and sys.stderr.isatty()) as step:
        found = await changes(line, market, terms, first, last, Marks(step, first, last).reached)
    if options.format is Format.TABLE:
        show([line_of(found, entry) for entry in found.entries], LINES, options.format)
    else:
        show([of_entry(line.chain, market, found, entry) for entry in found.entries], COLUMNS, options.format)
    options.note(f"{len(found.entries)} parameter{'' if len(found.entries) == 1 else 's'} changed")
    if found.reason is not None:
        sys.stderr.write(f"watcher: what held before is not known: {clean_line(found.reason)}\n")
    return Exit.SOURCE if any(not entry.told for entry in found.entries) else Exit.OK
