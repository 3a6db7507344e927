"""What `interlock retrain --advise` shows: how fast the model grows old, and how often to retrain."""

import sys
import time
from dataclasses import dataclass
from typing import Any

import typer
from rich.console import Console
from rich.progress import Progress

from interlock.cli.output import note, show_facts, show_json, show_table
from interlock.client.client import Client

_LOOK_SECONDS = 0.5


@dataclass(frozen=True, slots=True)
class Asked:
    """What is asked for; `detach`: without waiting for the end."""

    tolerated: float
    starts: int
    detach: bool


def show_advice(connected: Client, endpoint: str, asked: Asked, *, as_json: bool) -> None:
    """Ask, wait, print. Raises typer.Exit(1) where nothing could be measured."""
    with connected as client:
        advice = client.advise(endpoint, tolerated=asked.tolerated, starts=asked.starts)
        if not asked.detach:
            advice = _watched(client, endpoint)
    if as_json:
        show_json(advice)
    else:
        _print(advice)
    if advice["state"] == "failed":
        raise typer.Exit(1)


def _watched(client: Client, endpoint: str) -> dict[str, Any]:
    """Wait for the end, with a bar on a terminal."""
    with Progress(console=Console(stderr=True), disable=not sys.stderr.isatty()) as progress:
        task = progress.add_task(endpoint, total=1.0)
        while (advice := client.advice(endpoint))["state"] == "running":
            progress.update(task, description=advice["told"], completed=advice["progress"])
            time.sleep(_LOOK_SECONDS)
        progress.update(task, description=advice["state"], completed=1.0)
    return advice


def _print(advice: dict[str, Any]) -> None:
    if advice["state"] != "done":
        note(advice["error"] or f"advice on {advice['endpoint']} is {advice['state']}: {advice['told']}")
        return
    show_facts(advice["measured"])
    show_table(advice["ages"], ["days", "excess", "comparisons"], empty="no two models met")
    columns = ["days", "excess", "lower", "upper", "gain", "machine_share", "why_not"]
    show_table(advice["intervals"], columns, empty="the log is too short for any interval")
    typer.echo(f"\n{advice['reason']}")
    if advice["proposal"] is not None:
        hours = advice["proposal"]
        sure = f"{hours['shortest_hours']:g} to {hours['longest_hours']:g}, as sure as it is"
        typer.echo(f"triggers: {{every_hours: {hours['every_hours']:g}}}   # {sure}")
