"""Maintenance windows: times of the week in which nobody is told of alerts."""

import sqlalchemy as sa
from alembic import op

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the table."""
    op.create_table(
        "maintenance_windows",
        sa.Column("name", sa.String(128), primary_key=True),
        sa.Column("body", sa.Text(), nullable=False),
    )
