"""`interlock log`: query the prediction log; where it is."""

from typing import Annotated

import typer

from interlock.cli.options import DEFAULT_HOME, AsJson, Home, Server, connect
from interlock.cli.output import show_json, show_table
from interlock.domain.errors import NotFoundError
from interlock.domain.names import check_name

app = typer.Typer(name="log", help="The prediction log.", no_args_is_help=True)


@app.command()
def sql(
    statement: Annotated[str, typer.Argument(help="DuckDB's SQL.")],
    fresh: Annotated[bool, typer.Option(help="First commit what waits in the spool.")] = True,
    server: Server = None,
    home: Home = DEFAULT_HOME,
    as_json: AsJson = False,
) -> None:
    """Query the log: an endpoint's name is a table, labels_NAME are its labels, NAME_labelled is both.

    Example: [bold]interlock log sql "SELECT version, count(*) FROM wine GROUP BY ALL"[/bold]
    """
    with connect(server, home) as client:
        rows = client.sql(statement, fresh=fresh)
    if as_json:
        show_json({"rows": rows})
    else:
        show_table(rows, list(rows[0]) if rows else [], empty="no rows")


@app.command()
def path(
    endpoint: Annotated[str, typer.Argument(help="The endpoint's name.")],
    home: Home = DEFAULT_HOME,
    as_json: AsJson = False,
) -> None:
    """Print where an endpoint's Delta table is, for any engine that reads Delta.

    Example: [bold]interlock log path wine[/bold]
    """
    check_name("endpoint", endpoint)
    table = home.resolve() / "log" / "predictions" / endpoint
    if not table.is_dir():
        raise NotFoundError("log of endpoint", endpoint)
    if as_json:
        show_json({"endpoint": endpoint, "path": str(table)})
    else:
        print(table)
