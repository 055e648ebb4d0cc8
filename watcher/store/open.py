"""Opens a store: a SQLite file by its path, or PostgreSQL by its URL. Nothing is ever made anew over something that is there.

One process writes: it holds a lock for as long as the store is open, and every write goes through its one connection. Readers in other
processes work beside it.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing, contextmanager
from pathlib import Path
from threading import RLock
from typing import Any, Final, Self

from msgspec import MsgspecError
from platformdirs import user_data_path
from sqlalchemy import URL, Connection, Engine, create_engine, make_url
from sqlalchemy.exc import ArgumentError, NoSuchModuleError

from watcher.errors import StoreError
from watcher.store import file, schema
from watcher.store.advice import said
from watcher.store.file import BUSY
from watcher.store.lock import Lock
from watcher.store.migrations import REVISIONS

ADVISORY: Final = 0x77617463686572  # the key of the writer's lock on PostgreSQL
NOTICED: Final = 2.0  # seconds that the server is given to notice that a writer has gone


def default() -> Path:
    """Where the store is when nobody says otherwise."""
    return user_data_path("watcher") / "watcher.db"


def exists(db: str | Path | None) -> bool:
    """Whether there is a store's file at a path, or at the default one; a URL is taken at its word."""
    return "://" in str(db) or Path(db or default()).expanduser().exists()


class Store:
    """An open store; close it, or use it in a `with`.

    `name` is what messages call it: a password is never in it. `path` is None for PostgreSQL; `new` says that this opening made the file.
    """

    def __init__(self, name: str, engine: Engine, path: Path | None, new: bool = False) -> None:
        self.name = name
        self.path = path
        self.new = new
        self._engine = engine
        self._held = ExitStack()
        self._held.callback(engine.dispose)
        self._writer: Connection | None = None
        self._turn = RLock()  # one connection writes, for whichever thread

    @property
    def dialect(self) -> str:
        return self._engine.dialect.name

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """One consistent view. Whatever the database refuses is a `StoreError`, and so is a value that this program never writes."""
        try:
            with said(self.name), self._engine.connect() as connection:
                yield connection.execution_options(reads=True)
        except (ValueError, MsgspecError) as error:
            raise StoreError(
                f"{self.name} holds what watcher never writes ({error}): restore it from a backup"
            ) from error

    @contextmanager
    def write(self) -> Iterator[Connection]:
        """One transaction, committed at the end, undone by any exception. `StoreError` in a store that was opened for reading."""
        if self._writer is None:
            raise StoreError(f"{self.name} was opened for reading only")
        with self._turn, said(self.name):
            if self._writer.invalidated:
                self.become_writer()
            with self._writer.begin():
                yield self._writer

    def migrate(self) -> None:
        """Bring the schema up to date in one transaction. Tables that others refer to may be made anew meanwhile."""
        if self._writer is None or self.dialect != "sqlite":
            with self.write() as connection:
                schema.upgrade(connection)
            return
        raw: Any = self._writer.connection.driver_connection
        raw.execute("PRAGMA foreign_keys = OFF")  # means nothing inside a transaction
        try:
            with self.write() as connection:
                schema.upgrade(connection)
                if connection.exec_driver_sql("PRAGMA foreign_key_check").first() is not None:
                    raise StoreError(f"{self.name}: rows would refer to nothing after the upgrade; it was undone")
        finally:
            raw.execute("PRAGMA foreign_keys = ON")

    def hold(self, release: Callable[[], Any]) -> None:
        """Something that ends with the store."""
        self._held.callback(release)

    def become_writer(self) -> None:
        """Take the one connection that writes. On PostgreSQL the lock lives and dies with it: who has lost it must win it again."""
        with said(self.name), ExitStack() as undo:
            writer = undo.enter_context(self._engine.connect())
            if self.dialect == "postgresql":
                if not _won(writer):
                    raise StoreError(f"{self.name} is being written by another watcher: stop it, or use another --db")
                writer.commit()
            if self._writer is not None:
                self._writer.close()
            self._held.push(undo.pop_all())
        self._writer = writer

    def close(self) -> None:
        with said(self.name):
            self._held.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


def _won(writer: Connection) -> bool:
    """Whether the lock of PostgreSQL is ours. The server may take a moment to notice that whoever had it is gone."""
    end = time.monotonic() + NOTICED
    while not writer.exec_driver_sql(f"SELECT pg_try_advisory_lock({ADVISORY})").scalar():
        if time.monotonic() > end:
            return False
        time.sleep(NOTICED / 20)
    return True


def open_store(db: str | Path | None = None, *, write: bool = False, create: bool = False, busy: float = BUSY) -> Store:
    """The store at a path or URL, with exactly this program's schema.

    `create` makes a file that is not there, and the tables of an empty PostgreSQL database. `StoreError` when it is missing, locked,
    damaged, not ours, newer or older than this program.
    """
    with ExitStack() as undo:
        store = _opened(db, undo, write, create, busy)
        with store.read() as connection:
            empty = create and store.path is None and schema.revision(connection, store.name) is None
        if empty:
            store.migrate()
        with store.read() as connection:
            schema.check(connection, store.name)
        undo.pop_all()
    return store


def upgrade_store(db: str | Path | None = None) -> tuple[str | None, Path | None]:
    """Bring a store to this program's schema, or make it. The revision it had, and where the copy from before is (SQLite)."""
    with ExitStack() as undo:
        store = _opened(db, undo, True, True, BUSY)
        with store.read() as connection:
            found = None if store.new else schema.revision(connection, store.name)
        schema.refuse_newer(found, store.name)
        kept = None
        if found not in (None, REVISIONS[-1]) and store.path is not None:
            kept = store.path.with_name(f"{store.path.name}.before-{REVISIONS[-1]}")
            copy(store, kept)
        store.migrate()
    return found, kept


def copy(store: Store, target: Path) -> None:
    """The whole store as of now in another file, while it is in use (SQLite). An existing copy is replaced when the new one is whole."""
    if store.path is None:
        raise StoreError(f"{store.name}: a PostgreSQL database is backed up with pg_dump")
    partial = target.with_name(target.name + ".partial")
    with said(store.name):
        partial.unlink(missing_ok=True)
        with closing(file.raw(store.path)) as connection:
            connection.execute("VACUUM INTO ?", (str(partial),))
        file.sound(partial, thorough=True)
        with partial.open("rb+") as whole:
            os.fsync(whole.fileno())
        partial.replace(target)


def _opened(db: str | Path | None, undo: ExitStack, write: bool, create: bool, busy: float) -> Store:
    if isinstance(db, str) and "://" in db:
        store = undo.enter_context(_server(db))
    else:
        store = undo.enter_context(_file(Path(db or default()).expanduser(), write, create, busy))
    if write:
        store.become_writer()
    return store


def _server(url: str) -> Store:
    try:
        where = make_url(url)
        if where.get_backend_name() != "postgresql":
            raise StoreError(f"--db takes a path or a postgresql:// URL, not {where.get_backend_name()}://")
        engine = create_engine(
            where.set(drivername="postgresql+psycopg"), isolation_level="REPEATABLE READ", pool_pre_ping=True
        )
    except (ArgumentError, NoSuchModuleError, ValueError):
        raise StoreError("--db takes a path or a postgresql:// URL") from None
    except ModuleNotFoundError:
        raise StoreError("PostgreSQL needs its driver: pip install 'lending-watcher[postgres]'") from None
    return Store(_shown(where), engine, None)


def _shown(url: URL) -> str:
    """Neither user, password nor options."""
    return f"postgresql://{url.host or ''}/{url.database or ''}"


def _file(path: Path, write: bool, create: bool, busy: float) -> Store:
    with said(str(path)), ExitStack() as undo:
        if not path.exists() and not create:
            raise StoreError(f"there is no store at {path}: `watcher run` and `watcher db upgrade` make one")
        lock, new = None, False
        if write:
            path.parent.mkdir(parents=True, exist_ok=True)
            lock = Lock(path)
            undo.callback(lock.release)
            new = not path.exists()
        if new:
            file.make(path)
        file.sound(path, thorough=write)
        store = Store(str(path), file.engine(path, "rw" if write else "ro", busy), path, new)
        if lock is not None:
            store.hold(lock.release)
        undo.pop_all()
    return store
