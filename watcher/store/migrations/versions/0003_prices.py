"""prices: what a pair was worth over time, by source"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    op.create_table(
        "price_source",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("pair", sa.String(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("called", sa.String(), nullable=True),
        sa.Column("decimals", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("pair", "name", "decimals", name="uq_price_source"),
    )
    op.create_table(
        "price",
        sa.Column("source_id", sa.Integer(), nullable=False),
        sa.Column("time", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("answer", sa.String(), nullable=False),
        sa.ForeignKeyConstraint(["source_id"], ["price_source.id"]),
        sa.PrimaryKeyConstraint("source_id", "time", "answer"),
        sqlite_with_rowid=False,
    )
