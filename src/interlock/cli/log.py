"""`interlock log`: query the prediction log; where it is; pin a version; forget a unit."""

from typing import Annotated

import typer

from interlock.cli.options import DEFAULT_HOME, AsJson, Home, Server, connect
from interlock.cli.output import note, show_json, show_table
from interlock.cli.working import working
from interlock.domain.errors import NotFoundError
from interlock.domain.names import check_name

Endpoint = Annotated[str, typer.Argument(help="The endpoint's name.")]

app = typer.Typer(name="log", help="The prediction log.", no_args_is_help=True)


@app.command()
def sql(
    statement: Annotated[str, typer.Argument(help="DuckDB's SQL.")],
    fresh: Annotated[bool, typer.Option(help="First commit what waits in the spool.")] = True,
    pin: Annotated[str | None, typer.Option(metavar="ENDPOINT@NAME", help="Ask a pinned version.")] = None,
    server: Server = None,
    home: Home = DEFAULT_HOME,
    as_json: AsJson = False,
) -> None:
    """Query the log: an endpoint's name is a table, labels_NAME are its labels, NAME_labelled is both.

    Example: [bold]interlock log sql "SELECT version, count(*) FROM wine GROUP BY ALL"[/bold]
    """
    with connect(server, home) as client:
        rows = client.sql(statement, fresh=fresh, pin=pin)
    if as_json:
        show_json({"rows": rows})
    else:
        show_table(rows, list(rows[0]) if rows else [], empty="no rows")


@app.command()
def path(
    endpoint: Endpoint,
    pin: Annotated[str | None, typer.Option(help="Of this pin, in place of the present log.")] = None,
    home: Home = DEFAULT_HOME,
    as_json: AsJson = False,
) -> None:
    """Print where an endpoint's Delta table is, for any engine that reads Delta.

    Example: [bold]interlock log path wine[/bold]
    """
    check_name("endpoint", endpoint)
    log = home.resolve() / "log"
    if pin is not None:
        log = log / "pins" / endpoint / check_name("pin", pin)
    table = log / "predictions" / endpoint
    if not table.is_dir():
        raise NotFoundError("log of endpoint", endpoint if pin is None else f"{endpoint}@{pin}")
    if as_json:
        show_json({"endpoint": endpoint, "path": str(table)})
    else:
        print(table)


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
