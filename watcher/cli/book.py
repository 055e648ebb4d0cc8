"""`watcher book`: the borrowers of a whole market in the store. Found and read, or taken from a list; given out as a list.

Exit codes: 0 nobody who owes is missing; 4 somebody may be, or no endpoint gives the logs or the state that it takes.
"""

from __future__ import annotations

import asyncio
import sys
from contextlib import ExitStack
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer

from watcher.cli.db import configured, named
from watcher.cli.options import ChainName, ChainsFile, Format, FormatName, Options, Quiet, Rpc, Verbose
from watcher.cli.output import Column, show
from watcher.cli.progress import progress
from watcher.config import Config, with_rpc
from watcher.connection import Connection, connect, only, placed
from watcher.errors import UsageError
from watcher.exit import Exit
from watcher.model import Market, PositionKey
from watcher.store import survey as kept
from watcher.store.open import Store, default, open_store
from watcher.survey.addresses import Form, read, written
from watcher.survey.cost import Cost, cost
from watcher.survey.open import Opened, Step, prepared

COST = (
    Column("market", "market"),
    Column("blocks", "blocks of logs", right=True),
    Column("logs", "logs, about", right=True),
    Column("accounts", "accounts, at most about", right=True),
    Column("requests", "requests, about", right=True),
    Column("bytes", "bytes, about", right=True),
    Column("seconds", "seconds, about", right=True),
    Column("able", "give the logs", wide=True),
    Column("unable", "do not", wide=True),
)
BOOK = (
    Column("market", "market"),
    Column("block", "block", right=True),
    Column("accounts", "accounts", right=True),
    Column("owing", "owing", right=True),
    Column("unexplained", "unexplained debt", wide=True),
    Column("again", "ask again", wide=True),
)


class Deed(StrEnum):
    OPEN = "open"
    EXPORT = "export"
    IMPORT = "import"


@dataclass(frozen=True, slots=True)
class Order:
    """What was asked for. `where` is the store, None for the default one."""

    market: str
    where: str | Path | None
    suppliers: bool
    dry: bool


def command(
    deed: Annotated[
        Deed,
        typer.Argument(
            metavar="open|export|import",
            help="Find and read every borrower and prove that nobody is missing; write them to a file; take them from one.",
        ),
    ],
    market: Annotated[str, typer.Argument(metavar="MARKET", help="As watcher markets names it, or its id.")],
    source: Annotated[Path | None, typer.Argument(metavar="FILE", help="The list to import.")] = None,
    out: Annotated[str | None, typer.Option("-o", "--out", metavar="FILE", help="For export; - is stdout.")] = None,
    suppliers: Annotated[bool, typer.Option("--suppliers", help="Also who was ever given a deposit.")] = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Say what opening costs and who can do it, and stop.")
    ] = False,
    db: Annotated[str | None, typer.Option("--db", metavar="PATH|URL", help="The store.")] = None,
    config: Annotated[Path | None, typer.Option("--config", metavar="FILE", help="The watcher.toml.")] = None,
    rpc: Rpc = None,
    chains: ChainsFile = None,
    chain: ChainName = None,
    format: FormatName = Format.TABLE,
    quiet: Quiet = False,
    verbose: Verbose = 0,
) -> int:
    options = Options(chains=chains, chain=chain, format=format, quiet=quiet, verbose=verbose)
    options.start_logging()
    for given, asked, name in ((source, Deed.IMPORT, "FILE"), (out, Deed.EXPORT, "-o")):
        if (given is None) == (deed is asked):
            raise UsageError(f"watcher book {asked} needs {name}" if deed is asked else f"{name} is for book {asked}")
    watch = None if db is not None and config is None else configured(config, db)
    found = (
        options.config(rpc) if watch is None or chains is not None else with_rpc(watch.config.only(chain), rpc or [])
    )
    order = Order(market, named(db, watch), suppliers, dry_run)
    if deed is Deed.OPEN:
        return asyncio.run(opened(found, order, options))
    if deed is Deed.EXPORT:
        return exported(found.market(market), order, str(out), options)
    return imported(found.market(market), order, Path(str(source)), options)


async def opened(config: Config, order: Order, options: Options) -> Exit:
    """The cost first, then all of it."""
    config = only(await placed(config), [order.market])
    (chain,) = config.chains
    (market,) = chain.markets
    with ExitStack() as held:
        store = store_of(order, held)
        async with connect(chain) as line:
            return await surveyed(line, market, store, order, options)


def store_of(order: Order, held: ExitStack) -> Store | None:
    """A dry run makes no store, and reads one where there is one."""
    if not order.dry:
        return held.enter_context(open_store(order.where, write=True, create=True))
    text = str(order.where or default())
    return held.enter_context(open_store(order.where)) if "://" in text or Path(text).expanduser().exists() else None


async def surveyed(line: Connection, market: Market, store: Store | None, order: Order, options: Options) -> Exit:
    visible = not options.quiet and sys.stderr.isatty()
    with progress(market.name, 1, visible) as bar:

        def tell(step: Step) -> None:
            bar.reached(step.done, step.total, step.of)

        survey = await prepared(line, market, store, suppliers=order.suppliers, tell=tell)
        price = await cost(survey)
        if order.dry:
            show([priced(market, price)], COST, options.format)
            return Exit.OK
        with bar.aside():
            options.note(said(market, price))
        found = await survey.open()
    show([summed(found)], BOOK, options.format)
    return Exit.OK if found.coverage.exact else Exit.SOURCE


def priced(market: Market, price: Cost) -> dict[str, Any]:
    return {
        "market": market.name,
        "blocks": price.blocks,
        "logs": price.logs,
        "accounts": price.accounts,
        "requests": price.requests,
        "bytes": price.bytes,
        "seconds": price.seconds,
        "able": ", ".join(price.able),
        "unable": "; ".join(f"{name}: {reason}" for name, reason in price.unable),
    }


def said(market: Market, price: Cost) -> str:
    """One line before a long job."""
    who = f"; logs from {', '.join(price.able)}" if price.able else ""
    return (
        f"{market.name}: {price.blocks:,} blocks to be searched; about {price.logs:,} logs, at most about {price.accounts:,} accounts, "
        f"{price.requests:,} requests, {price.bytes:,} bytes, {price.seconds:,} s{who}"
    )


def summed(found: Opened[Any, Any, Any]) -> dict[str, Any]:
    missing = found.coverage.unexplained
    return {
        "market": found.market.name,
        "block": found.block.number,
        "accounts": len(found.holdings),
        "owing": found.owing(),
        "unexplained": "; ".join(f"{one.unexplained} shares of {one.token}" for one in missing) or "0",
        "again": ", ".join(f"{first}-{last}" for first, last in found.again),
    }


def exported(market: Market, order: Order, out: str, options: Options) -> Exit:
    """The members in the store, as a list."""
    with open_store(order.where) as store:
        members = kept.members(store, market)
    if not members:
        raise UsageError(f"nobody is known in {market.name}: find them with watcher book open {market.name}")
    text = written({key.key: since for key, since in members.items()}, Form.TXT if out == "-" else form_of(out))
    if out == "-":
        sys.stdout.write(text)
    else:
        try:
            partial = Path(f"{out}.partial")
            partial.write_text(text, encoding="utf-8")
            partial.replace(out)
        except OSError as error:
            raise UsageError(f"{out} cannot be written: {error.strerror}") from None
    options.note(f"{len(members)} accounts of {market.name}")
    return Exit.OK


def imported(market: Market, order: Order, source: Path, options: Options) -> Exit:
    """The list's addresses as members. What they hold is read when the book is opened, and coverage says whether anybody is missing."""
    try:
        text = source.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"{source} cannot be read: {type(error).__name__}") from None
    members = {
        PositionKey(market.name, key): since for key, since in read(text, form_of(str(source)), str(source)).items()
    }
    with open_store(order.where, write=True, create=True) as store:
        before = len(kept.members(store, market))
        kept.add(store, market, members)
        new = len(kept.members(store, market)) - before
    options.note(
        f"{len(members)} accounts, {new} of them new in {market.name}; watcher book open {market.name} reads them"
    )
    return Exit.OK


def form_of(name: str) -> Form:
    """As the file's name ends."""
    ending = Path(name).suffix.lstrip(".").lower()
    if ending not in list(Form):
        raise UsageError(f"{name}: its name must end in .{', .'.join(Form)}")
    return Form(ending)
