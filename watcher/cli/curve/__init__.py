"""`watcher curve`: what becomes liquidatable in a market, and what nothing would cover, as prices fall.

Exit codes: 0; 4 the market could not be read, or somebody is missing or unknown.
"""

from __future__ import annotations

import asyncio
import sys
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Annotated

import typer

from watcher.cli.account.bands import usual
from watcher.cli.account.changes import find, number
from watcher.cli.curve.record import COLUMNS, document, rows
from watcher.cli.curve.sheet import picture, said, show_curve
from watcher.cli.curve.view import View
from watcher.cli.db import chains_of
from watcher.cli.options import (
    ChainName,
    ChainsFile,
    ConfigFile,
    Format,
    FormatName,
    Options,
    Quiet,
    Rpc,
    Verbose,
)
from watcher.cli.output import show, show_json
from watcher.cli.progress import progress
from watcher.cli.scan import Db, MarketName, place
from watcher.cli.scan.book import Place, opened, shelf
from watcher.config import Chain, Config, Origin
from watcher.connection import connect, only, placed
from watcher.errors import UsageError
from watcher.exit import Exit
from watcher.following.followed import Followed
from watcher.following.proof import covered
from watcher.health.fall import STEPS
from watcher.model import Market
from watcher.scan.curve import Curve, Drawing
from watcher.scan.threshold import Assets
from watcher.text import clean_line

COARSE, FINE = "5%", "2%"  # between two points of a table, and for programs and pictures
Asset = Annotated[str | None, typer.Option("--asset", metavar="TOKEN", help="The price of this asset alone falls.")]
GroupName = Annotated[
    str | None, typer.Option("--group", metavar="NAME", help="All prices of this correlated group fall, as ETH.")
]
To = Annotated[str, typer.Option("--to", metavar="CHANGE", help="How far: -60%.")]
Every = Annotated[str | None, typer.Option("--every", metavar="PERCENT", help="Between two points: 1%.")]
Plot = Annotated[
    Path | None, typer.Option("--plot", metavar="FILE", help="Draw it instead, into FILE.png or FILE.svg.")
]


@dataclass(frozen=True, slots=True)
class Wish:
    """The options read as far as they can be without the market; steps are millionths."""

    asset: str | None
    group: str | None
    last: int
    every: int
    plot: Path | None


def command(
    market: MarketName,
    asset: Asset = None,
    group: GroupName = None,
    to: To = "-60%",
    every: Every = None,
    plot: Plot = None,
    db: Db = None,
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
    if asset is not None and group is not None:
        raise UsageError("name one asset or one group")
    if plot is not None:
        drawable(plot, format)
    fine = plot is not None or format is not Format.TABLE
    wish = Wish(asset, group, steps("--to", to), steps("--every", every or (FINE if fine else COARSE)), plot)
    return asyncio.run(run(chains_of(config, db, options, rpc), market, wish, place(db, config), options))


def drawable(plot: Path, format: Format) -> None:
    """`UsageError` or `ConfigError` before anything is read, where no picture could be made."""
    from watcher.plots.style import matplotlib, of_name

    if format is not Format.TABLE:
        raise UsageError("--plot draws the curve: leave --format out")
    of_name(plot)
    matplotlib()


def steps(option: str, text: str) -> int:
    """A fall in per cent as millionths, rounded down: more than nothing, less than all."""
    word = text.strip().removeprefix("-").removeprefix("−")
    if not word.endswith("%"):
        raise UsageError(f"{option} {text}: write it in per cent, as {option} -60%")
    found = int(Fraction(number(f"{option} {text}", word.removesuffix("%"))) * STEPS / 100)
    if not 0 < found < STEPS:
        raise UsageError(f"{option} {text}: a fall is more than nothing and less than 100 %")
    return found


async def run(config: Config, wanted: str, wish: Wish, where: Place, options: Options) -> Exit:
    """Open, draw, show, and say how it ended."""
    config = only(await placed(config), [wanted])
    (chain,) = config.chains
    (market,) = chain.markets
    if any(endpoint.origin is Origin.SHIPPED for endpoint in chain.endpoints[:1]):
        options.note("asking public endpoints (--rpc URL asks your own)")
    async with connect(chain) as line:
        with shelf(where, options) as on:
            one = (await opened(line, market, on, options)).followed
    seen = drawn(chain, market, one, wish, options)
    shown(seen, wish, options)
    if not seen.covered:
        sys.stderr.write(f"watcher: somebody who owes in {market.name} is missing: watcher scan says what is known\n")
    for lost in seen.curve.unplaced:
        sys.stderr.write(f"watcher: unknown: 0x{lost.key.key.hex()}: {clean_line(lost.reason)}\n")
    return Exit.OK if seen.covered and not seen.curve.unplaced else Exit.SOURCE


def drawn(chain: Chain, market: Market, one: Followed, wish: Wish, options: Options) -> View:
    """The curve of a book, with a progress line for its accounts and one for its points."""
    assets, falls = fallers(one, chain, wish)
    drawing = Drawing(one.book, one.accrued(), usual(chain).groups, assets, wish.every, wish.last)
    with progress(market.name, 1, not options.quiet and sys.stderr.isatty()) as bar:
        curve: Curve = drawing.curve(
            lambda done, of: bar.reached(done, of, "accounts"), lambda done, of: bar.reached(done, of, "points")
        )
    return View(chain, market, one.block, falls, curve, covered(one).exact)


def fallers(one: Followed, chain: Chain, wish: Wish) -> tuple[Assets | None, str]:
    """Which prices fall, and that in words. `UsageError` for what this market has no price of."""
    known = [price.token for price in one.of.prices(one.terms, one.accrued())]
    if wish.asset is not None:
        token = find(known, wish.asset)
        if token is None:
            symbols = ", ".join(each.symbol for each in known)
            raise UsageError(f"--asset {wish.asset}: this market reads no such price; it reads those of {symbols}")
        return frozenset([token.address]), token.symbol
    if wish.group is None:
        return None, "the collateral of each account"
    group = next((each for each in chain.groups if each.name.lower() == wish.group.lower()), None)
    if group is None:
        names = ", ".join(each.name for each in chain.groups) or "none"
        raise UsageError(f"--group {wish.group}: {chain.name} has {names}")
    inside = [token for token in known if token.address in group.tokens]
    if not inside:
        raise UsageError(f"--group {wish.group}: this market reads no price of it")
    return frozenset(token.address for token in inside), f"{group.name} ({', '.join(token.symbol for token in inside)})"


def shown(seen: View, wish: Wish, options: Options) -> None:
    if wish.plot is not None:
        picture(seen, wish.plot)
        options.note(f"{len(seen.curve.points)} points drawn in {wish.plot}")
        return
    match options.format:
        case Format.JSON:
            show_json(document(seen))
        case Format.JSONL | Format.CSV:
            show(rows(seen), COLUMNS, options.format)
        case Format.TABLE:
            show_curve(seen)
            said(
                f"{len(seen.curve.thresholds)} accounts meet their line on the way; {len(seen.curve.unplaced)} are unknown"
            )
