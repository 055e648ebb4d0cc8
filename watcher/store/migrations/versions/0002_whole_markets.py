"""whole markets: who is in a book, what is read of it, and its proofs"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from watcher.store.u256 import U256

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    op.add_column("cycle", sa.Column("followed", sa.Boolean(), nullable=False, server_default=sa.false()))
    op.create_table(
        "discovery",
        sa.Column("market_id", sa.Integer(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("first", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("last", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["market_id"], ["market.id"]),
        sa.PrimaryKeyConstraint("market_id", "kind", "first"),
    )
    op.create_table(
        "member",
        sa.Column("position_id", sa.Integer(), nullable=False),
        sa.Column("since", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(["position_id"], ["position.id"]),
        sa.PrimaryKeyConstraint("position_id"),
    )
    op.create_table(
        "follow",
        sa.Column("market_id", sa.Integer(), nullable=False),
        sa.Column("since", sa.BigInteger(), nullable=False),
        sa.Column("number", sa.BigInteger(), nullable=False),
        sa.Column("hash", sa.String(), nullable=False),
        sa.Column("timestamp", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["market_id"], ["market.id"]),
        sa.PrimaryKeyConstraint("market_id"),
    )
    op.create_table(
        "coverage",
        sa.Column("market_id", sa.Integer(), nullable=False),
        sa.Column("number", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("token", sa.String(), nullable=False),
        sa.Column("booked", U256(), nullable=False),
        sa.Column("total", U256(), nullable=False),
        sa.ForeignKeyConstraint(["market_id"], ["market.id"]),
        sa.PrimaryKeyConstraint("market_id", "number", "token"),
    )
    op.create_table(
        "sample",
        sa.Column("market_id", sa.Integer(), nullable=False),
        sa.Column("number", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("looked", sa.Integer(), nullable=False),
        sa.Column("mismatches", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["market_id"], ["market.id"]),
        sa.PrimaryKeyConstraint("market_id", "number"),
    )
