"""Failed units counted once in a release: one that always fails is one failure, not one a step."""

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Add the count. It is null in what was counted before: nobody knows which of those failed in several steps."""
    op.add_column("gate_counts", sa.Column("first_failed_units", sa.BigInteger(), nullable=True))
