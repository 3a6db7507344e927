"""`interlock retrain`: ask for a run, and watch it."""

import sys
import time
from typing import Annotated, Any, cast

import typer
from rich.console import Console
from rich.progress import Progress

from interlock.cli.advice import Asked, show_advice
from interlock.cli.options import DEFAULT_HOME, AsJson, Home, Server, connect
from interlock.cli.output import note
from interlock.cli.runs import print_run
from interlock.client.client import Client
from interlock.domain.errors import InvalidInputError
from interlock.domain.retraining import Mode
from interlock.domain.run import ENDED, GAVE_A_VERSION

_LOOK_SECONDS = 0.5


def retrain(
    endpoint: Annotated[str, typer.Argument(help="The endpoint's name.")],
    mode: Annotated[Mode | None, typer.Option(help="In place of what is declared; scratch by default.")] = None,
    no_release: Annotated[bool, typer.Option("--no-release", help="Register a version that passes, and stop.")] = False,
    detach: Annotated[bool, typer.Option("--detach", help="Do not wait for the end.")] = False,
    advise: Annotated[
        bool, typer.Option("--advise", help="Train nothing to keep: measure how often to retrain, and propose it.")
    ] = False,
    tolerated: Annotated[
        float, typer.Option(help="With --advise: share of the loss that may be lost between two runs.")
    ] = 0.01,
    starts: Annotated[int, typer.Option(help="With --advise: models taught up to different days.")] = 6,
    server: Server = None,
    home: Home = DEFAULT_HOME,
    as_json: AsJson = False,
) -> None:
    """Make the next version from what the log and its labels say now, and release it if it is not worse.

    Exit code 1: there is no new version (with --advise: nothing could be measured). Ctrl-C stops waiting, not the run.

    Example: [bold]interlock retrain wine --mode scratch[/bold]
    """
    if advise:
        if mode is not None or no_release:
            raise InvalidInputError("--mode and --no-release are of a run; leave them out with --advise")
        show_advice(connect(server, home), endpoint, Asked(tolerated, starts, detach), as_json=as_json)
        return
    with connect(server, home) as client:
        run = client.retrain(endpoint, mode=mode, release=not no_release)
        if not detach:
            run = _watched(client, run["id"])
    print_run(run, as_json=as_json)
    if not detach and run["state"] not in GAVE_A_VERSION:
        raise typer.Exit(1)


def _watched(client: Client, id: str) -> dict[str, Any]:
    """Wait for the end of a run, with a bar on a terminal."""
    with Progress(console=Console(stderr=True), disable=not sys.stderr.isatty()) as progress:
        task = progress.add_task(id, total=1.0)
        try:
            while (run := client.run(id))["state"] not in ENDED:
                said = run["told"] or run["stage"] or run["state"]
                progress.update(task, description=f"{id}: {said}", completed=cast(float, run["progress"] or 0.0))
                time.sleep(_LOOK_SECONDS)
            progress.update(task, description=f"{id}: {run['state']}", completed=1.0)
        except KeyboardInterrupt:
            note(f"{id} goes on; `interlock run show {id}` tells how it went, `interlock run cancel {id}` ends it")
            raise
    return run
