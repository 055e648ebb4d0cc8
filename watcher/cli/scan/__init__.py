"""`watcher scan`: everybody of a market who is near the line, in exact figures, with the proof that nobody is missing; with --risk how
likely each liquidation is, and what may become of the market.

Exit codes: 0; 4 the market could not be read, somebody is missing or unknown, or the contract says otherwise.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from fractions import Fraction
from pathlib import Path
from typing import Annotated, Final

import typer

from watcher.cli.account.bands import policies
from watcher.cli.account.changes import number
from watcher.cli.db import chains_of, configured, named
from watcher.cli.options import ChainName, ChainsFile, ConfigFile, Format, FormatName, Options, Quiet, Rpc, Verbose
from watcher.cli.output import show, show_json
from watcher.cli.profile import Profile, profiled
from watcher.cli.risk import wish as risk_options
from watcher.cli.scan.book import Place, Shelf, opened, shelf
from watcher.cli.scan.prices import Assumed, assumed
from watcher.cli.scan.record import COLUMNS, document, flat, rows, summary
from watcher.cli.scan.risk.wish import By, Horizon, Told
from watcher.cli.scan.sheet import show_scan
from watcher.cli.scan.watch import watched
from watcher.config import Config, Origin
from watcher.config.risk import Risk
from watcher.connection import connect, only, placed
from watcher.errors import UsageError
from watcher.exit import Exit
from watcher.health.bands import Bands
from watcher.health.rules import bands_for
from watcher.model import Market, PositionKey
from watcher.scan.annexed import annexed
from watcher.scan.look import Order, Sort, View, look
from watcher.scan.opening import Opening
from watcher.scan.risk import TIERS, Choose, unit_of
from watcher.store.survey import Audit, audited
from watcher.units import WAD, Wad
from watcher.watching.policy import Policy, owner

MarketName = Annotated[str, typer.Argument(metavar="MARKET", help="A market's name, or a Morpho market's id.")]


class Sorting(StrEnum):
    """What comes first."""

    HEALTH = "health"
    DEBT = "debt"
    DISTANCE = "distance"
    LOSS = "loss"
    CHANCE = "chance"


BELOW: Final = "1.1"  # where nobody says another limit
Below = Annotated[
    str | None, typer.Option("--below", metavar="H", help="Accounts whose health is below H, strictly; else 1.1.")
]
Top = Annotated[int | None, typer.Option("--top", metavar="N", min=1, help="No more than the first N.")]
MinDebt = Annotated[
    str | None,
    typer.Option("--min-debt", metavar="AMOUNT", help="Who owes so much, in the market's unit (USD on Aave)."),
]
Order_ = Annotated[
    Sorting | None,
    typer.Option("--sort", help="Lowest health, largest debt or smallest fall first; with --risk by loss or chance."),
]
Risky = Annotated[
    bool,
    typer.Option(
        "--risk", help="How likely each account is liquidated, and the market's bad debt, by the stored prices."
    ),
]
Prices = Annotated[
    list[str] | None,
    typer.Option("--price", metavar="TOKEN=CHANGE", help="Under another price: WETH=2950 or WETH=-20%."),
]
Close = Annotated[
    bool, typer.Option("--liquidatable", help="Who can be liquidated now or at the next block, and for how much.")
]
Watching = Annotated[
    bool, typer.Option("--watch", help="Go on: the table at every block, or with --format jsonl a line per crossing.")
]
Db = Annotated[
    str | None, typer.Option("--db", metavar="PATH|URL", help="The store whose book is read, and kept if it can be.")
]


OF_NOW: Final = (Sorting.HEALTH, Sorting.DEBT, Sorting.DISTANCE)


@dataclass(frozen=True, slots=True)
class Wish:
    """The options as they were typed, read as far as they can be without the market."""

    below: Wad
    sort: Sort
    top: int | None
    least: str | None
    prices: tuple[str, ...]
    liquidatable: bool
    watch: bool


def command(
    market: MarketName,
    below: Below = None,
    top: Top = None,
    min_debt: MinDebt = None,
    sort: Order_ = None,
    price: Prices = None,
    liquidatable: Close = False,
    watch: Watching = False,
    risk: Risky = False,
    horizon: Horizon = None,
    model: risk_options.ModelName = None,
    scenarios: risk_options.Scenarios = None,
    seed: risk_options.Seed = None,
    no_sync: risk_options.NoSync = False,
    parquet: risk_options.Parquet = None,
    db: Db = None,
    config: ConfigFile = None,
    rpc: Rpc = None,
    chains: ChainsFile = None,
    chain: ChainName = None,
    format: FormatName = Format.TABLE,
    quiet: Quiet = False,
    verbose: Verbose = 0,
    profile: Profile = False,
) -> int:
    options = Options(chains=chains, chain=chain, format=format, quiet=quiet, verbose=verbose)
    options.start_logging()
    if liquidatable and below is not None:
        raise UsageError(
            "--liquidatable lists whom the contract would liquidate, whatever --below says: leave one of them out"
        )
    limit = max(TIERS) if liquidatable else Wad(int(Fraction(number("--below", below or BELOW)) * WAD))
    if min_debt is not None:
        number("--min-debt", min_debt)
    if watch and format not in (Format.TABLE, Format.JSONL):
        raise UsageError("--watch goes on for ever: use it with --format jsonl, or as a table")
    told = Told(not no_sync, horizon, model, scenarios, seed, parquet)
    if risk:
        present = {
            "--below": below,
            "--min-debt": min_debt,
            "--liquidatable": liquidatable or None,
            "--watch": watch or None,
        }
        refused(present, "about the present: leave it out of --risk")
        with profiled(profile):
            return foreseen(market, told, sort, top, tuple(price or ()), db, config, rpc, options)
    told.refuse()
    if sort is not None and sort not in OF_NOW:
        raise UsageError(f"--sort {sort}: only with --risk")
    wish = Wish(limit, Sort(sort or Sort.HEALTH), top, min_debt, tuple(price or ()), liquidatable, watch)
    asked = chains_of(config, db, options, rpc)
    with profiled(profile):
        return asyncio.run(run(asked, market, wish, place(db, config), config, options))


def refused(given: Mapping[str, object], why: str) -> None:
    """`UsageError` for options that were typed and mean nothing here."""
    named = [name for name, value in given.items() if value is not None]
    if named:
        raise UsageError(f"{', '.join(named)}: {why}")


def foreseen(
    market: str,
    told: Told,
    sort: Sorting | None,
    top: int | None,
    prices: tuple[str, ...],
    db: str | None,
    config: Path | None,
    rpc: list[str] | None,
    options: Options,
) -> Exit:
    """`scan --risk`, checked before anything is read."""
    from watcher.cli.scan.risk.look import Wish
    from watcher.cli.scan.risk.report import reported

    if sort in OF_NOW:
        raise UsageError(f"--sort {sort}: with --risk it is loss or chance")
    told.check()
    watch = None if config is None else configured(config, db)
    settings = told.over(Risk() if watch is None else watch.risk)
    wish = Wish(told, settings, place(db, config), By(sort or By.LOSS), top, prices)
    return reported(chains_of(config, db, options, rpc), market, wish, options)


def place(db: str | None, config: Path | None) -> Place:
    """The store of --db, WATCHER_DB or a watcher.toml that was named; else the default one, to be read only."""
    where = named(db, configured(config, db) if config is not None else None)
    return Place(where, where is not None)


async def run(config: Config, wanted: str, wish: Wish, where: Place, bands: Path | None, options: Options) -> Exit:
    """Open, look, show, and say how it ended."""
    policy_of = await policies(bands, options.chains, config := await placed(config))
    config = only(config, [wanted])
    (chain,) = config.chains
    (market,) = chain.markets
    if any(endpoint.origin is Origin.SHIPPED for endpoint in chain.endpoints[:1]):
        options.note("asking public endpoints (--rpc URL asks your own)")
    async with connect(chain) as line:
        with shelf(where, options) as on:
            opening = await opened(line, market, on, options)
            await annexed(line, opening)
            order, prices = ordered(opening, wish, policy_of(chain), market)
            seen = await look(line, opening, order)
            kept(on, seen)
            shown(seen, prices, options.format)
        if wish.watch:  # the store is free for whoever writes it
            await watched(line, opening, order, prices, options)
    return Exit.OK if seen.sound else Exit.SOURCE


def ordered(opening: Opening, wish: Wish, policy: Policy, market: Market) -> tuple[Order, tuple[Assumed, ...]]:
    """The wish in the market's own terms."""
    one = opening.followed
    prices = assumed(one, wish.prices)
    unit = unit_of(one.book, one.accrued())
    least = (
        0 if wish.least is None or unit is None else int(Fraction(number("--min-debt", wish.least)) * 10**unit.decimals)
    )
    answers = {each.price.token.address: each.answer for each in prices}
    order = Order(
        wish.below, policy.groups, chooser(policy, market), wish.sort, wish.top, least, answers, wish.liquidatable
    )
    return order, prices


def chooser(policy: Policy, market: Market) -> Choose:
    def choose(key: PositionKey, mode: int, together: bool) -> Bands:
        usual = policy.correlated if together else policy.volatile
        return bands_for(policy.rules, owner(key), market.name, mode, usual)

    return choose


def kept(on: Shelf, seen: View) -> None:
    """The audit beside the book; the book and its coverage were kept when it was opened."""
    if on.store is not None and on.writes and seen.audit.failure is None:
        found = Audit(seen.block.number, seen.audit.looked, len(seen.audit.mismatches))
        audited(on.store, seen.market, found)


def shown(seen: View, prices: Sequence[Assumed], form: Format) -> None:
    match form:
        case Format.JSON:
            show_json(document(seen, prices))
        case Format.JSONL:
            show([*rows(seen, prices), summary(seen, prices)], (), form)
        case Format.CSV:
            show([flat(row) for row in rows(seen, prices)], COLUMNS, form)
        case Format.TABLE:
            show_scan(seen, prices)
