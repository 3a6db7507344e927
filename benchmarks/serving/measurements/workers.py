"""A second gateway worker on the same machine, and what limits it."""

import os
from collections.abc import Mapping

from benchmarks.serving import wrk
from benchmarks.serving.measurements.throughput import CONNECTIONS, RATE, by_process
from benchmarks.serving.models import MODELS
from benchmarks.serving.peers.interlock import COMPILED, Interlock
from benchmarks.serving.server import Server, running
from benchmarks.serving.target import Workshop
from benchmarks.tables import Table, medians, ratio

NAME = "workers"
_COUNTS = (1, 2)
_LOAD = "load generator"


class Workers:
    """Starts Interlock with one worker and with two, in turn.

    Args:
        seconds: Length of one measurement.
    """

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._rounds: list[dict[tuple[str, int], dict[str, float]]] = []

    def run(self, interlock: Interlock, shop: Workshop) -> None:
        """One round."""
        for model in MODELS:
            for count in _COUNTS:
                with running(interlock.launch(shop, COMPILED, model, workers=count)) as server:
                    self._rounds.append({(model, count): self._measure(server)})

    def _measure(self, server: Server) -> dict[str, float]:
        server.settle()
        wrk.run(server.targets[0], CONNECTIONS[-1], 1)
        before = server.cpu_seconds()
        load = wrk.run(server.targets[0], CONNECTIONS[-1], self._seconds)
        used = {pid: seconds - before.get(pid, 0.0) for pid, seconds in server.cpu_seconds().items()}
        cores = {name: seconds / load.seconds for name, seconds in by_process(server, used).items()}
        return {
            RATE: load.requests_per_second,
            "p50 ms": load.p50_ms,
            "p99 ms": load.p99_ms,
            "gateway workers": sum(value for name, value in cores.items() if name.startswith("gw")),
            _LOAD: load.cpu_seconds / load.seconds,
            "everything else": sum(value for name, value in cores.items() if not name.startswith("gw")),
        }

    def tables(self) -> list[Table]:
        found = medians(self._rounds)
        rows = [
            {
                "model": model,
                "workers": count,
                RATE: figures[RATE],
                "of one worker": ratio(figures[RATE], found.get((model, _COUNTS[0]), {}).get(RATE)),
                **{name: value for name, value in figures.items() if name != RATE},
            }
            for (model, count), figures in sorted(found.items())
        ]
        title = f"Gateway workers, {CONNECTIONS[-1]} connections"
        notes = ["The last three columns are in cores.", *(limit(row, os.cpu_count() or 1) for row in rows)]
        return [Table(NAME, title, rows, notes)]


def limit(row: Mapping[str, object], cores: int) -> str:
    """What keeps a run from being faster, from the cores that each side used.

    Examples:
        >>> row = {"model": "LR", "workers": 1, "gateway workers": 0.97, "load generator": 0.3, "everything else": 0.1}
        >>> limit(row, 2)
        'LR, 1 worker: the worker uses its one core fully.'
        >>> limit({**row, "workers": 2, "gateway workers": 1.4, "load generator": 0.4}, 2)
        'LR, 2 workers: all 2 cores are busy, 20 % of them with the load generator.'
    """
    workers, load, rest = (float(str(row[name])) for name in ("gateway workers", _LOAD, "everything else"))
    count, busy = int(str(row["workers"])), workers + load + rest
    subject = f"{row['model']}, {count} worker{'s' if count > 1 else ''}"
    if busy >= 0.9 * cores:
        return f"{subject}: all {cores} cores are busy, {load / cores:.0%} of them with the load generator.".replace(
            "%", " %"
        )
    if workers >= 0.9 * count:
        return f"{subject}: the worker{'s use their cores' if count > 1 else ' uses its one core'} fully."
    return f"{subject}: {busy:.1f} of {cores} cores are busy; what else ran on the machine limits it, or waiting does."
