"""`interlock endpoint`: create, list, show, change, delete."""

from typing import Annotated

import typer

from interlock.cli.options import DEFAULT_HOME, AsJson, Home, Server, connect
from interlock.cli.output import show_facts, show_json, show_table
from interlock.cli.working import working
from interlock.domain.names import check_name, split_ref

app = typer.Typer(name="endpoint", help="Names that callers use.", no_args_is_help=True)

Name = Annotated[str, typer.Argument(help="The endpoint's name.")]
RetentionDays = Annotated[int, typer.Option(help="Full days of events that the log keeps; 0 for ever.")]


@app.command()
def create(
    name: Name,
    model: Annotated[str, typer.Option(metavar="NAME:V", help="The version that answers.")],
    deadline_ms: Annotated[float, typer.Option(help="How long a model may take.")] = 1000.0,
    retention_days: RetentionDays = 0,
    server: Server = None,
    home: Home = DEFAULT_HOME,
    as_json: AsJson = False,
) -> None:
    """Create an endpoint; returns once every live gateway serves it.

    Example: [bold]interlock endpoint create wine --model wine:1[/bold]
    """
    check_name("endpoint", name)
    split_ref(model)
    with connect(server, home) as client, working(f"loading {model}"):
        found = client.create_endpoint(name, model, deadline_ms=deadline_ms, retention_days=retention_days)
        gateway = client.gateway.url
    if as_json:
        show_json(found)
    else:
        print(f"{model} answers at {gateway}/v2/models/{name}/infer and {gateway}/endpoints/{name}/invocations")


@app.command("list")
def list_endpoints(server: Server = None, home: Home = DEFAULT_HOME, as_json: AsJson = False) -> None:
    """List endpoints.

    Example: [bold]interlock endpoint list[/bold]
    """
    with connect(server, home) as client:
        found = client.endpoints()
    if as_json:
        show_json({"endpoints": found})
    else:
        columns = ("name", "model", "traffic", "deadline_ms", "created_at", "created_by")
        show_table(found, columns, empty="no endpoints yet; `interlock endpoint create NAME --model NAME:V` makes one")


@app.command()
def show(name: Name, server: Server = None, home: Home = DEFAULT_HOME, as_json: AsJson = False) -> None:
    """Show an endpoint: who answers, with what share, and what it takes.

    Example: [bold]interlock endpoint show wine[/bold]
    """
    with connect(server, home) as client:
        found = client.endpoint(name)
    if as_json:
        show_json(found)
        return
    shown = ("name", "model", "traffic", "deadline_ms", "retention_days", "created_at")
    show_facts({field: found[field] for field in shown})
    print("\ninputs")
    show_table(found["contract"]["inputs"], ("name", "datatype", "shape", "nullable"), empty="none")


@app.command()
def change(
    name: Name,
    retention_days: RetentionDays,
    server: Server = None,
    home: Home = DEFAULT_HOME,
    as_json: AsJson = False,
) -> None:
    """Change an endpoint while it serves. Rows past its retention go with the next upkeep, within an hour.

    Example: [bold]interlock endpoint change wine --retention-days 180[/bold]
    """
    with connect(server, home) as client:
        found = client.change_endpoint(name, retention_days=retention_days)
    if as_json:
        show_json(found)
    else:
        print(f"{name}: the log keeps rows {f'of {retention_days} days' if retention_days else 'for ever'}")


@app.command()
def delete(name: Name, server: Server = None, home: Home = DEFAULT_HOME, as_json: AsJson = False) -> None:
    """Stop serving an endpoint. Its log stays.

    Example: [bold]interlock endpoint delete wine[/bold]
    """
    with connect(server, home) as client:
        client.delete_endpoint(name)
    if as_json:
        show_json({"deleted": name})
    else:
        print(f"deleted {name}; its log stays")
