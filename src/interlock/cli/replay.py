"""`interlock replay`: what a candidate would have answered, before any caller meets it."""

import time
from typing import Annotated, Any

import typer

from interlock.cli.options import DEFAULT_HOME, AsJson, At, Home, Server, connect, time_of
from interlock.cli.output import note, show_facts, show_json, show_table
from interlock.cli.progress import bar
from interlock.client.client import Client
from interlock.domain.names import split_ref

_LOOK_SECONDS = 0.3
_EXAMPLES = 5


def replay(
    endpoint: Annotated[str, typer.Argument(help="The endpoint's name.")],
    candidate: Annotated[str, typer.Option(metavar="NAME:V", help="The version that shall score the past.")],
    since: At = None,
    until: At = None,
    limit: Annotated[
        int | None, typer.Option(min=1, help="At most so many rows, chosen evenly over the time. Default: all.")
    ] = None,
    fresh: Annotated[bool, typer.Option(help="First commit what waits in the spool.")] = True,
    server: Server = None,
    home: Home = DEFAULT_HOME,
    as_json: AsJson = False,
) -> None:
    """Let a candidate score logged requests, and compare it with the champion on the same rows: agreement, outputs,
    quality where labels are known, the slices that change most, rows that fail or that its contract refuses.

    No caller waits for it, and none sees its answers. Ctrl-C cancels it. Exit code 1 if it failed or was cancelled.

    Example: [bold]interlock replay wine --candidate wine:2 --since 2026-03-01 --until 2026-03-08[/bold]
    """
    split_ref(candidate)
    range_ = {"since": time_of("since", since), "until": time_of("until", until)}
    with connect(server, home) as client:
        started = client.start_replay(endpoint, candidate, **range_, limit=limit, fresh=fresh)
        try:
            found = _watched(client, started)
        except KeyboardInterrupt:
            client.cancel_replay(endpoint, started["id"])
            note(f"replay {started['id']} is being cancelled")
            raise
    if as_json:
        show_json(found)
    else:
        _tell(found)
    raise typer.Exit(0 if found["state"] == "done" else 1)


def _watched(client: Client, found: dict[str, Any]) -> dict[str, Any]:
    with bar() as show:
        while found["state"] == "running":
            show(found["done"], found["total"] or 1)
            time.sleep(_LOOK_SECONDS)
            found = client.replay(found["endpoint"], found["id"])
        show(found["done"], found["total"] or 1)
    return found


def _tell(found: dict[str, Any]) -> None:
    facts = {name: found[name] for name in ("id", "endpoint", "candidate", "champion", "state")}
    report = found["report"]
    if report is None:
        show_facts({**facts, "error": found["error"]})
        return
    rows = {name: report[name]["rows"] for name in ("failed", "refused", "withheld")}
    show_facts({**facts, "rows": report["rows"], "scored": report["scored"], **rows, **_compared(report)})
    _tell_outputs(report["outputs"])
    _tell_slices(report["slices"])
    _tell_rows(report)
    for sentence in report["notes"]:
        note(sentence)


def _compared(report: dict[str, Any]) -> dict[str, Any]:
    agreement, quality = report["agreement"], report["quality"]
    if report["not_compared"]:
        return {"not_compared": report["not_compared"]}
    facts = {
        "compared": agreement["rows"],
        "same_answer": agreement["same_share"],
        "mean_change": agreement["mean_change"],
        "largest_change": agreement["largest_change"],
        "quality": quality["reason"] if quality else "no labels of these rows",
    }
    if quality and quality["lower"] is not None:
        facts["difference"] = (
            f"{quality['difference']:+.4g} (between {quality['lower']:+.4g} and {quality['upper']:+.4g}), "
            f"{quality['coverage']:.0%} of the rows have a label"
        )
    return facts


def _tell_outputs(outputs: list[dict[str, Any]]) -> None:
    if outputs:
        print("\noutputs: share of rows that moved")
        show_table(outputs, ("output", "total_variation", "champion_mean", "candidate_mean"), empty="")


def _tell_slices(slices: list[dict[str, Any]]) -> None:
    if slices:
        print("\nslices that change most")
        columns = (
            "column", "value", "rows", "mean_change", "champion_mean", "candidate_mean", "labelled",
            "champion_loss", "candidate_loss",
        )  # fmt: skip
        show_table(slices, columns, empty="")


def _tell_rows(report: dict[str, Any]) -> None:
    for kind in ("failed", "refused", "withheld"):
        rows = report[kind]
        if rows["rows"]:
            print(f"\n{kind}: {rows['rows']} rows")
            reasons = [{"rows": count, "reason": reason} for reason, count in rows["reasons"].items()]
            show_table(reasons[:_EXAMPLES], ("rows", "reason"), empty="")
            show_table(rows["examples"][:_EXAMPLES], ("prediction_id", "status", "error"), empty="")
