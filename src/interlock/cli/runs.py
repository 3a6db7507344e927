"""`interlock run`: runs of retraining listed, shown, cancelled, tried again; what their processes said."""

from typing import Annotated, Any

import typer

from interlock.cli.options import DEFAULT_HOME, AsJson, Home, Server, connect
from interlock.cli.output import show_facts, show_json, show_table

app = typer.Typer(name="run", help="Runs of retraining.", no_args_is_help=True)

Id = Annotated[str, typer.Argument(metavar="ID", help="The run, as `run list` shows it.")]


@app.command("list")
def list_runs(
    endpoint: Annotated[str | None, typer.Argument(help="Only of this endpoint.")] = None,
    server: Server = None,
    home: Home = DEFAULT_HOME,
    as_json: AsJson = False,
) -> None:
    """List runs, newest first.

    Example: [bold]interlock run list wine[/bold]
    """
    with connect(server, home) as client:
        found = client.runs(endpoint)
    if as_json:
        show_json({"runs": found})
    else:
        columns = ("id", "state", "mode", "cause", "parent", "version", "created_at", "reason")
        show_table(found, columns, empty="no runs yet; `interlock retrain ENDPOINT` asks for one")


@app.command()
def show(id: Id, server: Server = None, home: Home = DEFAULT_HOME, as_json: AsJson = False) -> None:
    """Show a run: its state, what it learnt from, how its model was judged.

    Example: [bold]interlock run show wine-run-1[/bold]
    """
    with connect(server, home) as client:
        print_run(client.run(id), as_json=as_json)


@app.command()
def log(id: Id, server: Server = None, home: Home = DEFAULT_HOME, as_json: AsJson = False) -> None:
    """Print the last part of what a run and its trainer said.

    Example: [bold]interlock run log wine-run-1[/bold]
    """
    with connect(server, home) as client:
        said = client.run_log(id)
    if as_json:
        show_json({"id": id, "log": said})
    else:
        print(said, end="" if said.endswith("\n") or not said else "\n")


@app.command()
def cancel(id: Id, server: Server = None, home: Home = DEFAULT_HOME, as_json: AsJson = False) -> None:
    """End a run. One that works ends within a second or two.

    Example: [bold]interlock run cancel wine-run-1[/bold]
    """
    with connect(server, home) as client:
        found = client.cancel_run(id)
    if as_json:
        show_json(found)
    elif found["state"] == "cancelled" or not found["cancelled_by"]:
        print(f"{id} is {found['state']}")
    else:
        print(f"{id} will end in a moment")


@app.command()
def rerun(id: Id, server: Server = None, home: Home = DEFAULT_HOME, as_json: AsJson = False) -> None:
    """Try a run again, with its settings and the same pinned rows.

    Example: [bold]interlock run rerun wine-run-1[/bold]
    """
    with connect(server, home) as client:
        found = client.rerun(id)
    if as_json:
        show_json(found)
    else:
        print(f"{found['id']} is {found['state']}; `interlock run show {found['id']}` tells how it goes")


def print_run(found: dict[str, Any], *, as_json: bool) -> None:
    """A run for people, or for machines."""
    if as_json:
        show_json(found)
        return
    names = ("id", "state", "stage", "reason", "mode", "cause", "parent", "version", "release_id", "attempt")
    data, judgement = found["data"] or {}, found["judgement"] or {}
    learnt = {
        name: data.get(name) for name in ("pin", "training_rows", "heldout_rows", "since", "heldout_since", "until")
    }
    beside = ("loss", "candidate_loss", "champion_loss", "lower", "upper", "rows", "baselines")
    show_facts(
        {
            **{name: found[name] for name in names},
            **learnt,
            **{name: judgement.get(name) for name in beside},
            "measured": {**found["metrics"], **judgement.get("metrics", {})},
            "code": _spell_code(found["code"]),
            "tracked": found["tracked"],
        }
    )


def _spell_code(code: dict[str, Any] | None) -> str | None:
    if code is None:
        return None
    if code["commit"] is None:
        return str(code["trainer"])
    return f"{code['trainer']} at commit {code['commit'][:12]}{', with changes' if code['dirty'] else ''}"
