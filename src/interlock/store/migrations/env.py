"""What Alembic runs: the steps, on the connection that `store.migration` handed over, in its transaction."""

from alembic import context

from interlock.store.tables import metadata


def run() -> None:
    """Run the steps that are missing."""
    connection = context.config.attributes["connection"]
    context.configure(connection=connection, target_metadata=metadata, transactional_ddl=True)
    with context.begin_transaction():
        context.run_migrations()


# Alembic loads this file to run it; whoever merely imports it (a collector of doctests) has no such context.
if hasattr(context, "config"):
    run()
