"""`interlock monitor`: is the endpoint well?"""

from pathlib import Path
from typing import Annotated, Any

import typer

from interlock.cli.options import DEFAULT_HOME, AsJson, At, Home, Server, connect, time_of
from interlock.cli.output import cell, console, note, show_json, show_table
from interlock.domain.errors import InvalidInputError


def monitor(
    endpoint: Annotated[str, typer.Argument(help="The endpoint's name.")],
    window: Annotated[str, typer.Option(help="Length of the window of event time: 90m, 24h, 7d, 4w.")] = "24h",
    since: At = None,
    until: At = None,
    html: Annotated[Path | None, typer.Option(help="Write it as a page that opens offline.", metavar="FILE")] = None,
    server: Server = None,
    home: Home = DEFAULT_HOME,
    as_json: AsJson = False,
) -> None:
    """Service, drift and quality of an endpoint in a window that ends with its newest event.

    Example: [bold]interlock monitor wine --window 7d --html wine.html[/bold]
    """
    with connect(server, home) as client:
        found = client.monitor(endpoint, window=window, since=time_of("since", since), until=time_of("until", until))
    if html is not None:
        _write(html, found)
    if as_json:
        show_json(found)
        return
    console().print(f"{endpoint}, {found['window']} from {found['since']} to {found['until']}:", cell(found["status"]))
    show_table(found["checks"], ("name", "signal", "version", "outcome", "value", "expected"), empty="no checks")
    for check in found["checks"]:
        if check["outcome"] == "breach" and check["details"].get("reason"):
            console().print(f"{check['name']}: {check['details']['reason']}", markup=False)


def _write(path: Path, found: dict[str, Any]) -> None:
    from interlock.monitoring.report_page import page  # Arrow and NumPy take a moment to import

    try:
        path.write_text(page(found), encoding="utf-8")
    except OSError as error:
        raise InvalidInputError(f"html == {path}, cannot be written: {error.strerror}") from error
    note(f"wrote {path}")
