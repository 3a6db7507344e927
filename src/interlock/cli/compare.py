"""`interlock compare`: two windows or versions of an endpoint beside each other."""

from typing import Annotated, Any

import typer

from interlock.cli.options import DEFAULT_HOME, AsJson, At, Home, Server, connect, time_of
from interlock.cli.output import note, show_json, show_table

Version = Annotated[str | None, typer.Option(metavar="NAME:V", help="Default: the one with the most rows.")]


def compare(
    endpoint: Annotated[str, typer.Argument(help="The endpoint's name.")],
    version: Version = None,
    since: At = None,
    until: At = None,
    against_version: Version = None,
    against_since: At = None,
    against_until: At = None,
    server: Server = None,
    home: Home = DEFAULT_HOME,
    as_json: AsJson = False,
) -> None:
    """Compare a window or version with another: service, every column, quality with intervals.

    By default the last week up to the newest event against the week before. With --against-version alone, both versions
    in the same time. It tells sizes, and judges nothing: that is what `monitor` and the gates of releases are for.

    Example: [bold]interlock compare flights --version flights:3 --against-version flights:2[/bold]
    """
    times = {
        name: time_of(name.replace("_", "-"), value)
        for name, value in (
            ("since", since), ("until", until), ("against_since", against_since), ("against_until", against_until),
        )
    }  # fmt: skip
    with connect(server, home) as client:
        found = client.compare(endpoint, version=version, against_version=against_version, **times)
    if as_json:
        show_json(found)
        return
    sides = [{"side": name, **found[name]} for name in ("this", "against")]
    show_table(
        sides, ("side", "version", "since", "until", "rows", "requests", "failures", "p99_ms", "labels"), empty=""
    )
    show_table(found["quality"], ("metric", "this", "against", "lower", "upper"), empty="no labels")
    show_table([_line(each) for each in found["columns"]], _COLUMNS, empty="no reference, so no profiles to compare")
    note("lower and upper bound this - against at 95 %; severity is 0 to 1 (Jensen-Shannon)")


_COLUMNS = ("column", "severity", "p_value", "mean", "against_mean", "missing", "against_missing", "reason")


def _line(pair: dict[str, Any]) -> dict[str, Any]:
    this, against = pair["this"] or {}, pair["against"] or {}
    return {
        **pair, "mean": this.get("mean"), "missing": this.get("missing"), "against_mean": against.get("mean"),
        "against_missing": against.get("missing"),
    }  # fmt: skip
