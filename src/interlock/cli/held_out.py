"""`interlock model held-out`: rows that the server keeps for the application tests of releases."""

from pathlib import Path
from typing import Annotated

import typer

from interlock.cli.options import DEFAULT_HOME, AsJson, Home, Server, connect
from interlock.cli.output import show_json, show_table
from interlock.domain.errors import InvalidInputError


def held_out(
    file: Annotated[
        Path | None, typer.Argument(help="Rows to keep: .csv, .parquet, .json or .jsonl. Without: list what is kept.")
    ] = None,
    server: Server = None,
    home: Home = DEFAULT_HOME,
    as_json: AsJson = False,
) -> None:
    """Keep held-out rows on the server, by the file's name: a release plan's `test_data` names them.

    Example: [bold]interlock model held-out heldout.csv[/bold]
    """
    if file is not None and not file.is_file():
        raise InvalidInputError(f"{file} does not exist; name a file on this machine")
    with connect(server, home) as client:
        found = client.held_out() if file is None else [client.keep_held_out(file)]
    if as_json:
        show_json({"files": found})
    else:
        show_table(found, ("name", "bytes", "sha256", "kept_at"), empty="no held-out files are kept")
