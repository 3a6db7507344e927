"""`interlock endpoint retraining`: what is declared of an endpoint's retraining."""

from pathlib import Path
from typing import Annotated, Any

import typer

from interlock.cli.options import DEFAULT_HOME, AsJson, Home, Server, connect
from interlock.cli.output import show_facts, show_json
from interlock.client.yaml_file import read_mapping
from interlock.domain.errors import InvalidInputError


def retraining(
    name: Annotated[str, typer.Argument(help="The endpoint's name.")],
    file: Annotated[
        Path | None, typer.Option(help="YAML or JSON to put in its place, as in docs/retraining.md.")
    ] = None,
    off: Annotated[bool, typer.Option("--off", help="Take the declaration away.")] = False,
    server: Server = None,
    home: Home = DEFAULT_HOME,
    as_json: AsJson = False,
) -> None:
    """Show what is declared of an endpoint's retraining, or declare it: who trains, on what, and what comes then.

    Example: [bold]interlock endpoint retraining wine --file retraining.yaml[/bold]
    """
    if off and file is not None:
        raise InvalidInputError("--file and --off contradict each other; give one of them")
    document = _read(file) if file is not None else None
    with connect(server, home) as client:
        if document is not None:
            client.declare_retraining(name, document)
        if off:
            client.withdraw_retraining(name)
        found = client.retraining(name)
    if as_json:
        show_json(found)
    elif found["retraining"] is None:
        print(f"nothing is declared of {name}: nothing is retrained by itself, and a run by hand takes the defaults")
    else:
        watched = found["triggers"] or {}
        show_facts({**found["retraining"], "wanted because": watched.get("causes"), "waits": watched.get("waits")})


def _read(path: Path) -> dict[str, Any]:
    return _with_places(read_mapping(path, "like `trainer: sklearn`"), path.parent)


def _with_places(document: dict[str, Any], folder: Path) -> dict[str, Any]:
    """Paths as the file means them, from its own folder."""
    placed = dict(document)
    if isinstance(placed.get("code"), str):
        placed["code"] = str((folder / placed["code"]).resolve())
    if isinstance(placed.get("references"), dict):
        placed["references"] = {
            name: str((folder / path).resolve()) if isinstance(path, str) else path
            for name, path in placed["references"].items()
        }
    return placed
