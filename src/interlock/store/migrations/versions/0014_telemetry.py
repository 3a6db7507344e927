"""Devices: sensors as they were heard of last, what is expected of them, and messages that could not be taken."""

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0014"
down_revision = "0013"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the tables."""
    for name in ("sensors", "expectations"):
        op.create_table(
            name,
            _key("device", sa.String(128)),
            _key("sensor", sa.String(128)),
            sa.Column("body", sa.Text(), nullable=False),
        )
    op.create_table(
        "telemetry_faults",
        _key("source", sa.String(16)),
        _key("reason", sa.String(32)),
        sa.Column("body", sa.Text(), nullable=False),
    )


def _key(name: str, kind: sa.types.TypeEngine[Any]) -> sa.Column[Any]:
    return sa.Column(name, kind, primary_key=True, autoincrement=False)
