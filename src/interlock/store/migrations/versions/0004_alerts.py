"""Alerts: incidents, their history, rules and what they remember, silences, channels, and notices on their way."""

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

_NAME, _TIME = sa.String(128), sa.String(27)


def upgrade() -> None:
    """Create the tables."""
    _create_incidents()
    _create_telling()


def _create_incidents() -> None:
    op.create_table(
        "alerts",
        _key("id", sa.BigInteger()),
        _column("endpoint", _NAME),
        _column("is_open", sa.Boolean()),
        _column("opened_at", _TIME),
        _column("body", sa.Text()),
    )
    where = sa.text("is_open")
    op.create_index("alerts_open", "alerts", ["endpoint"], sqlite_where=where, postgresql_where=where)
    op.create_table(
        "alert_events",
        _key("alert_id", sa.BigInteger()),
        _key("number", sa.Integer()),
        _column("body", sa.Text()),
    )
    op.create_table(
        "alert_conditions", _key("endpoint", _NAME), _key("key", sa.String(512)), _column("body", sa.Text())
    )


def _create_telling() -> None:
    op.create_table("silences", _key("id", sa.BigInteger()), _column("until", _TIME), _column("body", sa.Text()))
    op.create_table("alert_rules", _key("name", _NAME), _column("body", sa.Text()))
    op.create_table("channels", _key("name", _NAME), _column("body", sa.Text()))
    op.create_table(
        "deliveries",
        _key("id", sa.BigInteger()),
        sa.Column("alert_id", sa.BigInteger(), nullable=False, index=True),
        _column("channel", _NAME),
        _column("is_waiting", sa.Boolean()),
        _column("next_try_at", _TIME),
        _column("body", sa.Text()),
    )
    where = sa.text("is_waiting")
    op.create_index("deliveries_waiting", "deliveries", ["next_try_at"], sqlite_where=where, postgresql_where=where)


def _key(name: str, kind: sa.types.TypeEngine[Any]) -> sa.Column[Any]:
    return sa.Column(name, kind, primary_key=True, autoincrement=False)


def _column(name: str, kind: sa.types.TypeEngine[Any]) -> sa.Column[Any]:
    return sa.Column(name, kind, nullable=False)
