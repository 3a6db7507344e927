"""Tags that people put on wrong answers."""

import sqlalchemy as sa
from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create the table."""
    name = sa.String(128)
    op.create_table(
        "error_tags",
        sa.Column("endpoint", name, primary_key=True),
        sa.Column("tag", name, primary_key=True),
        sa.Column("prediction_id", sa.String(64), primary_key=True),
        sa.Column("at", sa.String(27), nullable=False),
        sa.Column("actor", sa.Text(), nullable=False),
    )
