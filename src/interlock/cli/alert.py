"""`interlock alert`: what is wrong, who knows, and who is told."""

import re
import sys
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any

import typer

from interlock.cli import alert_channel, alert_rules, maintenance
from interlock.cli.options import DEFAULT_HOME, AsJson, At, Home, Reason, Server, connect, time_of
from interlock.cli.output import show_facts, show_json, show_table
from interlock.domain.errors import InvalidInputError

app = typer.Typer(name="alert", help="What is wrong, who knows, and who is told.", no_args_is_help=True)
app.add_typer(alert_channel.app)
app.add_typer(alert_rules.app)
app.add_typer(maintenance.app)

Id = Annotated[int, typer.Argument(metavar="ID", help="The incident, as `alert list` shows it.")]

_UNITS = {"m": "minutes", "h": "hours", "d": "days", "w": "weeks"}


@app.command("list")
def list_alerts(
    endpoint: Annotated[str | None, typer.Argument(help="Only of this endpoint.")] = None,
    state: Annotated[
        str | None, typer.Option(help="open (firing or acknowledged), firing, acknowledged or resolved; default: all.")
    ] = None,
    limit: Annotated[int, typer.Option(help="How many.", min=1, max=10_000)] = 50,
    server: Server = None,
    home: Home = DEFAULT_HOME,
    as_json: AsJson = False,
) -> None:
    """List incidents, newest first.

    Example: [bold]interlock alert list --state open[/bold]
    """
    with connect(server, home) as client:
        found = client.alerts(endpoint, state=state, limit=limit)
    if as_json:
        show_json({"alerts": found})
    else:
        show_table(found, ("id", "state", "severity", "opened_at", "title"), empty="no alerts")


@app.command()
def show(id: Id, server: Server = None, home: Home = DEFAULT_HOME, as_json: AsJson = False) -> None:
    """Show an incident: what is wrong, its history, and what became of its notices.

    Example: [bold]interlock alert show 7[/bold]
    """
    with connect(server, home) as client:
        found = client.alert(id)
    if as_json:
        show_json(found)
        return
    facts = ("id", "title", "state", "severity", "endpoint", "opened_at", "acknowledged_by", "resolved_at")
    show_facts({name: found[name] for name in facts})
    for part, columns in (
        ("symptoms", ("severity", "rule", "sentence", "since", "over_at")),
        ("events", ("at", "kind", "actor", "text")),
        ("deliveries", ("channel", "kind", "attempts", "delivered_at", "next_try_at", "last_error")),
    ):
        if found[part]:
            print()
            show_table(found[part], columns, empty="")


@app.command()
def ack(id: Id, reason: Reason = "", server: Server = None, home: Home = DEFAULT_HOME, as_json: AsJson = False) -> None:
    """Take an incident on: nobody is told of it again unless it gets worse.

    Example: [bold]interlock alert ack 7 --reason "sensor is being replaced"[/bold]
    """
    with connect(server, home) as client:
        found = client.acknowledge(id, reason)
    if as_json:
        show_json(found)
    else:
        print(f"alert {id} is {found['state']}")


@app.command()
def silence(
    endpoint: Annotated[str | None, typer.Argument(help="Whose incidents; default: all.")] = None,
    duration: Annotated[str | None, typer.Option("--for", metavar="TIME", help="How long: 30m, 2h, 3d.")] = None,
    until: At = None,
    reason: Reason = "",
    server: Server = None,
    home: Home = DEFAULT_HOME,
    as_json: AsJson = False,
) -> None:
    """Tell nobody until a time. Incidents are kept; those still firing then are told of.

    Example: [bold]interlock alert silence flights --for 2h --reason "planned outage"[/bold]
    """
    with connect(server, home) as client:
        found = client.silence(endpoint or "", until=_end(duration, until), reason=reason)
    if as_json:
        show_json(found)
    else:
        print(f"nobody is told of {_whose(found)} until {found['until']}")


@app.command()
def silences(server: Server = None, home: Home = DEFAULT_HOME, as_json: AsJson = False) -> None:
    """List silences, newest first, also those that have ended.

    Example: [bold]interlock alert silences[/bold]
    """
    with connect(server, home) as client:
        found = client.silences()
    if as_json:
        show_json({"silences": found})
    else:
        show_table(found, ("id", "endpoint", "until", "created_by", "reason"), empty="no silences")


@app.command("test")
def send_test(
    channel: Annotated[str, typer.Argument(help="The channel's name.")],
    server: Server = None,
    home: Home = DEFAULT_HOME,
    as_json: AsJson = False,
) -> None:
    """Send a test through a channel, now, and say what happened. Exit code 1 if it was not delivered.

    Example: [bold]interlock alert test team[/bold]
    """
    with connect(server, home) as client:
        found = client.test_channel(channel)
    if as_json:
        show_json(found)
    elif found["delivered"]:
        print(f"{found['url']} took it")
    else:
        print(f"not delivered to {found['url']}: {found['error']}", file=sys.stderr)
    raise typer.Exit(0 if found["delivered"] else 1)


def _whose(silence: dict[str, Any]) -> str:
    return f"{silence['endpoint']}'s alerts" if silence["endpoint"] else "any alerts"


def _end(duration: str | None, until: str | None) -> datetime:
    end = time_of("until", until)
    if (duration is None) == (end is None):
        raise InvalidInputError("a silence needs an end: give --for or --until, and not both")
    if end is not None:
        return end
    found = re.fullmatch(r"(\d{1,5})([mhdw])", duration or "")
    if found is None:
        raise InvalidInputError(f"for == {duration!r}, must be like 30m, 2h, 3d or 1w")
    return datetime.now(UTC) + timedelta(**{_UNITS[found[2]]: int(found[1])})
