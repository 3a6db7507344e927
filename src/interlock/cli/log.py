"""`interlock log`: query the prediction log; its account of labels; where it is; pin a version; forget a unit."""

from datetime import timedelta
from typing import Annotated, Any, Literal

import typer

from interlock.cli.options import DEFAULT_HOME, AsJson, At, Home, Server, connect, time_of
from interlock.cli.output import note, show_json, show_table
from interlock.cli.working import working
from interlock.domain.errors import NotFoundError
from interlock.domain.names import check_name

Endpoint = Annotated[str, typer.Argument(help="The endpoint's name.")]
LogTable = Literal["predictions", "labels", "decisions", "rewards", "scores"]
Fresh = Annotated[bool, typer.Option(help="First commit what waits in the spool.")]

app = typer.Typer(name="log", help="The prediction log.", no_args_is_help=True)


@app.command()
def sql(
    statement: Annotated[str, typer.Argument(help="DuckDB's SQL.")],
    fresh: Fresh = True,
    pin: Annotated[str | None, typer.Option(metavar="ENDPOINT@NAME", help="Ask a pinned version.")] = None,
    server: Server = None,
    home: Home = DEFAULT_HOME,
    as_json: AsJson = False,
) -> None:
    """Query the log: an endpoint's name is a table; labels_NAME, decisions_NAME and rewards_NAME are what was said of
    it; NAME_joined is each prediction with the label, decision and rewards that count.

    Example: [bold]interlock log sql "SELECT version, count(*) FROM wine GROUP BY ALL"[/bold]
    """
    with connect(server, home) as client:
        rows = client.sql(statement, fresh=fresh, pin=pin)
    if as_json:
        show_json({"rows": rows})
    else:
        show_table(rows, list(rows[0]) if rows else [], empty="no rows")


@app.command()
def labels(
    endpoint: Endpoint,
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
    endpoint: Endpoint,
    table: Annotated[LogTable, typer.Option(help="Which of its tables.")] = "predictions",
    pin: Annotated[str | None, typer.Option(help="Of this pin, in place of the present log.")] = None,
    home: Home = DEFAULT_HOME,
    as_json: AsJson = False,
) -> None:
    """Print where a Delta table of an endpoint is, for any engine that reads Delta.

    Example: [bold]interlock log path wine[/bold]
    """
    check_name("endpoint", endpoint)
    log = home.resolve() / "log"
    if pin is not None:
        log = log / "pins" / endpoint / check_name("pin", pin)
    found = log / table / endpoint
    if not found.is_dir():
        raise NotFoundError(f"table of {table} of endpoint", endpoint if pin is None else f"{endpoint}@{pin}")
    if as_json:
        show_json({"endpoint": endpoint, "table": table, "path": str(found)})
    else:
        print(found)


@app.command("pin")
def create_pin(
    endpoint: Endpoint,
    name: Annotated[str, typer.Option(help="What a training run or a model version will call it.")],
    server: Server = None,
    home: Home = DEFAULT_HOME,
    as_json: AsJson = False,
) -> None:
    """Pin what the log holds now: it reads the same for ever, whatever is appended, compacted or dropped.

    Example: [bold]interlock log pin wine --name training-v4[/bold]
    """
    check_name("endpoint", endpoint)
    check_name("pin", name)
    with connect(server, home) as client, working(f"pinning {endpoint}"):
        found = client.pin(endpoint, name)
    if as_json:
        show_json(found)
    else:
        rows = ", ".join(f"{table['rows']} {kind}" for kind, table in found["tables"].items())
        print(f"pinned {endpoint}@{name}: {rows}")


@app.command("pins")
def list_pins(
    endpoint: Endpoint,
    verify: Annotated[bool, typer.Option("--verify", help="Read every file; exit code 1 if one was changed.")] = False,
    server: Server = None,
    home: Home = DEFAULT_HOME,
    as_json: AsJson = False,
) -> None:
    """List the pins of an endpoint.

    Example: [bold]interlock log pins wine --verify[/bold]
    """
    with connect(server, home) as client:
        found = client.pins(endpoint)
        faults = client.verify_pins(endpoint) if verify else {}
    if as_json:
        show_json({"pins": found} | ({"faults": faults} if verify else {}))
    else:
        rows = [{**pin, "rows": {kind: table["rows"] for kind, table in pin["tables"].items()}} for pin in found]
        columns = ("name", "created_at", "created_by", "rows", "redacted_at")
        show_table(rows, columns, empty=f"no pins; `interlock log pin {endpoint} --name NAME` makes one")
        for fault in (fault for each in faults.values() for fault in each):
            note(fault)
    raise typer.Exit(1 if any(faults.values()) else 0)


@app.command()
def unpin(
    endpoint: Endpoint,
    name: Annotated[str, typer.Option(help="The pin's name.")],
    force: Annotated[bool, typer.Option("--force", help="Also if model versions were trained on it.")] = False,
    server: Server = None,
    home: Home = DEFAULT_HOME,
    as_json: AsJson = False,
) -> None:
    """Let go of a pin: what only it still has is deleted.

    Example: [bold]interlock log unpin wine --name training-v3[/bold]
    """
    with connect(server, home) as client:
        client.unpin(endpoint, name, force=force)
    if as_json:
        show_json({"unpinned": f"{endpoint}@{name}"})
    else:
        print(f"unpinned {endpoint}@{name}")


@app.command()
def forget(
    endpoint: Endpoint,
    unit: Annotated[str, typer.Option(help="The sticky key that was sent with the requests.")],
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    server: Server = None,
    home: Home = DEFAULT_HOME,
    as_json: AsJson = False,
) -> None:
    """Delete a unit's rows, with their labels, from the log, its history and its pins. It cannot be undone.

    Example: [bold]interlock log forget wine --unit customer-17 --yes[/bold]
    """
    if not yes:
        typer.confirm(
            f"delete every row of {unit} from the log of {endpoint} and its pins, for ever?", abort=True, err=True
        )
    with connect(server, home) as client, working("deleting"):
        found = client.forget(endpoint, unit)
    if as_json:
        show_json(found)
        return
    rows = ", ".join(f"{count} {kind}" for kind, count in found["rows"].items()) or "no rows"
    print(f"deleted {rows} of {unit}; redacted pins: {', '.join(found['pins']) or 'none'}")
    if found["files_left"]:
        note(f"{found['files_left']} file(s) may belong to a commit under way; run this again in an hour")
