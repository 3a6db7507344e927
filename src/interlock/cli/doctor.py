"""`interlock doctor`: is this home folder, and what runs on it, in order?"""

import typer

from interlock.cli.options import DEFAULT_HOME, AsJson, Home, StoreUrl
from interlock.cli.output import show_json, show_table
from interlock.settings import Settings


def doctor(home: Home = DEFAULT_HOME, store_url: StoreUrl = "", as_json: AsJson = False) -> None:
    """Check folder, processes, store, audit log, artifacts and the log's sums. Exit code 1 if something is wrong.

    Works on the folder itself, with or without a running server, and changes nothing.

    Example: [bold]interlock doctor[/bold]
    """
    from interlock.process.checkup import examine  # reads the log, whose engines take a moment to import

    findings = list(examine(Settings(home=home.resolve(), store_url=store_url)))
    ok = all(finding.outcome != "error" for finding in findings)
    if as_json:
        show_json({"ok": ok, "checks": findings})
    else:
        rows = [{"check": each.check, "outcome": each.outcome, "detail": each.detail} for each in findings]
        show_table(rows, ("check", "outcome", "detail"), empty="")
    raise typer.Exit(0 if ok else 1)
