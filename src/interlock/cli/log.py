"""`interlock log`: query the prediction log; its account of labels; where it is."""

from datetime import timedelta
from typing import Annotated, Any, Literal

import typer

from interlock.cli.options import DEFAULT_HOME, AsJson, At, Home, Server, connect, time_of
from interlock.cli.output import show_json, show_table
from interlock.domain.errors import NotFoundError
from interlock.domain.names import check_name

LogTable = Literal["predictions", "labels", "decisions", "rewards", "scores"]
Fresh = Annotated[bool, typer.Option(help="First commit what waits in the spool.")]

app = typer.Typer(name="log", help="The prediction log.", no_args_is_help=True)


@app.command()
def sql(
    statement: Annotated[str, typer.Argument(help="DuckDB's SQL.")],
    fresh: Fresh = True,
    server: Server = None,
    home: Home = DEFAULT_HOME,
    as_json: AsJson = False,
) -> None:
    """Query the log: an endpoint's name is a table; labels_NAME, decisions_NAME and rewards_NAME are what was said of
    it; NAME_joined is each prediction with the label, decision and rewards that count.

    Example: [bold]interlock log sql "SELECT version, count(*) FROM wine GROUP BY ALL"[/bold]
    """
    with connect(server, home) as client:
        rows = client.sql(statement, fresh=fresh)
    if as_json:
        show_json({"rows": rows})
    else:
        show_table(rows, list(rows[0]) if rows else [], empty="no rows")


@app.command()
def labels(
    endpoint: Annotated[str, typer.Argument(help="The endpoint's name.")],
    prediction: Annotated[str | None, typer.Option(metavar="ID", help="All that was said of this prediction.")] = None,
    since: At = None,
    until: At = None,
    fresh: Fresh = True,
    server: Server = None,
    home: Home = DEFAULT_HOME,
    as_json: AsJson = False,
) -> None:
    """Labels: how many came, what matches no prediction, and how late they are by day and version.

    Example: [bold]interlock log labels wine --since 2026-03-01[/bold]
    """
    with connect(server, home) as client:
        if prediction is not None:
            found: Any = {"history": client.label_history(endpoint, prediction, fresh=fresh)}
        else:
            range_ = {"since": time_of("since", since), "until": time_of("until", until)}
            found = client.labels(endpoint, **range_, fresh=fresh)
    if as_json:
        show_json(found)
    elif prediction is not None:
        columns = ("at", "kind", "name", "value", "source", "observed_at", "weight", "by_request", "counts")
        show_table(found["history"], columns, empty=f"nothing was said of {prediction}")
    else:
        _show_account(found)


def _show_account(found: dict[str, Any]) -> None:
    kinds = [{"kind": kind, **found[kind]} for kind in ("labels", "decisions", "rewards")]
    columns = ("kind", "rows", "predictions", "unmatched", "unmatched_by_age", "ambiguous", "sources")
    show_table(kinds, columns, empty="")
    print("\nlabels by day of the event, with the share that has come within a time")
    days = [{**day, "half_came_after": _spelt(day["delay_seconds"]["p50"]), **day["within"]} for day in found["days"]]
    shown = ("day", "version", "rows", "labelled", "coverage", "half_came_after", "1h", "1d", "2d", "7d", "30d")
    show_table(days, shown, empty="no predictions yet")


def _spelt(seconds: float | None) -> str | None:
    return None if seconds is None else str(timedelta(seconds=round(seconds)))


@app.command()
def path(
    endpoint: Annotated[str, typer.Argument(help="The endpoint's name.")],
    table: Annotated[LogTable, typer.Option(help="Which of its tables.")] = "predictions",
    home: Home = DEFAULT_HOME,
    as_json: AsJson = False,
) -> None:
    """Print where a Delta table of an endpoint is, for any engine that reads Delta.

    Example: [bold]interlock log path wine[/bold]
    """
    check_name("endpoint", endpoint)
    found = home.resolve() / "log" / table / endpoint
    if not found.is_dir():
        raise NotFoundError(f"table of {table} of endpoint", endpoint)
    if as_json:
        show_json({"endpoint": endpoint, "table": table, "path": str(found)})
    else:
        print(found)
