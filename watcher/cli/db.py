"""`watcher db`: the store itself. Make it or bring it up to date, check it, copy it while it is in use, remove what is old."""

from __future__ import annotations

import os
import time
from collections.abc import Mapping
from dataclasses import asdict
from datetime import UTC, datetime
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any, Final

import typer

from watcher.cli.options import UNITS, Format, FormatName, Options, Quiet, Verbose
from watcher.cli.output import Column, show
from watcher.config import Config, with_rpc
from watcher.config.read_watch import DB_VARIABLE, load_watch, places
from watcher.config.watch import KEPT, Watch
from watcher.errors import StoreError, UsageError

DATABASE: Final = b"SQLite format 3\0"  # how a file of SQLite begins


class Deed(StrEnum):
    UPGRADE = "upgrade"
    CHECK = "check"
    BACKUP = "backup"
    PRUNE = "prune"


def command(
    deed: Annotated[
        Deed,
        typer.Argument(
            metavar="upgrade|check|backup|prune",
            help="Make the store or bring it up to date; verify it; copy it; remove what is older than is kept.",
        ),
    ],
    target: Annotated[Path | None, typer.Argument(metavar="FILE", help="Where a backup goes.")] = None,
    db: Annotated[
        str | None,
        typer.Option(
            "--db", metavar="PATH|URL", help="The store: a SQLite file or postgresql://; WATCHER_DB names it too."
        ),
    ] = None,
    config: Annotated[
        Path | None, typer.Option("--config", metavar="FILE", help="The watcher.toml; WATCHER_CONFIG names it too.")
    ] = None,
    keep: Annotated[
        list[str] | None,
        typer.Option(
            "--keep", metavar="TABLE=AGE", help=f"For prune, as readings=90d; else as [keep] says: {', '.join(KEPT)}."
        ),
    ] = None,
    format: FormatName = Format.TABLE,
    quiet: Quiet = False,
    verbose: Verbose = 0,
) -> None:
    options = Options(format=format, quiet=quiet, verbose=verbose)
    options.start_logging()
    if target is not None and deed is not Deed.BACKUP:
        raise UsageError(f"db {deed} takes no file; name the store with --db")
    if keep and deed is not Deed.PRUNE:
        raise UsageError(f"--keep has no meaning for db {deed}; leave it out")
    asked = config is not None or db is None or (deed is Deed.PRUNE and not keep)
    watch = configured(config, db) if asked else None
    where = named(db, watch)
    match deed:
        case Deed.UPGRADE:
            upgrade(where, options)
        case Deed.CHECK:
            check(where, options)
        case Deed.BACKUP:
            backup(where, target, options)
        case Deed.PRUNE:
            prune(where, ages(keep or [], watch), options)


def configured(config: Path | None, db: str | None) -> Watch | None:
    """watcher.toml where there is one; without it a store can be named by --db and WATCHER_DB."""
    if config is None and not any(place.is_file() for place in places(os.environ)):
        return None
    return load_watch(config, db=db)


def chains_of(config: Path | None, db: str | None, options: Options, rpc: list[str] | None) -> Config:
    """Where to ask: the chains and endpoints of a watcher.toml that was named, else those of --chains or of the package."""
    if config is None:
        return options.config(rpc)
    return with_rpc(load_watch(config, chains=options.chains, db=db).config.only(options.chain), rpc or [])


def named(db: str | None, watch: Watch | None) -> str | Path | None:
    """Which store is meant: --db, the environment, the file, or None for the default."""
    if watch is not None:
        return watch.db
    return db or os.environ.get(DB_VARIABLE, "").strip() or None


def ages(given: list[str], watch: Watch | None) -> Mapping[str, int | None]:
    """Seconds by table: as --keep says, else as the file does."""
    if not given:
        kept = {} if watch is None else asdict(watch.keep)
        if not any(kept.values()):
            raise UsageError("nothing says what is old: use --keep readings=90d, or [keep] in watcher.toml")
        return kept
    found: dict[str, int | None] = {}
    for one in given:
        name, _, age = one.partition("=")
        number, unit = age[:-1], age[-1:]
        if name not in KEPT or unit not in UNITS or not (number.isascii() and number.isdigit()):
            raise UsageError(f"--keep {one!r}: use TABLE=AGE as in readings=90d; tables are {', '.join(KEPT)}")
        found[name] = int(number) * UNITS[unit]
    return found


def upgrade(where: str | Path | None, options: Options) -> None:
    from watcher.store.migrations import REVISIONS
    from watcher.store.open import upgrade_store

    before, kept = upgrade_store(where)
    rows = [{"before": before, "now": REVISIONS[-1], "copy": None if kept is None else str(kept)}]
    show(rows, (Column("before", "before"), Column("now", "now"), Column("copy", "copy from before")), options.format)


def check(where: str | Path | None, options: Options) -> None:
    from watcher.store.open import open_store
    from watcher.store.upkeep import growth, problems

    with open_store(where) as store:
        found, grows, name = problems(store), growth(store), store.name
    columns: tuple[Column, ...] = (
        Column("bytes", "bytes", right=True),
        Column("month", "bytes more a month", right=True),
    )
    if options.format is not Format.TABLE:
        columns = (*columns, Column("problems", "problems", wide=True))
    rows: list[dict[str, Any]] = [{"bytes": grows.size, "month": grows.month, "problems": list(found)}]
    show(rows, columns, options.format)
    if found:
        raise StoreError(f"{name}: {'; '.join(found)}: restore a backup")
    options.note(f"{name} is sound")


def backup(where: str | Path | None, target: Path | None, options: Options) -> None:
    from watcher.store.open import copy, open_store

    with open_store(where) as store:
        if target is None:
            source = store.path or Path("watcher.db")
            target = source.with_name(f"{source.name}.backup-{datetime.now(UTC):%Y%m%dT%H%M%SZ}")
        if store.path is not None and target.exists() and target.samefile(store.path):
            raise UsageError(f"{target} is the store itself: name another file")
        if not replaceable(target):
            raise UsageError(f"{target} exists and is no backup: name another file, or remove it first")
        copy(store, target)
        rows = [{"store": store.name, "backup": str(target), "bytes": target.stat().st_size}]
    columns = (Column("store", "store"), Column("backup", "backup"), Column("bytes", "bytes", right=True))
    show(rows, columns, options.format)


def replaceable(target: Path) -> bool:
    """Nothing is there, or a database as an earlier backup is; any other file is somebody's."""
    try:
        with target.open("rb") as file:
            return file.read(len(DATABASE)) == DATABASE
    except FileNotFoundError:
        return True
    except OSError as error:
        raise UsageError(f"{target} cannot be written: {error.strerror}") from None


def prune(where: str | Path | None, keep: Mapping[str, int | None], options: Options) -> None:
    from watcher.store.open import open_store
    from watcher.store.upkeep import prune as removed_by

    with open_store(where, write=True) as store:
        removed = removed_by(store, keep, int(time.time()))
    rows = [{"table": name, "removed": count} for name, count in removed.items()]
    show(rows, (Column("table", "table"), Column("removed", "rows removed", right=True)), options.format)
