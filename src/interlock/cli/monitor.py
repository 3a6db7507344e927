"""`interlock monitor`: is the endpoint well?"""

from datetime import UTC, datetime
from typing import Annotated

import typer

from interlock.cli.options import DEFAULT_HOME, AsJson, Home, Server, connect
from interlock.cli.output import cell, console, show_json, show_table
from interlock.domain.errors import InvalidInputError

At = Annotated[str | None, typer.Option(metavar="TIME", help="ISO 8601; without a zone it is UTC.")]


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
        found = client.monitor(endpoint, window=window, since=_at("since", since), until=_at("until", until))
    if as_json:
        show_json(found)
        return
    console().print(f"{endpoint}, {found['window']} from {found['since']} to {found['until']}:", cell(found["status"]))
    show_table(found["checks"], ("name", "signal", "version", "outcome", "value", "expected"), empty="no checks")
    for check in found["checks"]:
        if check["outcome"] == "breach" and check["details"].get("reason"):
            console().print(f"{check['name']}: {check['details']['reason']}", markup=False)


def _at(name: str, text: str | None) -> datetime | None:
    if text is None:
        return None
    try:
        at = datetime.fromisoformat(text)
    except ValueError as error:
        raise InvalidInputError(f"{name} == {text!r}, must be a time like 2013-07-01T00:00:00Z") from error
    return at if at.tzinfo else at.replace(tzinfo=UTC)
