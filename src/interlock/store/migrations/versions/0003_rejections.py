"""What gateways refused: counts by hour, field and rule, and a few bodies."""

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

_NAME, _TIME = sa.String(128), sa.String(27)


def upgrade() -> None:
    """Create the tables."""
    op.create_table(
        "rejections",
        *(_key("endpoint", _NAME), _key("hour", _TIME), _key("field", sa.String(256)), _key("rule", sa.String(32))),
        sa.Column("requests", sa.BigInteger(), nullable=False),
    )
    op.create_table(
        "rejected_samples",
        *(_key("endpoint", _NAME), _key("hour", _TIME), _key("spool", _NAME), _key("slot", sa.Integer())),
        sa.Column("at", _TIME, nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
    )


def _key(name: str, kind: sa.types.TypeEngine[Any]) -> sa.Column[Any]:
    return sa.Column(name, kind, primary_key=True, autoincrement=False)
