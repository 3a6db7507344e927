"""`interlock alert channel`: who is told. Only administrators; a URL is never shown whole again."""

import sys
from typing import Annotated

import typer

from interlock.cli.options import DEFAULT_HOME, AsJson, Home, Server, connect, split
from interlock.cli.output import show_json, show_table

app = typer.Typer(name="channel", help="Who is told of alerts.", no_args_is_help=True)

Name = Annotated[str, typer.Argument(help="The channel's name.")]


@app.command()
def add(
    name: Name,
    url: Annotated[str, typer.Argument(help="https://... or as Apprise spells it; - reads it from stdin.")],
    least_severity: Annotated[str, typer.Option(help="info, warning or critical.")] = "info",
    endpoints: Annotated[str | None, typer.Option(help="Only their alerts, comma-separated.")] = None,
    daily_report: Annotated[
        int | None, typer.Option(metavar="HOUR", help="Also send yesterday's report, at this hour in UTC: 1 to 23.")
    ] = None,
    server: Server = None,
    home: Home = DEFAULT_HOME,
    as_json: AsJson = False,
) -> None:
    """Add a channel: a webhook, a mail server, or any service that Apprise knows.

    Example: [bold]interlock alert channel add team "mailto://mail.example.org?from=interlock@example.org&to=team@example.org"[/bold]
    """
    given = sys.stdin.readline().strip() if url == "-" else url
    with connect(server, home) as client:
        found = client.add_channel(
            name, given, least_severity=least_severity, endpoints=split(endpoints), daily_report=daily_report
        )
    if as_json:
        show_json(found)
    else:
        print(f"channel {name}: {found['url']}; `interlock alert test {name}` tries it")


@app.command("list")
def list_channels(server: Server = None, home: Home = DEFAULT_HOME, as_json: AsJson = False) -> None:
    """List channels, with how many notices wait for each.

    Example: [bold]interlock alert channel list[/bold]
    """
    with connect(server, home) as client:
        found = client.channels()
    if as_json:
        show_json({"channels": found})
    else:
        columns = ("name", "url", "least_severity", "endpoints", "daily_report", "waiting", "last_error")
        show_table(found, columns, empty="no channels: nobody is told; `interlock alert channel add NAME URL`")


@app.command()
def remove(name: Name, server: Server = None, home: Home = DEFAULT_HOME, as_json: AsJson = False) -> None:
    """Remove a channel. What waits for it is given up.

    Example: [bold]interlock alert channel remove team[/bold]
    """
    with connect(server, home) as client:
        client.remove_channel(name)
    if as_json:
        show_json({"removed": name})
    else:
        print(f"removed {name}")
