"""The first tables: catalogue, releases, access, counters, monitoring."""

from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

_NAME, _REF, _ID, _TIME = sa.String(128), sa.String(160), sa.String(64), sa.String(27)


def upgrade() -> None:
    """Create everything."""
    _create_catalogue()
    _create_releases()
    _create_access()
    _create_counters()
    _create_monitoring()


def _create_catalogue() -> None:
    op.create_table("models", _key("name", _NAME), _key("version", sa.Integer()), _text("body"))
    op.create_table("endpoints", _key("name", _NAME), _text("body"))
    op.create_table(
        "plans",
        _key("endpoint", _NAME),
        _key("generation", sa.Integer()),
        _column("is_current", sa.Boolean()),
        _text("body"),
    )
    _unique_where("plans_current", "plans", "endpoint", "is_current")


def _create_releases() -> None:
    op.create_table(
        "releases",
        _key("id", _REF),
        _column("endpoint", _NAME),
        _column("is_active", sa.Boolean()),
        _column("created_at", _TIME),
        _text("body"),
    )
    _unique_where("releases_active", "releases", "endpoint", "is_active")
    op.create_table(
        "looks",
        _key("release_id", _REF),
        _key("number", sa.Integer()),
        _column("at", _TIME),
        _column("step", sa.Integer()),
        _text("body"),
    )
    op.create_table("gateways", _key("id", _NAME), _column("at", _TIME), _text("body"))


def _create_access() -> None:
    op.create_table(
        "keys",
        _key("digest", _ID),
        _column("name", _NAME),
        _column("is_live", sa.Boolean()),
        _column("created_at", _TIME),
        _text("body"),
    )
    _unique_where("keys_live", "keys", "name", "is_live")
    texts = [_text(name) for name in ("actor", "role", "action", "subject", "details")]
    op.create_table("audit", _key("number", sa.BigInteger()), _column("at", _TIME), *texts, _column("hash", _ID))
    op.create_index("ix_audit_subject", "audit", ["subject"])


def _create_counters() -> None:
    step: list[tuple[str, sa.types.TypeEngine[Any]]] = [
        ("release_id", _REF),
        ("step", sa.Integer()),
        ("is_challenger", sa.Boolean()),
    ]
    op.create_table("gate_counts", *_keys(*step), *_numbers("units", "failed_units"), _bytes("latency"))
    seen: list[tuple[str, sa.types.TypeEngine[Any]]] = [("is_failed", sa.Boolean()), ("unit", sa.LargeBinary(16))]
    op.create_table("gate_units", *_keys(*step, *seen), sqlite_with_rowid=False)
    op.create_table("spools", _key("spool", _NAME), *_numbers("segment"))
    op.create_table(
        "spool_rows",
        *_keys(("spool", _NAME), ("endpoint", _NAME), ("segment", sa.BigInteger())),
        *_numbers("predictions", "labels", "quarantined", "failures"),
    )
    op.create_table("cursors", _key("name", sa.String(256)), _text("value"))


def _create_monitoring() -> None:
    op.create_table("profiles", *_keys(("endpoint", _NAME), ("version", _REF), ("hour", _TIME)), _bytes("profile"))
    op.create_index("profiles_hour", "profiles", ["endpoint", "hour"])
    op.create_table(
        "service_hours",
        *_keys(("endpoint", _NAME), ("hour", _TIME), ("version", _REF)),
        *_numbers("requests", "failures", "rows"),
        _bytes("latency"),
    )
    op.create_table(
        "verdicts",
        sa.Column("number", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), primary_key=True),
        _column("endpoint", _NAME),
        _column("window_start", _TIME),
        _column("window_end", _TIME),
        _text("body"),
    )
    op.create_index("verdicts_window", "verdicts", ["endpoint", "window_start"])


def _key(name: str, kind: sa.types.TypeEngine[Any]) -> sa.Column[Any]:
    return sa.Column(name, kind, primary_key=True, autoincrement=False)


def _keys(*named: tuple[str, sa.types.TypeEngine[Any]]) -> list[sa.Column[Any]]:
    return [_key(name, kind) for name, kind in named]


def _column(name: str, kind: sa.types.TypeEngine[Any]) -> sa.Column[Any]:
    return sa.Column(name, kind, nullable=False)


def _text(name: str) -> sa.Column[Any]:
    return _column(name, sa.Text())


def _bytes(name: str) -> sa.Column[Any]:
    return _column(name, sa.LargeBinary())


def _numbers(*names: str) -> list[sa.Column[Any]]:
    return [_column(name, sa.BigInteger()) for name in names]


def _unique_where(name: str, table: str, column: str, condition: str) -> None:
    where = sa.text(condition)
    op.create_index(name, table, [column], unique=True, sqlite_where=where, postgresql_where=where)
