"""`interlock telemetry`: devices, their sensors, and what is expected of them."""

from typing import Annotated, Any

import typer

from interlock.cli.durations import duration
from interlock.cli.options import DEFAULT_HOME, AsJson, Home, Server, connect
from interlock.cli.output import show_facts, show_json, show_table
from interlock.domain.errors import InvalidInputError

app = typer.Typer(name="telemetry", help="Devices, their sensors, and what is expected of them.", no_args_is_help=True)

Device = Annotated[str, typer.Argument(metavar="DEVICE", help="The device's name.")]
SensorName = Annotated[str, typer.Argument(metavar="SENSOR", help="The sensor's name.")]

_COLUMNS = ("device", "sensor", "status", "value", "expected", "received_at", "readings", "outside")


@app.command("list")
def list_sensors(
    device: Annotated[str | None, typer.Argument(help="Only of this device.")] = None,
    server: Server = None,
    home: Home = DEFAULT_HOME,
    as_json: AsJson = False,
) -> None:
    """List sensors with their newest values, and what of messages could not be taken.

    Example: [bold]interlock telemetry list press-7[/bold]
    """
    with connect(server, home) as client:
        found: dict[str, Any] = client.devices() if device is None else {"sensors": client.device(device)}
    if as_json:
        show_json(found)
        return
    rows = [{**each, "expected": _expected(each["expected"])} for each in found["sensors"]]
    show_table(
        rows, _COLUMNS, empty="no device has said anything yet; POST /telemetry/DEVICE, or `interlock up --mqtt`"
    )
    if broker := found.get("broker"):
        print()
        show_facts({name: broker[name] for name in ("broker", "connected", "since", "messages", "rejected", "error")})
    if unread := found.get("unread"):
        print()
        show_table(unread, ("source", "reason", "count", "last_at", "example"), empty="")


@app.command()
def expect(
    device: Annotated[str, typer.Argument(metavar="DEVICE", help="Its device; * and ? stand for any characters.")],
    sensor: SensorName,
    low: Annotated[float | None, typer.Option(help="Values below are alerted of.")] = None,
    high: Annotated[float | None, typer.Option(help="Values above are alerted of.")] = None,
    silent_after: Annotated[
        str | None, typer.Option(metavar="TIME", help="Alert if nothing is heard of it for so long: 30s, 5m, 2h.")
    ] = None,
    lasting: Annotated[
        str, typer.Option("--for", metavar="TIME", help="Only if it is outside for so long; default: at once.")
    ] = "0s",
    severity: Annotated[str, typer.Option(help="info, warning or critical.")] = "warning",
    unit: Annotated[str, typer.Option(help="For people: °C.")] = "",
    server: Server = None,
    home: Home = DEFAULT_HOME,
    as_json: AsJson = False,
) -> None:
    """Say what is expected of a sensor, in the place of what was before.

    Example: [bold]interlock telemetry expect "press-*" temperature --high 80 --silent-after 5m[/bold]
    """
    silent = None if silent_after is None else duration("silent_after", silent_after).total_seconds()
    with connect(server, home) as client:
        found = client.expect(
            device, sensor, low=low, high=high, silent_after_seconds=silent,
            for_seconds=duration("for", lasting).total_seconds(), severity=severity, unit=unit,
        )  # fmt: skip
    if as_json:
        show_json(found)
    else:
        print(f"expected of {sensor} of {device}: {_expected(found)}")


@app.command()
def unexpect(
    device: Device, sensor: SensorName, server: Server = None, home: Home = DEFAULT_HOME, as_json: AsJson = False
) -> None:
    """Expect nothing of a sensor any more.

    Example: [bold]interlock telemetry unexpect "press-*" temperature[/bold]
    """
    with connect(server, home) as client:
        client.expect_nothing(device, sensor)
    _said({"device": device, "sensor": sensor}, f"nothing is expected of {sensor} of {device}", as_json=as_json)


@app.command()
def forget(
    device: Device,
    sensor: Annotated[str | None, typer.Argument(help="Only this sensor of it.")] = None,
    server: Server = None,
    home: Home = DEFAULT_HOME,
    as_json: AsJson = False,
) -> None:
    """Forget a device that is gone, with what was expected of it. Its readings stay in the log.

    Example: [bold]interlock telemetry forget press-7[/bold]
    """
    with connect(server, home) as client:
        count = client.forget_device(device, sensor)
    _said({"device": device, "sensors": count}, f"{count} sensor(s) of {device} are forgotten", as_json=as_json)


@app.command()
def keep(
    days: Annotated[int, typer.Argument(min=0, help="How many days; 0 is for ever.")],
    server: Server = None,
    home: Home = DEFAULT_HOME,
    as_json: AsJson = False,
) -> None:
    """Say how long the log keeps readings. Administrators only.

    Example: [bold]interlock telemetry keep 90[/bold]
    """
    with connect(server, home) as client:
        client.keep_readings(days)
    _said(
        {"retention_days": days}, f"readings are kept for {days} days" if days else "readings are kept", as_json=as_json
    )


@app.command()
def send(
    device: Device,
    readings: Annotated[list[str], typer.Argument(metavar="SENSOR=VALUE...", help="What it measured.")],
    server: Server = None,
    home: Home = DEFAULT_HOME,
    as_json: AsJson = False,
) -> None:
    """Send readings in a device's name. Exit code 1 if one was not taken.

    Example: [bold]interlock telemetry send press-7 temperature=71.3 vibration=0.02[/bold]
    """
    with connect(server, home) as client:
        found = client.telemetry(device, dict(_reading(each) for each in readings))
    if as_json:
        show_json(found)
    else:
        print(f"{found['accepted']} reading(s) taken")
        if found["rejected"]:
            show_table(found["rejected"], ("sensor", "error"), empty="")
    raise typer.Exit(1 if found["rejected"] else 0)


def _said(document: dict[str, Any], sentence: str, *, as_json: bool) -> None:
    if as_json:
        show_json(document)
    else:
        print(sentence)


def _reading(text: str) -> tuple[str, float]:
    sensor, separator, value = text.partition("=")
    try:
        measured = float(value)
    except ValueError:
        separator = ""
    if not separator or not sensor:
        raise InvalidInputError(f"reading == {text!r}, must be like temperature=71.3")
    return sensor, measured


def _expected(wanted: dict[str, Any] | None) -> str:
    if wanted is None:
        return ""
    unit = f" {wanted['unit']}" if wanted["unit"] else ""
    said = [
        f"{word} {wanted[name]:g}{unit}" for name, word in (("low", "from"), ("high", "to")) if wanted[name] is not None
    ]
    if wanted["silent_after_seconds"] is not None:
        said.append(f"heard of within {wanted['silent_after_seconds']:g} s")
    return ", ".join(said)
