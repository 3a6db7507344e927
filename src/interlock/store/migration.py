"""Brings a database to the version this program was written for. The steps are in `migrations/versions`.

Every start of a server comes here, and nearly always nothing is to be done: so Alembic, which takes as long to import
as all the rest of the store, is imported only when something is.
"""

from importlib.metadata import version
from importlib.resources import files

from sqlalchemy import Connection, inspect, text

from interlock.domain.errors import HomeError


def upgrade(connection: Connection, revision: str = "head") -> None:
    """Run the migrations that are missing, inside the connection's transaction.

    Args:
        connection: To the database.
        revision: Up to which, for a database that is to be filled with rows of that revision. The newest by default.

    Raises:
        HomeError: The database is at a version this program does not know.
    """
    known, now = revisions(), current(connection)
    if now == known[-1]:
        return
    if now is not None and now not in known:
        raise HomeError(
            f"the database is at version {now}, newer than this program (interlock {version('interlock')}, "
            f"which knows versions up to {known[-1]}); install the newer interlock, or choose another home folder"
        )
    from alembic import command
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", "interlock.store:migrations")
    config.attributes["connection"] = connection
    command.upgrade(config, revision)


def revisions() -> list[str]:
    """Versions that this program knows, oldest first: each step's file is named by its revision, `0001_spine.py`."""
    names = [entry.name for entry in files("interlock.store").joinpath("migrations/versions").iterdir()]
    return sorted(name.partition("_")[0] for name in names if name[:1].isdecimal())


def current(connection: Connection) -> str | None:
    """The database's version, None before the first step. Alembic keeps it in a table of its own."""
    if not inspect(connection).has_table("alembic_version"):
        return None
    found: str | None = connection.execute(text("SELECT version_num FROM alembic_version")).scalar()
    return found
