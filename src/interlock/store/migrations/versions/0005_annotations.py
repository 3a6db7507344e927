"""Annotation: what was drawn for people to label, and what each of them said."""

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

_NAME, _ID = sa.String(128), sa.String(256)


def upgrade() -> None:
    """Create the tables."""
    op.create_table(
        "annotation_exports",
        _key("id", sa.BigInteger()),
        sa.Column("endpoint", _NAME, nullable=False, index=True),
        sa.Column("body", sa.Text(), nullable=False),
    )
    op.create_table(
        "annotation_tasks",
        _key("endpoint", _NAME),
        _key("prediction_id", _ID),
        _key("export_id", sa.BigInteger()),
        sa.Column("body", sa.Text(), nullable=False),
    )
    op.create_table(
        "annotation_answers",
        _key("endpoint", _NAME),
        _key("prediction_id", _ID),
        _key("annotator", sa.String(256)),
        sa.Column("body", sa.Text(), nullable=False),
    )


def _key(name: str, kind: sa.types.TypeEngine[Any]) -> sa.Column[Any]:
    return sa.Column(name, kind, primary_key=True, autoincrement=False)
