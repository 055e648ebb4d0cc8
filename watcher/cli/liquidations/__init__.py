"""`watcher liquidations`: every liquidation of a market since a time, and what led to it. Needs an archive for what the blocks say.

Exit codes: 0 everything is known; 4 the market or its logs could not be read, or something of some liquidation is unknown.
"""

from __future__ import annotations

import asyncio
import sys
from collections import Counter
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Annotated

import typer

from watcher.chronicle.case import Case
from watcher.chronicle.court import Court
from watcher.chronicle.liquidations import cases, liquidated
from watcher.chronicle.past import Past
from watcher.chronicle.span import Bound, span
from watcher.cli.db import chains_of
from watcher.cli.liquidations.record import COLUMNS, of_case
from watcher.cli.liquidations.sheet import LATER, LINES, line_of
from watcher.cli.marks import MARKS, Marks
from watcher.cli.options import (
    At,
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
from watcher.cli.output import show
from watcher.cli.progress import progress
from watcher.config import Config, Origin
from watcher.connection import Pin, connect, only, placed
from watcher.exit import Exit
from watcher.model import Market
from watcher.text import clean_line

Since = Annotated[
    At,
    typer.Option("--since", metavar="WHEN", parser=parse_block, help="An age (30d), a date (UTC) or a block number."),
]
Until = Annotated[
    At | None,
    typer.Option("--until", metavar="WHEN", parser=parse_block, help="The end, likewise; else the newest block."),
]


def command(
    market: Annotated[str, typer.Argument(metavar="MARKET", help="A market's name, or a Morpho market's id.")],
    since: Since,
    until: Until = None,
    file: ConfigFile = None,
    rpc: Rpc = None,
    chains: ChainsFile = None,
    chain: ChainName = None,
    format: FormatName = Format.TABLE,
    quiet: Quiet = False,
    verbose: Verbose = 0,
) -> int:
    options = Options(chains=chains, chain=chain, format=format, quiet=quiet, verbose=verbose)
    options.start_logging()
    now = datetime.now(UTC)
    bounds = Bound(*moment(since, now)), Bound(*moment(until, now))
    return asyncio.run(liquidations(chains_of(file, None, options, rpc), market, bounds, options))


async def liquidations(config: Config, wanted: str, bounds: tuple[Bound, Bound], options: Options) -> Exit:
    """Read, show, and say how it ended."""
    config = only(await placed(config), [wanted])
    (chain,) = config.chains
    (market,) = chain.markets
    if any(endpoint.origin is Origin.SHIPPED for endpoint in chain.endpoints[:1]):
        options.note("asking public endpoints: few have an archive, without which little can be told (--rpc URL)")
    async with connect(chain) as line:
        pin = await line.pin()
        found = await judged(pin, market, bounds, options)
    if options.format is Format.TABLE:
        show([line_of(case) for case in found], LINES, options.format)
        if any(case.nth > 1 for case in found):
            sys.stdout.write(LATER + "\n")
    else:
        final = pin.block.number - chain.finality
        show([of_case(chain, market, case, final) for case in found], COLUMNS, options.format)
    return ended(found)


async def judged(pin: Pin, market: Market, bounds: tuple[Bound, Bound], options: Options) -> list[Case]:
    """The logs, then the blocks around each liquidation, with a progress line for both."""
    line, visible = pin.line, not options.quiet and sys.stderr.isatty()
    past = Past(line.reader, market)
    terms = (await past.at(pin.block.number, ())).terms
    first, last = await span(line, market, pin.block, *bounds)
    court = Court(line, past, pin.block)
    options.note(f"{market.name}: blocks {first} to {last}")
    with progress("reading logs", MARKS, visible) as step:
        found = await liquidated(court, terms, first, last, Marks(step, first, last).reached)
    total = sum(map(len, found.values()))
    options.note(
        f"{total} liquidation{'' if total == 1 else 's'} in {len(found)} block{'' if len(found) == 1 else 's'}"
    )
    read: list[Case] = []
    with progress("reading blocks", total, visible) as step:
        async for case in cases(court, found):
            read.append(case)
            step(str(case.block.number))
    return read


def ended(found: Sequence[Case]) -> Exit:
    """The reasons of what is unknown, each once, and the exit code."""
    reasons = Counter(reason for case in found for reason in case.unknown)
    for reason in reasons:
        sys.stderr.write(f"watcher: unknown: {clean_line(reason)}\n")
    return Exit.SOURCE if reasons else Exit.OK
