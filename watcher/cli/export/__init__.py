"""`watcher export`: a table of the store as a file for other programs, and what its columns mean."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Final

import typer

from watcher.cli.db import chains_of, configured, named
from watcher.cli.export.target import Target
from watcher.cli.options import (
    At,
    ChainName,
    ChainsFile,
    Format,
    Markets,
    Options,
    Quiet,
    Rpc,
    Verbose,
    moment,
    parse_block,
)
from watcher.cli.output import Column, show
from watcher.cli.since import since_of, span
from watcher.config import load
from watcher.errors import UsageError
from watcher.exit import Exit
from watcher.export.schema import Sheet, schema
from watcher.export.write import Form

COLUMNS = (
    Column("export", "export"),
    Column("column", "column"),
    Column("kind", "kind"),
    Column("unit", "unit"),
    Column("meaning", "meaning", wide=True),
)
WHOLE: Final = (Sheet.PANEL, Sheet.BOOK, Sheet.LIQUIDATIONS)  # of one market, that is named
MEANS: Final[Mapping[str, tuple[Sheet, ...]]] = {  # what only some exports know
    "--account": (Sheet.READINGS, Sheet.HOLDINGS, Sheet.TRANSITIONS, Sheet.APPRAISALS),
    "--market": tuple(sheet for sheet in Sheet if sheet not in WHOLE),
    "--since": tuple(sheet for sheet in Sheet if sheet is not Sheet.BOOK),
    "--until": (Sheet.PANEL, Sheet.LIQUIDATIONS),
    "--every": (Sheet.PANEL,),
    "--at": (Sheet.BOOK,),
    "--rpc": (Sheet.LIQUIDATIONS,),
}


def command(
    sheet: Annotated[
        Sheet | None, typer.Argument(metavar="|".join(Sheet), help="What to export.", show_default=False)
    ] = None,
    of: Annotated[
        str | None,
        typer.Argument(
            metavar="MARKET", help="For panel, book and liquidations: a market's name or id.", show_default=False
        ),
    ] = None,
    out: Annotated[
        str | None,
        typer.Option("-o", "--out", metavar="FILE", help="Where to; - is stdout. For a panel also a folder."),
    ] = None,
    form: Annotated[
        Form | None, typer.Option("--format", help="How to write it; else as the file's name ends.")
    ] = None,
    columns: Annotated[bool, typer.Option("--schema", help="Print every column with its unit instead.")] = False,
    account: Annotated[
        str | None, typer.Option("--account", metavar="ADDRESS", help="Of one address's positions only.")
    ] = None,
    market: Markets = None,
    since: Annotated[
        At | None, typer.Option("--since", metavar="WHEN", parser=parse_block, help="A date (UTC) or an age (7d).")
    ] = None,
    until: Annotated[At | None, typer.Option("--until", metavar="WHEN", parser=parse_block, help="Likewise.")] = None,
    every: Annotated[
        str | None, typer.Option("--every", metavar="TIME", help="The step of a panel's times; else 1h.")
    ] = None,
    at: Annotated[
        At | None,
        typer.Option("--at", metavar="WHEN", parser=parse_block, help="The block, date (UTC) or age of a book."),
    ] = None,
    rpc: Rpc = None,
    db: Annotated[str | None, typer.Option("--db", metavar="PATH|URL", help="The store.")] = None,
    config: Annotated[Path | None, typer.Option("--config", metavar="FILE", help="The watcher.toml.")] = None,
    chains: ChainsFile = None,
    chain: ChainName = None,
    quiet: Quiet = False,
    verbose: Verbose = 0,
) -> int:
    options = Options(chains=chains, chain=chain, quiet=quiet, verbose=verbose)
    options.start_logging()
    if columns:
        show_schema(sheet, form)
        return Exit.OK
    if sheet is None or out is None:
        raise UsageError(f"say what and where to: watcher export {'|'.join(Sheet)} -o FILE, or --schema")
    given = {"--account": account, "--market": market, "--since": since, "--until": until}
    meaningful(sheet, of, {**given, "--every": every, "--at": at, "--rpc": rpc})
    target = aimed(sheet, out, form)
    now = datetime.now(UTC)
    if sheet is Sheet.LIQUIDATIONS:
        from watcher.chronicle.span import Bound
        from watcher.cli.export.liquidations import export_liquidations

        if since is None:
            raise UsageError("say since when: --since 30d, a date or a block number")
        bounds = Bound(*moment(since, now)), Bound(*moment(until, now))
        return export_liquidations(chains_of(config, db, options, rpc), str(of), bounds, target, options)
    where = named(db, None if db is not None and config is None else configured(config, db))
    number = None if chain is None else load(chains).only(chain).chains[0].id
    begin = 0 if since is None else since_of(since, now)
    from watcher.store.open import open_store

    with open_store(where) as store:
        if sheet in WHOLE:
            from watcher.cli.export.followed import Asked, export_book, export_panel

            last = None if until is None else since_of(until, now)
            asked = Asked(str(of), number, begin, last, spaced(every))
            if sheet is Sheet.PANEL:
                export_panel(store, asked, target, options)
            else:
                export_book(store, asked, moment(at, now), target, options)
            return Exit.OK
        from watcher.export.read import Scope, extract

        scope = Scope(begin, number, tuple(market or ()), None if account is None else key(account))
        with extract(store, sheet, scope) as found:
            count = target.write(sheet, found.rows, found.origin)
        options.note(f"{count} {sheet} from {store.name} to {target.words}")
    return Exit.OK


def meaningful(sheet: Sheet, of: str | None, given: Mapping[str, object]) -> None:
    """`UsageError` for what this export has no use for, or is not told."""
    for name, value in given.items():
        if value is not None and sheet not in MEANS[name]:
            why = ": they are the same for every position" if name == "--account" and sheet not in WHOLE else ""
            raise UsageError(f"{name} has no meaning for {sheet}{why}")
    if sheet in WHOLE and of is None:
        raise UsageError(f"say of which market: watcher export {sheet} MARKET -o FILE")
    if sheet not in WHOLE and of is not None:
        raise UsageError(f"narrow {sheet} to a market with --market {of}")


def spaced(every: str | None) -> int:
    """Seconds between two times of a panel."""
    seconds = span(every or "1h")
    if not seconds:
        raise UsageError("--every 0: a panel needs a step, as 1h")
    return seconds


def aimed(sheet: Sheet, out: str, form: Form | None) -> Target:
    """The file and its format; a panel's folder has none, being parquet."""
    if sheet is Sheet.PANEL and out != "-" and form in (None, Form.PARQUET) and not Path(out).suffix:
        return Target(out, None)
    form = form or of_name(out)
    if out == "-" and form is Form.PARQUET:
        raise UsageError("parquet needs a file: -o readings.parquet")
    return Target(out, form)


def key(account: str) -> bytes:
    """An address as the store has it."""
    from watcher.library import address  # and all that reads chains with it

    return bytes.fromhex(address(account)[2:])


def of_name(out: str) -> Form:
    """The format that a file's name asks for."""
    ending = Path(out).suffix.lstrip(".").lower()
    if ending not in list(Form):
        raise UsageError(f"{out}: its ending names no format; add --format {'|'.join(Form)}")
    return Form(ending)


def show_schema(sheet: Sheet | None, form: Form | None) -> None:
    if form is Form.PARQUET:
        raise UsageError("the schema is printed as a table, csv, json or jsonl")
    rows = [
        {"export": of.value, "column": one.name, "kind": one.kind.value, "unit": one.unit, "meaning": one.meaning}
        for of, one in schema()
        if sheet in (None, of)
    ]
    show(rows, COLUMNS, Format.TABLE if form is None else Format(form.value))
