"""`interlock endpoint`: create, list, show, update, delete."""

from typing import Annotated

import typer

from interlock.cli.options import DEFAULT_HOME, AsJson, Home, Server, connect
from interlock.cli.output import show_facts, show_json, show_table
from interlock.cli.working import working
from interlock.domain.errors import InvalidInputError
from interlock.domain.names import check_name, split_ref

app = typer.Typer(name="endpoint", help="Names that callers use.", no_args_is_help=True)

Name = Annotated[str, typer.Argument(help="The endpoint's name.")]


@app.command()
def create(
    name: Name,
    model: Annotated[str, typer.Option(metavar="NAME:V", help="The version that answers.")],
    deadline_ms: Annotated[float, typer.Option(help="How long a model may take.")] = 1000.0,
    retention_days: Annotated[int | None, typer.Option(help="Full days the log keeps; for ever if not given.")] = None,
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
def update(
    name: Name,
    retention_days: Annotated[int | None, typer.Option(help="Full days of events the log keeps.")] = None,
    keep_for_ever: Annotated[bool, typer.Option("--keep-for-ever", help="The log drops nothing.")] = False,
    server: Server = None,
    home: Home = DEFAULT_HOME,
    as_json: AsJson = False,
) -> None:
    """Change how long an endpoint's log keeps rows. What is older goes with the next upkeep, within an hour.

    Example: [bold]interlock endpoint update wine --retention-days 180[/bold]
    """
    if (retention_days is not None) == keep_for_ever:
        raise InvalidInputError("say either --retention-days N or --keep-for-ever")
    with connect(server, home) as client:
        found = client.set_retention(name, retention_days)
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
