"""What every repository is: a few statements on the connection of one transaction."""

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import Connection, Table, and_, bindparam, delete, insert, update
from sqlalchemy.sql.elements import ColumnElement


class Repository:
    """Base of the repositories. Lives as long as its transaction."""

    __slots__ = ("_connection",)

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def _put(self, table: Table, key: Mapping[str, Any], values: Mapping[str, Any]) -> None:
        """Write a row, there or not. Writers come one at a time (`Store.transaction`), so this is no race."""
        changed = self._connection.execute(update(table).where(_is(table, key)).values(**values))
        if changed.rowcount == 0:
            self._connection.execute(insert(table).values(**key, **values))

    def _put_all(self, table: Table, key: Sequence[str], rows: Sequence[Mapping[str, Any]]) -> None:
        """Write many rows of distinct keys, there or not, by two statements instead of two each."""
        if not rows:
            return
        there = and_(*(table.c[name] == bindparam(f"key_{name}") for name in key))
        self._connection.execute(
            delete(table).where(there), [{f"key_{name}": row[name] for name in key} for row in rows]
        )
        self._connection.execute(insert(table), [dict(row) for row in rows])


def _is(table: Table, key: Mapping[str, Any]) -> ColumnElement[bool]:
    return and_(*(table.c[name] == value for name, value in key.items()))
