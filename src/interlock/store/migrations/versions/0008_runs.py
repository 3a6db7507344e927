"""Runs of retraining, and what is declared of it."""

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

_NAME = sa.String(128)


def upgrade() -> None:
    """Create the tables."""
    op.create_table(
        "runs",
        sa.Column("id", sa.String(160), primary_key=True, autoincrement=False),
        sa.Column("endpoint", _NAME, nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("is_active", sa.Boolean(), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
    )
    where = sa.text("is_active")
    op.create_index("runs_active", "runs", ["endpoint"], unique=True, sqlite_where=where, postgresql_where=where)
    op.create_table(
        "retrainings",
        sa.Column("endpoint", _NAME, primary_key=True, autoincrement=False),
        sa.Column("body", sa.Text(), nullable=False),
    )
