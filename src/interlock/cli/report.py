"""`interlock report`: what a day of an endpoint was like."""

from datetime import date as Date
from pathlib import Path
from typing import Annotated, Any

import typer

from interlock.cli.options import DEFAULT_HOME, AsJson, Home, Server, connect
from interlock.cli.output import cell, console, note, show_json, show_table
from interlock.domain.errors import InvalidInputError


def report(
    endpoint: Annotated[str, typer.Argument(help="The endpoint's name.")],
    date: Annotated[
        str | None, typer.Option(metavar="DATE", help="A day in UTC; default: that of the newest event.")
    ] = None,
    html: Annotated[Path | None, typer.Option(help="Write it as a page that opens offline.", metavar="FILE")] = None,
    server: Server = None,
    home: Home = DEFAULT_HOME,
    as_json: AsJson = False,
) -> None:
    """Traffic, errors, latency, drift, quality by class, incidents and releases of a day, from the labels of now.

    The same is a page of its own, and a mail every morning: `interlock alert channel add ... --daily-report 7`.

    Example: [bold]interlock report wine --date 2026-03-01 --html wine.html[/bold]
    """
    day = _day(date)
    with connect(server, home) as client:
        found = client.daily_report(endpoint, day)
    if html is not None:
        _write(html, found)
    if as_json:
        show_json(found)
    else:
        _tell(found)


def _day(text: str | None) -> Date | None:
    try:
        return None if text is None else Date.fromisoformat(text)
    except ValueError as error:
        raise InvalidInputError(f"date == {text!r}, must be a day like 2026-03-01") from error


def _write(path: Path, found: dict[str, Any]) -> None:
    import msgspec

    from interlock.monitoring.daily_page import page  # Arrow and NumPy take a moment to import
    from interlock.monitoring.daily_report import DailyReport

    try:
        path.write_text(page(msgspec.convert(found, DailyReport)), encoding="utf-8")
    except OSError as error:
        raise InvalidInputError(f"html == {path}, cannot be written: {error.strerror}") from error
    note(f"wrote {path}")


def _tell(found: dict[str, Any]) -> None:
    console().print(f"{found['endpoint']}, {found['date']}:", cell(found["status"]))
    print(
        f"{found['rows']} rows in {found['requests']} requests; {found['failures']} failed, {found['refused']} refused"
    )
    columns = ("version", "requests", "rows", "failures", "p50_ms", "p95_ms", "p99_ms")
    show_table(found["traffic"], columns, empty="no request was answered")
    for each in found["quality"]:
        print(f"\nquality of {each['version']}: {each['labels']} labels for {each['rows']} rows")
        rows = [{"measure": name, **one} for name, one in each["measures"].items()]
        show_table(rows, ("measure", "value", "lower", "upper"), empty="no labels have come yet")
        if each["classes"]:
            show_table(each["classes"], ("name", "precision", "recall", "f1", "support"), empty="")
    for noun, names in (
        ("incidents", ("id", "severity", "state", "title")),
        ("releases", ("id", "candidate", "state")),
    ):
        print(f"\n{noun}")
        show_table(found[noun], names, empty="none")
    wrong = [check for check in found["checks"] if check["outcome"] in ("breach", "error")]
    for check in wrong:
        console().print(f"{check['name']}: {check['details'].get('reason') or check['expected']}", markup=False)
