"""`interlock audit`: who did what, when and why."""

from typing import Annotated

import typer

from interlock.cli.options import DEFAULT_HOME, AsJson, Home, Server, connect
from interlock.cli.output import show_json, show_table

app = typer.Typer(name="audit", help="The audit log.", no_args_is_help=True)


@app.command()
def show(
    subject: Annotated[str | None, typer.Option(help="Only of this endpoint, version, release or key.")] = None,
    limit: Annotated[int, typer.Option(help="How many.", min=1, max=10_000)] = 50,
    server: Server = None,
    home: Home = DEFAULT_HOME,
    as_json: AsJson = False,
) -> None:
    """Show the newest entries, newest first.

    Example: [bold]interlock audit show --subject wine[/bold]
    """
    with connect(server, home) as client:
        entries = client.audit(limit=limit, subject=subject)
    if as_json:
        show_json({"entries": entries})
    else:
        show_table(entries, ("number", "at", "actor", "role", "action", "subject", "details"), empty="no entries")


@app.command()
def verify(server: Server = None, home: Home = DEFAULT_HOME, as_json: AsJson = False) -> None:
    """Compute the chain of hashes anew. Exit code 1 if it is broken.

    Example: [bold]interlock audit verify[/bold]
    """
    with connect(server, home) as client:
        found = client.verify_audit()
    if as_json:
        show_json(found)
    elif found["ok"]:
        print(f"{found['entries']} entries, the chain holds; last hash {found['head']}")
    else:
        print(f"the chain is broken at entry {found['first_bad']}")
    raise typer.Exit(0 if found["ok"] else 1)
