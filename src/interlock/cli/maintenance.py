"""`interlock alert maintenance`: times of the week in which nobody is told."""

from typing import Annotated, Any

import typer

from interlock.cli.options import DEFAULT_HOME, AsJson, Home, Reason, Server, connect, split
from interlock.cli.output import show_json, show_table

app = typer.Typer(name="maintenance", help="Times of the week in which nobody is told.", no_args_is_help=True)

Name = Annotated[str, typer.Argument(help="The window's name.")]


@app.command()
def add(
    name: Name,
    begins: Annotated[str, typer.Option("--from", metavar="TIME", help="Wall-clock time: 02:00.")],
    ends: Annotated[str, typer.Option("--to", metavar="TIME", help="Wall-clock time; before --from: the day after.")],
    time_zone: Annotated[str, typer.Option("--zone", help="Of the wall clock: Europe/Berlin.")] = "UTC",
    on: Annotated[
        str | None, typer.Option(metavar="DAYS", help="Days on which it begins: sun,wed; default: all.")
    ] = None,
    endpoint: Annotated[str, typer.Option(help="Whose incidents; default: all.")] = "",
    reason: Reason = "",
    server: Server = None,
    home: Home = DEFAULT_HOME,
    as_json: AsJson = False,
) -> None:
    """Add a window. Incidents are kept; those still firing at its end are told of then.

    Example: [bold]interlock alert maintenance add import --on sun --from 02:00 --to 04:00 --zone Europe/Berlin[/bold]
    """
    window: dict[str, Any] = {
        "name": name, "begins": begins, "ends": ends, "time_zone": time_zone, "endpoint": endpoint, "reason": reason,
    }  # fmt: skip
    if on is not None:
        window["weekdays"] = split(on.lower())
    with connect(server, home) as client:
        found = client.add_maintenance_window(window)
    if as_json:
        show_json(found)
    else:
        whose = f"{found['endpoint']}'s alerts" if found["endpoint"] else "any alerts"
        days = ", ".join(found["weekdays"])
        print(f"nobody is told of {whose} on {days} from {begins} to {ends} in {time_zone}")


@app.command("list")
def list_windows(server: Server = None, home: Home = DEFAULT_HOME, as_json: AsJson = False) -> None:
    """List maintenance windows.

    Example: [bold]interlock alert maintenance list[/bold]
    """
    with connect(server, home) as client:
        found = client.maintenance_windows()
    if as_json:
        show_json({"maintenance_windows": found})
    else:
        columns = ("name", "endpoint", "weekdays", "begins", "ends", "time_zone", "created_by", "reason")
        show_table(found, columns, empty="no maintenance windows")


@app.command()
def remove(name: Name, server: Server = None, home: Home = DEFAULT_HOME, as_json: AsJson = False) -> None:
    """Take a window away. What is still firing is told of then.

    Example: [bold]interlock alert maintenance remove import[/bold]
    """
    with connect(server, home) as client:
        client.remove_maintenance_window(name)
    if as_json:
        show_json({"removed": name})
    else:
        print(f"removed {name}")
