"""Online learning: what is declared of it, and how far each learner is."""

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None

_NAME = sa.String(128)


def upgrade() -> None:
    """Create the tables."""
    for name in ("online_learnings", "learners"):
        op.create_table(
            name,
            sa.Column("endpoint", _NAME, primary_key=True, autoincrement=False),
            sa.Column("body", sa.Text(), nullable=False),
        )
