"""All rows of one database into another one, of the same kind or not. Called by the store for backups.

Rows go as they are stored, not as the program understands them: a backup of an older program is made current by the
same migrations as its database would have been.
"""

from sqlalchemy import Connection, MetaData, Table, func, inspect, select, text

from interlock.store.migration import current, upgrade

_CHUNK = 500


def copy(source: Connection, target: Connection) -> None:
    """Copy everything, inside the transactions of both.

    Args:
        source: Reads one snapshot.
        target: Writes to an empty database.
    """
    revision = current(source)
    if revision is None:
        return
    upgrade(target, revision)
    tables, places = MetaData(), MetaData()
    tables.reflect(source)
    places.reflect(target)
    for table in tables.sorted_tables:
        if table.name != "alembic_version":
            _copy(source, table, target, places.tables[table.name])


def is_empty(connection: Connection) -> bool:
    """Whether a database has no tables."""
    return not inspect(connection).get_table_names()


def _copy(source: Connection, table: Table, target: Connection, place: Table) -> None:
    with source.execution_options(yield_per=_CHUNK).execute(select(table)) as rows:
        for some in rows.mappings().partitions(_CHUNK):
            target.execute(place.insert(), [dict(row) for row in some])
    if target.dialect.name == "postgresql":
        _continue_counting(target, place)


def _continue_counting(target: Connection, place: Table) -> None:
    """A column that counts by itself goes on behind the rows that were given their numbers."""
    for column in place.primary_key:
        if column.server_default is not None:
            newest = target.scalar(select(func.max(column)))
            sequence = target.scalar(
                text("SELECT pg_get_serial_sequence(:table, :column)"), {"table": place.name, "column": column.name}
            )
            if sequence is not None and newest is not None:
                target.execute(text("SELECT setval(:sequence, :newest)"), {"sequence": sequence, "newest": newest})
