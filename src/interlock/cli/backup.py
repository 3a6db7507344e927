"""`interlock backup` and `interlock restore`: a whole home folder, while it is in use."""

from pathlib import Path
from typing import Annotated

import typer

from interlock import bootstrap
from interlock.cli.options import DEFAULT_HOME, AsJson, Home, StoreUrl
from interlock.cli.output import show_json
from interlock.cli.working import working
from interlock.settings import Settings


def backup(
    target: Annotated[Path, typer.Argument(metavar="DIR", help="A folder that is not there yet.")],
    home: Home = DEFAULT_HOME,
    store_url: StoreUrl = "",
    as_json: AsJson = False,
) -> None:
    """Copy a home folder, also while a server runs on it: everything acknowledged before is in the copy.

    A store on PostgreSQL is copied too, into a file of the backup. With several machines on one log, what waits in the
    spools of the others is not in it.

    Example: [bold]interlock backup /backups/monday[/bold]
    """
    from interlock.process.backup import backup as make  # reads the log, whose engines take a moment to import

    settings = Settings(home=home.resolve(), store_url=store_url)
    with working("copying"):
        found = make(settings, target.resolve(), bootstrap.local_actor())
    if as_json:
        shown = {"backup": str(target.resolve()), "created_at": found.created_at}
        show_json({**shown, "files": len(found.files), "bytes": found.bytes, "store": found.store})
    else:
        size, moment = f"{found.bytes / 1e6:.1f} MB", f"{found.created_at:%Y-%m-%d %H:%M:%S}"
        print(f"{target}: {len(found.files)} files, {size}, as of {moment} UTC")


def restore(
    source: Annotated[Path, typer.Argument(metavar="DIR", help="A backup.")],
    home: Home = DEFAULT_HOME,
    store_url: StoreUrl = "",
    as_json: AsJson = False,
) -> None:
    """Make a home folder of a backup. The folder must not be there yet, or be empty; likewise a PostgreSQL database.

    Example: [bold]interlock restore /backups/monday --home .interlock[/bold]
    """
    from interlock.process.backup import restore as make

    settings = Settings(home=home.resolve(), store_url=store_url)
    with working("copying"):
        found = make(settings, source.resolve(), bootstrap.local_actor())
    if as_json:
        show_json({"home": str(settings.home), "created_at": found.created_at, "files": len(found.files)})
    else:
        print(
            f"{settings.home} is as of {found.created_at:%Y-%m-%d %H:%M:%S} UTC; `interlock up --home {home}` starts it"
        )
