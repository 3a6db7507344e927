"""Pinned versions of the log."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the table."""
    names = [sa.Column(name, sa.String(128), primary_key=True, autoincrement=False) for name in ("endpoint", "name")]
    op.create_table("pins", *names, sa.Column("body", sa.Text(), nullable=False))
