"""`interlock demo`: the whole story on real data."""

from pathlib import Path
from typing import Annotated, Literal

import typer

from interlock.cli.options import AsJson
from interlock.cli.output import show_json


def demo(
    home: Annotated[Path | None, typer.Option(help="Where it lives; default: a fresh temporary folder.")] = None,
    port: Annotated[int, typer.Option(help="Gateway port; 0 lets the system choose.", min=0, max=65535)] = 0,
    control_port: Annotated[int, typer.Option(help="Control port; 0 lets the system choose.", min=0, max=65535)] = 0,
    speed: Annotated[
        float | None, typer.Option(help="Times faster than life; default: April to December in about 100 seconds.")
    ] = None,
    seed: Annotated[int, typer.Option(help="Of everything random.")] = 0,
    bad: Annotated[
        Literal["missing", "timezone", "unit", "none"], typer.Option(help="The mistake in the third version.")
    ] = "missing",
    retrains: Annotated[
        bool,
        typer.Option("--retrain/--no-retrain", help="Whether it is declared what to do when the world changes."),
    ] = True,
    once: Annotated[bool, typer.Option("--once", help="End with a summary instead of staying up.")] = False,
    as_json: AsJson = False,
) -> None:
    """Flights of New York 2013: serve a model, release a better one, stop a bad one, see drift, retrain.

    Example: [bold]interlock demo --once --bad timezone[/bold]
    """
    from interlock.demo.story import run  # trains models: only this command pays for the imports

    summary = run(
        home=home,
        port=port,
        control_port=control_port,
        speed=speed,
        seed=seed,
        bad=bad,
        retrains=retrains,
        once=once,
        as_json=as_json,
    )
    if as_json:
        show_json(summary)
