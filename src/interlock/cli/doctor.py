"""`interlock doctor`: is this home folder, and what runs on it, in order? And what is not, can it be mended?"""

from typing import Annotated

import typer

from interlock.cli.options import DEFAULT_HOME, AsJson, Home, StoreUrl
from interlock.cli.output import show_json, show_table
from interlock.settings import Settings


def doctor(
    repair: Annotated[bool, typer.Option("--repair", help="Mend what can be mended; no server may run.")] = False,
    give_up: Annotated[
        bool, typer.Option("--give-up", help="With --repair: give up rows whose files are gone, to read the others.")
    ] = False,
    home: Home = DEFAULT_HOME,
    store_url: StoreUrl = "",
    as_json: AsJson = False,
) -> None:
    """Check folder, processes, store, audit log, artifacts, spools, tables, pins, and the log's sums.

    Works on the folder itself, with or without a running server, and without --repair changes nothing. Exit code 1 if
    something is wrong, and is not mended.

    Example: [bold]interlock doctor[/bold]
    """
    from interlock.process.checkup import examine  # reads the log, whose engines take a moment to import

    settings = Settings(home=home.resolve(), store_url=store_url)
    findings = list(examine(settings, repair=repair, give_up=give_up))
    ok = all(finding.outcome != "error" for finding in findings)
    if as_json:
        show_json({"ok": ok, "checks": findings})
    else:
        rows = [{"check": each.check, "outcome": each.outcome, "detail": each.detail} for each in findings]
        show_table(rows, ("check", "outcome", "detail"), empty="")
    raise typer.Exit(0 if ok else 1)
