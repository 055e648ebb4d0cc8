"""Run by Alembic: all revisions that are asked for happen in the transaction of the connection that is handed over."""

from __future__ import annotations

from typing import Any, Literal

from alembic import context
from alembic.autogenerate.api import AutogenContext
from sqlmodel import SQLModel

import watcher.store.risk_tables  # registers the tables
import watcher.store.tables  # noqa: F401
from watcher.store.u256 import U256


def rendered(kind: str, item: Any, autogen: AutogenContext) -> str | Literal[False]:
    """Our own column type by its name, SQLModel's text type as SQLAlchemy's."""
    if kind != "type":
        return False
    if isinstance(item, U256):
        autogen.imports.add("from watcher.store.u256 import U256")
        return "U256()"
    return "sa.String()" if type(item).__name__ == "AutoString" else False


context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=SQLModel.metadata,
    render_as_batch=True,
    render_item=rendered,
    transactional_ddl=False,  # the caller's transaction is the only one
)
context.run_migrations()
