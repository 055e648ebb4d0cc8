"""`watcher export`: a table of the store as a file for other programs, and what its columns mean."""

from __future__ import annotations

import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from watcher.cli.db import configured, named
from watcher.cli.options import At, ChainName, ChainsFile, Format, Markets, Options, Quiet, Verbose, parse_block
from watcher.cli.output import Column, show
from watcher.cli.since import since_of
from watcher.config import load
from watcher.errors import UsageError
from watcher.export.schema import SHEETS, Sheet, schema
from watcher.export.write import Form, write, write_text

COLUMNS = (
    Column("export", "export"),
    Column("column", "column"),
    Column("kind", "kind"),
    Column("unit", "unit"),
    Column("meaning", "meaning", wide=True),
)


def command(
    sheet: Annotated[
        Sheet | None, typer.Argument(metavar="|".join(Sheet), help="What to export.", show_default=False)
    ] = None,
    out: Annotated[str | None, typer.Option("-o", "--out", metavar="FILE", help="Where to; - is stdout.")] = None,
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
    db: Annotated[str | None, typer.Option("--db", metavar="PATH|URL", help="The store.")] = None,
    config: Annotated[Path | None, typer.Option("--config", metavar="FILE", help="The watcher.toml.")] = None,
    chains: ChainsFile = None,
    chain: ChainName = None,
    quiet: Quiet = False,
    verbose: Verbose = 0,
) -> None:
    options = Options(chains=chains, chain=chain, quiet=quiet, verbose=verbose)
    options.start_logging()
    if columns:
        show_schema(sheet, form)
        return
    if sheet is None or out is None:
        raise UsageError(f"say what and where to: watcher export {'|'.join(Sheet)} -o FILE, or --schema")
    form = form or of_name(out)
    if out == "-" and form is Form.PARQUET:
        raise UsageError("parquet needs a file: -o readings.parquet")
    if account is not None and sheet not in (Sheet.READINGS, Sheet.HOLDINGS, Sheet.TRANSITIONS):
        raise UsageError(f"--account has no meaning for {sheet}: they are the same for every position")
    from watcher.export.read import Scope, extract
    from watcher.store.open import open_store

    scope = Scope(
        since=0 if since is None else since_of(since, datetime.now(UTC)),
        chain=None if chain is None else load(chains).only(chain).chains[0].id,
        markets=tuple(market or ()),
        account=None if account is None else key(account),
    )
    where = named(db, None if db is not None and config is None else configured(config, db))
    with open_store(where) as store, extract(store, sheet, scope) as found:
        if out == "-":
            count = write_text(sys.stdout, form, SHEETS[sheet], found.rows, found.origin)
        else:
            count = write(Path(out), form, SHEETS[sheet], found.rows, found.origin)
    options.note(f"{count} {sheet} from {store.name} to {'stdout' if out == '-' else out}")


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
