"""Replays of the past through a candidate, and what each found."""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the table."""
    op.create_table(
        "replays",
        sa.Column("id", sa.String(160), primary_key=True, autoincrement=False),
        sa.Column("endpoint", sa.String(128), nullable=False, index=True),
        sa.Column("created_at", sa.String(27), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
    )
