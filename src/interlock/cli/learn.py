"""`interlock learn`: online learners listed, shown, paused, set back; their lessons taught again."""

from typing import Annotated, Any

import typer

from interlock.cli.options import DEFAULT_HOME, AsJson, Home, Server, connect
from interlock.cli.output import show_facts, show_json, show_table
from interlock.cli.working import working

app = typer.Typer(name="learn", help="Online learners.", no_args_is_help=True)

Endpoint = Annotated[str, typer.Argument(help="The endpoint's name.")]


@app.command("list")
def list_learners(server: Server = None, home: Home = DEFAULT_HOME, as_json: AsJson = False) -> None:
    """List online learners.

    Example: [bold]interlock learn list[/bold]
    """
    with connect(server, home) as client:
        found = client.learners()
    if as_json:
        show_json({"learners": found})
    else:
        shown = [{**each, "learnt": each["counts"].get("learnt", 0)} for each in found]
        columns = ("endpoint", "state", "good", "learnt", "lessons", "snapshots", "sentence")
        show_table(shown, columns, empty="nothing learns online; `interlock endpoint learn ENDPOINT` declares it")


@app.command()
def status(endpoint: Endpoint, server: Server = None, home: Home = DEFAULT_HOME, as_json: AsJson = False) -> None:
    """Show a learner: labels learnt and skipped, how far behind it is, its last snapshot, what the guard says.

    Example: [bold]interlock learn status wine[/bold]
    """
    with connect(server, home) as client:
        _show(client.learner(endpoint), as_json=as_json)


@app.command()
def pause(endpoint: Endpoint, server: Server = None, home: Home = DEFAULT_HOME, as_json: AsJson = False) -> None:
    """Let a learner stop where it is. What serves goes on serving.

    Example: [bold]interlock learn pause wine[/bold]
    """
    with connect(server, home) as client:
        _show(client.pause_learner(endpoint), as_json=as_json)


@app.command()
def resume(endpoint: Endpoint, server: Server = None, home: Home = DEFAULT_HOME, as_json: AsJson = False) -> None:
    """Let a learner go on where it stopped, or from the champion if that is not its own any more.

    Example: [bold]interlock learn resume wine[/bold]
    """
    with connect(server, home) as client:
        _show(client.resume_learner(endpoint), as_json=as_json)


@app.command()
def back(
    endpoint: Endpoint,
    to: Annotated[
        str | None, typer.Option(metavar="NAME:V", help="A snapshot of its own; default: the one before its last.")
    ] = None,
    server: Server = None,
    home: Home = DEFAULT_HOME,
    as_json: AsJson = False,
) -> None:
    """Set a learner back to an earlier snapshot. If it serves, that snapshot serves at once.

    Example: [bold]interlock learn back wine --to wine:7[/bold]
    """
    with connect(server, home) as client:
        _show(client.set_learner_back(endpoint, to), as_json=as_json)


@app.command()
def replay(
    version: Annotated[str, typer.Argument(metavar="NAME:V", help="A snapshot of an online learner.")],
    pin: Annotated[
        str | None, typer.Option(metavar="ENDPOINT@PIN", help="A pin that holds its rows; default: the log as it is.")
    ] = None,
    server: Server = None,
    home: Home = DEFAULT_HOME,
    as_json: AsJson = False,
) -> None:
    """Teach a snapshot's predecessor the same labels again. Exit code 1: another model comes out.

    Example: [bold]interlock learn replay wine:7[/bold]
    """
    with connect(server, home) as client, working(f"teaching {version} again"):
        found = client.replay_snapshot(version, pin)
    if as_json:
        show_json(found)
    else:
        print(f"{version} from {found['parent']}: {found['reason']}")
    if not found["is_same"]:
        raise typer.Exit(1)


def _show(found: dict[str, Any], *, as_json: bool) -> None:
    """A learner for people, or for machines."""
    if as_json:
        show_json(found)
        return
    names = ("endpoint", "id", "state", "sentence", "good", "serves", "snapshots", "published_at", "went_back")
    counts = dict(found["counts"])
    learnt = counts.pop("learnt", 0)
    show_facts(
        {
            **{name: found[name] for name in names},
            "learnt": learnt,
            "since the last snapshot": found["lessons"],
            "behind": "unknown" if found["behind"] < 0 else str(found["behind"]),
            "not learnt": counts,
            "losses": found["losses"],
            "progressive": {name: found["progress"][name] for name in ("rows", "accuracy", "mean_loss")},
        }
    )
