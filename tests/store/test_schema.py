"""The tables and the migrations say the same, on both databases, and a store of another schema is left alone."""

from __future__ import annotations

from pathlib import Path

import pytest
from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory
from sqlalchemy import inspect
from sqlmodel import SQLModel

from watcher.errors import StoreError
from watcher.store import schema, tables
from watcher.store.migrations import REVISIONS
from watcher.store.open import open_store, upgrade_store


def configured() -> Config:
    config = Config()
    config.set_main_option("script_location", "watcher.store:migrations")
    return config


def test_the_migrations_make_exactly_the_tables(db: str) -> None:
    config = configured()
    with open_store(db, write=True, create=True) as store, store.write() as connection:
        config.attributes["connection"] = connection
        command.check(config)
        made = set(inspect(connection).get_table_names())
    assert made == {table.name for table in SQLModel.metadata.tables.values()} | {schema.VERSIONS}
    assert tables.Reading.__tablename__ in made


def test_the_listed_revisions_are_those_of_the_scripts() -> None:
    scripts = ScriptDirectory.from_config(configured())
    assert tuple(script.revision for script in reversed(list(scripts.walk_revisions()))) == REVISIONS


def test_an_upgrade_may_be_repeated(db: str) -> None:
    assert upgrade_store(db) == (None, None)
    assert upgrade_store(db) == (REVISIONS[-1], None)
    with open_store(db) as store:
        assert store.dialect in db or Path(db).is_file()


@pytest.mark.parametrize("write", [False, True])
def test_f47_a_store_newer_than_the_program_is_refused_and_unchanged(db: str, write: bool) -> None:
    with open_store(db, write=True, create=True) as store, store.write() as connection:
        connection.exec_driver_sql("UPDATE alembic_version SET version_num = '9999'")
    with pytest.raises(StoreError, match=r"newer watcher \(schema 9999"):
        open_store(db, write=write, create=True)
    with pytest.raises(StoreError, match="newer watcher"):
        upgrade_store(db)


def test_f47_an_older_store_asks_to_be_upgraded(db: str, monkeypatch: pytest.MonkeyPatch) -> None:
    open_store(db, write=True, create=True).close()
    monkeypatch.setattr(schema, "REVISIONS", (*REVISIONS, "9998"))
    with pytest.raises(StoreError, match=r"older schema.*watcher db upgrade"):
        open_store(db, write=True)


def test_somebody_elses_database_is_left_alone(db: str) -> None:
    with open_store(db, write=True, create=True) as store, store.write() as connection:
        connection.exec_driver_sql("DROP TABLE alembic_version")
    with pytest.raises(StoreError, match="not a store of watcher"):
        open_store(db, write=True, create=True)
