"""`interlock monitor`: is the endpoint well?"""

from typing import Annotated

import typer

from interlock.cli.options import DEFAULT_HOME, AsJson, At, Home, Server, connect, time_of
from interlock.cli.output import cell, console, show_json, show_table


def monitor(
    endpoint: Annotated[str, typer.Argument(help="The endpoint's name.")],
    window: Annotated[str, typer.Option(help="Length of the window of event time: 90m, 24h, 7d, 4w.")] = "24h",
    since: At = None,
    until: At = None,
    server: Server = None,
    home: Home = DEFAULT_HOME,
    as_json: AsJson = False,
) -> None:
    """Service, drift and quality of an endpoint in a window that ends with its newest event.

    Example: [bold]interlock monitor wine --window 7d[/bold]
    """
    with connect(server, home) as client:
        found = client.monitor(endpoint, window=window, since=time_of("since", since), until=time_of("until", until))
    if as_json:
        show_json(found)
        return
    console().print(f"{endpoint}, {found['window']} from {found['since']} to {found['until']}:", cell(found["status"]))
    show_table(found["checks"], ("name", "signal", "version", "outcome", "value", "expected"), empty="no checks")
    for check in found["checks"]:
        if check["outcome"] == "breach" and check["details"].get("reason"):
            console().print(f"{check['name']}: {check['details']['reason']}", markup=False)
