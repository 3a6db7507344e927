"""Counts for gates by version and propensity: a release may have several challengers."""

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Widen the key of the counts. What was counted before has no version and propensity 0.

    SQLite cannot change a primary key, so the table is made again.
    """
    op.rename_table("gate_counts", "gate_counts_before")
    op.create_table(
        "gate_counts",
        _key("release_id", sa.String(160)),
        _key("step", sa.Integer()),
        _key("is_challenger", sa.Boolean()),
        _key("version", sa.String(160)),
        _key("propensity", sa.Float()),
        sa.Column("units", sa.BigInteger(), nullable=False),
        sa.Column("failed_units", sa.BigInteger(), nullable=False),
        sa.Column("latency", sa.LargeBinary(), nullable=False),
    )
    op.execute(
        "INSERT INTO gate_counts"
        " (release_id, step, is_challenger, version, propensity, units, failed_units, latency)"
        " SELECT release_id, step, is_challenger, '', 0, units, failed_units, latency FROM gate_counts_before"
    )
    op.drop_table("gate_counts_before")


def _key(name: str, kind: sa.types.TypeEngine[Any]) -> sa.Column[Any]:
    return sa.Column(name, kind, primary_key=True, autoincrement=False)
