"""`interlock errors`: what wrong answers have in common, and what mending it would give."""

from typing import Annotated, Any, Literal

import typer

from interlock.cli.options import DEFAULT_HOME, AsJson, Home, Server, connect
from interlock.cli.output import note, show_facts, show_json, show_table
from interlock.cli.working import working

Endpoint = Annotated[str, typer.Argument(help="The endpoint's name.")]
Window = Annotated[str, typer.Option(help="Up to the newest event: 24h, 7d, 4w.")]
Version = Annotated[str, typer.Option(metavar="NAME:V", help="Only what this version answered.")]
Tag = Annotated[str, typer.Argument(help="A name like night.")]
Ids = Annotated[list[str], typer.Argument(metavar="PREDICTION...", help="Ids of predictions.")]
Where = Annotated[
    str, typer.Option(metavar="CONDITION", help="Like 'temp > 30 and origin = EWR', or 'wind is missing'.")
]

app = typer.Typer(name="errors", help="Wrong answers: rows, tags, slices.", no_args_is_help=True)


@app.command("list")
def list_rows(
    endpoint: Endpoint,
    window: Window = "7d",
    show: Annotated[Literal["wrong", "unsure", "labelled"], typer.Option(help="Which rows.")] = "wrong",
    below: Annotated[float, typer.Option(help="Unsure: the largest probability is under it.")] = 0.6,
    where: Where = "",
    version: Version = "",
    tag: Annotated[str, typer.Option(help="Only rows that have it.")] = "",
    limit: Annotated[int, typer.Option(min=1, max=1000, help="At most so many rows.")] = 50,
    server: Server = None,
    home: Home = DEFAULT_HOME,
    as_json: AsJson = False,
) -> None:
    """List wrong or unsure answers with their label, how sure they were, tags, and what was asked.

    Conditions are on inputs, `answer`, `label`, `score` and `version`.

    Example: [bold]interlock errors list flights --window 7d --where "origin = EWR and dep_hour > 17"[/bold]
    """
    options = {"show": show, "below": below, "where": where, "version": version, "tag": tag}
    with connect(server, home) as client, working("reading"):
        found = client.errors(endpoint, window=window, limit=limit, **options)
    if as_json:
        show_json(found)
        return
    columns = ("prediction_id", "event_at", "version", "answer", "label", "score", "error", "tags", "inputs")
    show_table(found["rows"], columns, empty="no row is like this")
    note(f"{len(found['rows'])} of {found['matching']} rows, {found['since']} to {found['until']}")


@app.command()
def tags(
    endpoint: Endpoint,
    window: Window = "7d",
    version: Version = "",
    server: Server = None,
    home: Home = DEFAULT_HOME,
    as_json: AsJson = False,
) -> None:
    """Count what tags explain: their rows, how many are wrong, their share of all errors, the gain if mended.

    Example: [bold]interlock errors tags flights --window 28d[/bold]
    """
    with connect(server, home) as client, working("counting"):
        found = client.error_tags(endpoint, window=window, version=version)
    if as_json:
        show_json(found)
        return
    show_facts({name: found[name] for name in ("since", "until", "rows", "labelled", "wrong")})
    columns = ("tag", "where", "by_hand", "rows", "wrong", "share_of_errors", "gain", "fault")
    show_table(found["tags"], columns, empty="no row of this window has a tag")


@app.command()
def tag(
    endpoint: Endpoint,
    tag: Tag,
    predictions: Ids,
    remove: Annotated[bool, typer.Option("--remove", help="Take the tag away.")] = False,
    server: Server = None,
    home: Home = DEFAULT_HOME,
    as_json: AsJson = False,
) -> None:
    """Put a tag on predictions by hand, or take it away.

    Example: [bold]interlock errors tag flights fog 019a2c4e-7d1b-7c11-b1d2-0a4e2f6c9a10[/bold]
    """
    with connect(server, home) as client:
        change = client.untag_errors if remove else client.tag_errors
        changed = change(endpoint, tag, predictions)
    if as_json:
        show_json({"endpoint": endpoint, "tag": tag, "changed": changed})
    else:
        print(f"{changed} rows changed")


@app.command()
def rule(
    endpoint: Endpoint,
    tag: Tag,
    where: Where = "",
    remove: Annotated[bool, typer.Option("--remove", help="Forget the rule of this tag.")] = False,
    server: Server = None,
    home: Home = DEFAULT_HOME,
    as_json: AsJson = False,
) -> None:
    """Tag rows by a condition, in this window and in every later one.

    Example: [bold]interlock errors rule flights evening --where "dep_hour > 17 and answer = late"[/bold]
    """
    with connect(server, home) as client:
        if remove:
            client.remove_error_rule(endpoint, tag)
            found: dict[str, Any] = {"tag": tag, "removed": True}
        else:
            found = client.put_error_rule(endpoint, tag, where)
    if as_json:
        show_json(found)
    else:
        show_facts(found)


@app.command()
def rules(endpoint: Endpoint, server: Server = None, home: Home = DEFAULT_HOME, as_json: AsJson = False) -> None:
    """List the rules that tag rows.

    Example: [bold]interlock errors rules flights[/bold]
    """
    with connect(server, home) as client:
        found = client.error_rules(endpoint)
    if as_json:
        show_json({"rules": found})
    else:
        show_table(found, ("tag", "where", "at", "by"), empty="no rules; `interlock errors rule` makes one")


@app.command()
def slices(
    endpoint: Endpoint,
    window: Window = "7d",
    version: Version = "",
    where: Where = "",
    seed: Annotated[int, typer.Option(help="Of the sample and its halves.")] = 1,
    server: Server = None,
    home: Home = DEFAULT_HOME,
    as_json: AsJson = False,
) -> None:
    """Find slices in which errors concentrate: ranges and values of one or two columns.

    They are found on one half of a sample and proven on the other, so that chance proposes nothing (5 % over all).
    Exit code 1 if there are too few labels to say anything.

    Example: [bold]interlock errors slices flights --window 28d[/bold]
    """
    with connect(server, home) as client, working("searching"):
        found = client.error_slices(endpoint, window=window, version=version, where=where, seed=seed)
    if as_json:
        show_json(found)
    elif found["reason"]:
        note(f"nothing can be said: {found['reason']}")
    else:
        columns = (
            "where", "rows", "mean_error", "rest_mean_error", "difference", "lower", "upper", "p_adjusted",
            "share_of_errors", "gain",
        )  # fmt: skip
        show_table(found["slices"], columns, empty="no slice stands out by more than chance explains")
        note(f"judged on {found['judged_on']} labelled rows that the search did not see; {found['columns']} columns")
    raise typer.Exit(1 if found["reason"] else 0)
