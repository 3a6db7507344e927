"""Brings a database to the version this program was written for. The steps are in `migrations/versions`."""

from importlib.metadata import version

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection

from interlock.domain.errors import HomeError


def upgrade(connection: Connection, revision: str = "head") -> None:
    """Run the migrations that are missing, inside the connection's transaction.

    Args:
        connection: To the database.
        revision: Up to which, for a database that is to be filled with rows of that revision. The newest by default.

    Raises:
        HomeError: The database is at a version this program does not know.
    """
    config = _config(connection)
    scripts = ScriptDirectory.from_config(config)
    now = MigrationContext.configure(connection).get_current_revision()
    newest = scripts.get_current_head()
    if now == newest:
        return
    if now is not None and now not in {script.revision for script in scripts.walk_revisions()}:
        raise HomeError(
            f"the database is at version {now}, newer than this program (interlock {version('interlock')}, "
            f"which knows versions up to {newest}); install the newer interlock, or choose another home folder"
        )
    command.upgrade(config, revision)


def _config(connection: Connection) -> Config:
    config = Config()
    config.set_main_option("script_location", "interlock.store:migrations")
    config.attributes["connection"] = connection
    return config
