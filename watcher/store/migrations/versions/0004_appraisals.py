"""appraisals: what the risk of a position was held to be, once an hour"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    op.create_table(
        "appraisal",
        sa.Column("position_id", sa.Integer(), nullable=False),
        sa.Column("number", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("equity", sa.Double(), nullable=False),
        sa.Column("maintenance", sa.Double(), nullable=False),
        sa.Column("initial", sa.Double(), nullable=False),
        sa.Column("health", sa.Double(), nullable=True),
        sa.Column("equity_over_mm", sa.Double(), nullable=True),
        sa.Column("mm_over_equity", sa.Double(), nullable=True),
        sa.Column("margin_utilisation", sa.Double(), nullable=True),
        sa.Column("borrow_utilisation", sa.Double(), nullable=True),
        sa.Column("leverage", sa.Double(), nullable=True),
        sa.Column("ltv", sa.Double(), nullable=True),
        sa.Column("threshold", sa.Double(), nullable=True),
        sa.Column("sigmas", sa.Double(), nullable=True),
        sa.Column("chance_1h", sa.Double(), nullable=True),
        sa.Column("error_1h", sa.Double(), nullable=True),
        sa.Column("chance_1d", sa.Double(), nullable=True),
        sa.Column("error_1d", sa.Double(), nullable=True),
        sa.Column("chance_7d", sa.Double(), nullable=True),
        sa.Column("error_7d", sa.Double(), nullable=True),
        sa.Column("chance_30d", sa.Double(), nullable=True),
        sa.Column("error_30d", sa.Double(), nullable=True),
        sa.Column("reaction", sa.BigInteger(), nullable=True),
        sa.Column("chance_reaction", sa.Double(), nullable=True),
        sa.Column("error_reaction", sa.Double(), nullable=True),
        sa.Column("var_1d", sa.Double(), nullable=True),
        sa.Column("var_error_1d", sa.Double(), nullable=True),
        sa.Column("es_1d", sa.Double(), nullable=True),
        sa.Column("es_error_1d", sa.Double(), nullable=True),
        sa.Column("model", sa.Text(), nullable=True),
        sa.Column("seed", sa.BigInteger(), nullable=True),
        sa.Column("missing", sa.Text(), nullable=True),
        sa.Column("details", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(["position_id"], ["position.id"]),
        sa.PrimaryKeyConstraint("position_id", "number"),
        sqlite_with_rowid=False,
    )
