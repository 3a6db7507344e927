"""Seconds from `interlock up` to its first answer: on a new home, on one that is there, with a model to load."""

import subprocess
import sys
import time
from pathlib import Path

from benchmarks.serving.peers.interlock import COMPILED, Interlock
from benchmarks.serving.server import ServerError, running
from benchmarks.serving.target import Workshop
from benchmarks.tables import Table, medians

NAME = "startup"
FIRST, AGAIN, MODEL = "new home, both ports ready", "the same home again", "a home with a model, first prediction"


class Startup:
    """Starts Interlock three times a round."""

    def __init__(self) -> None:
        self._rounds: list[dict[str, dict[str, float]]] = []

    def run(self, interlock: Interlock, shop: Workshop) -> None:
        """One round."""
        empty = shop.folder / f"empty-{len(self._rounds)}"
        found = {FIRST: _until_ready(empty), AGAIN: _until_ready(empty)}
        with running(interlock.launch(shop, COMPILED, "LR")) as server:
            found[MODEL] = server.start_seconds
        self._rounds.append({name: {"seconds": seconds} for name, seconds in found.items()})

    def figures(self) -> dict[str, float]:
        """Seconds by kind of start."""
        return {name: figures["seconds"] for name, figures in medians(self._rounds).items()}

    def tables(self) -> list[Table]:
        rows = [{"start": name, "seconds": seconds} for name, seconds in self.figures().items()]
        return [Table(NAME, "Start of `interlock up`", rows)]


def _until_ready(home: Path) -> float:
    """Start, wait for the line that says that both ports answer, stop."""
    command = [sys.executable, "-P", "-m", "interlock", "up", "--home", str(home), "--port", "0", "--control-port", "0"]
    began = time.monotonic()
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as process:
        line = process.stdout.readline() if process.stdout else ""
        seconds = time.monotonic() - began
        process.terminate()
        process.wait(60)
    if not line.startswith("ready"):
        raise ServerError(f"interlock up ended with exit code {process.returncode}")
    return seconds
