"""Databases as released programs left them, with a row in every table: what migrations must lead forward."""

import sqlite3
from pathlib import Path
from typing import Any

from sqlalchemy import MetaData, create_engine, select

HERE = Path(__file__).parent / "revisions"
REVISIONS = sorted(path.stem for path in HERE.glob("*.sql"))


def write(revision: str, path: Path) -> None:
    """Write the database of a revision to a new SQLite file."""
    connection = sqlite3.connect(path)
    connection.executescript((HERE / f"{revision}.sql").read_text())
    connection.close()


def rows(url: str) -> dict[str, list[dict[str, Any]]]:
    """Every row of a database, as it is stored, by table and in the order of its columns' values."""
    engine, tables = create_engine(url), MetaData()
    tables.reflect(engine)
    with engine.connect() as connection:
        found = {
            table.name: sorted((dict(row) for row in connection.execute(select(table)).mappings()), key=repr)
            for table in tables.sorted_tables
        }
    engine.dispose()
    return found
