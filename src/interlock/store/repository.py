"""What every repository is: a few statements on the connection of one transaction."""

from collections.abc import Mapping
from typing import Any

from sqlalchemy import Connection, Table, and_, insert, update
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


def _is(table: Table, key: Mapping[str, Any]) -> ColumnElement[bool]:
    return and_(*(table.c[name] == value for name, value in key.items()))
