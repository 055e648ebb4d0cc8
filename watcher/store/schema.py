"""Which revision of the schema a store has, whether this program may touch it, and how it is brought up to date."""

from __future__ import annotations

from sqlalchemy import Connection, inspect

from watcher.errors import StoreError
from watcher.store.migrations import REVISIONS

SCRIPTS = "watcher.store:migrations"
VERSIONS = "alembic_version"


def revision(connection: Connection, name: str) -> str | None:
    """The revision of the store; None for a database without any table. `StoreError` for somebody else's database."""
    tables = inspect(connection).get_table_names()
    if VERSIONS in tables:
        return connection.exec_driver_sql(f"SELECT version_num FROM {VERSIONS}").scalar()
    if tables:
        raise StoreError(f"{name} is not a store of watcher: use another --db")
    return None


def check(connection: Connection, name: str) -> None:
    """`StoreError` unless the store has exactly the schema that this program knows."""
    found = revision(connection, name)
    if found is None:
        raise StoreError(f"{name} has no tables: make them with `watcher db upgrade`")
    refuse_newer(found, name)
    if found != REVISIONS[-1]:
        raise StoreError(f"{name} has an older schema ({found}): bring it up to date with `watcher db upgrade`")


def refuse_newer(found: str | None, name: str) -> None:
    if found is not None and found not in REVISIONS:
        raise StoreError(
            f"{name} was written by a newer watcher (schema {found}, known: {REVISIONS[-1]}): update this one"
        )


def upgrade(connection: Connection) -> None:
    """All missing revisions, in the transaction that `connection` is in: all of them or none."""
    from alembic import command
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", SCRIPTS)
    config.attributes["connection"] = connection
    command.upgrade(config, "head")
