"""A store in a SQLite file: made whole or not at all, judged before it is touched, opened the way every connection needs."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Final

from sqlalchemy import Connection, Engine, QueuePool, create_engine, event

from watcher.errors import StoreError
from watcher.store import schema

BUSY: Final = 5.0  # seconds


def make(path: Path) -> None:
    """A new file appears under its name only with all its tables."""
    new = path.with_name(path.name + ".new")
    for leftover in ("", "-wal", "-shm", "-journal"):
        Path(f"{new}{leftover}").unlink(missing_ok=True)
    made = engine(new, "rwc", BUSY)
    try:
        with made.connect() as connection, connection.begin():
            schema.upgrade(connection)
    finally:
        made.dispose()
    new.replace(path)


def sound(path: Path, thorough: bool) -> None:
    """Before anything is written, through a connection that cannot write: a damaged file is left as it is."""
    if path.stat().st_size == 0:
        raise StoreError(f"{path} is empty: restore it from a backup, or remove it to begin anew")
    with path.open("rb") as file:
        header = file.read(32)
    page, pages = int.from_bytes(header[16:18]), int.from_bytes(header[28:32])
    if (
        not _waiting(path) and path.stat().st_size < (page if page > 1 else 65_536) * pages
    ):  # in this order beside a writer
        raise StoreError(f"{path} is shorter than it says: restore it from a backup")
    with closing(raw(path)) as connection:
        connection.execute("SELECT count(*) FROM sqlite_schema")
        answer = connection.execute("PRAGMA quick_check(1)").fetchone() if thorough else ("ok",)
    if answer != ("ok",):
        raise StoreError(f"{path} is damaged ({str(answer[0]).splitlines()[-1]}): restore it from a backup")


def _waiting(path: Path) -> bool:
    """Whether changes beside the file are still to be brought into it."""
    log = Path(f"{path}-wal")
    return log.exists() and log.stat().st_size > 0


def raw(path: Path) -> sqlite3.Connection:
    """A connection that cannot write."""
    return sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro", uri=True)


def engine(path: Path, mode: str, busy: float) -> Engine:
    """`mode` is ro, rw, or rwc to make the file. `busy` are the seconds to wait for another program's write."""

    def connect() -> sqlite3.Connection:
        uri = f"{path.resolve().as_uri()}?mode={mode}"
        made = sqlite3.connect(uri, uri=True, timeout=busy, isolation_level=None, check_same_thread=False)
        made.execute("PRAGMA foreign_keys = ON")
        if mode != "ro":
            made.execute("PRAGMA journal_mode = WAL")
            made.execute("PRAGMA synchronous = FULL")  # a commit that was reported outlives a power cut
        return made

    found = create_engine("sqlite://", creator=connect, poolclass=QueuePool)

    @event.listens_for(found, "begin")
    def begin(connection: Connection) -> None:
        connection.exec_driver_sql("BEGIN" if connection.get_execution_options().get("reads") else "BEGIN IMMEDIATE")

    return found
