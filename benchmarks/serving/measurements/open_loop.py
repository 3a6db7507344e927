"""Latency at half of what a server can do, with arrivals that do not wait for answers.

Half of the requests per second that wrk reached with 32 connections, as a Poisson process over 64 connections.
"""

import json
import subprocess
import sys
from dataclasses import asdict
from pathlib import Path

from benchmarks.serving import wrk
from benchmarks.serving.measurements.throughput import CONNECTIONS, Throughput
from benchmarks.serving.open_loop_client import Order, Report
from benchmarks.serving.server import Server, ServerError
from benchmarks.serving.target import Target
from benchmarks.tables import Table, medians

NAME = "openloop"
_ROOT = Path(__file__).parents[3]
SHARE = 0.5
_CONNECTIONS = 64
_CAPACITY_SECONDS = 2.0


class OpenLoop:
    """Collects the rounds.

    Args:
        seconds: Length of one measurement.
        throughput: Knows what a server can do, if that was measured too.
    """

    def __init__(self, seconds: float, throughput: Throughput | None) -> None:
        self._seconds, self._throughput = seconds, throughput
        self._rounds: list[dict[tuple[str, str], dict[str, float]]] = []

    def measure(self, server: Server, target: Target) -> None:
        """Measure one target once."""
        capacity = self._throughput.latest_rate(target) if self._throughput else None
        if capacity is None:
            server.settle()
            capacity = wrk.run(target, CONNECTIONS[-1], _CAPACITY_SECONDS).requests_per_second
        report = send(target, capacity * SHARE, self._seconds, seed=len(self._rounds))
        if report.errors:
            raise ServerError(f"{target.name} answered {report.errors} of {report.sent} requests with an error")
        figures = {
            "requests/s": capacity * SHARE,
            "p50 ms": report.p50_ms,
            "p99 ms": report.p99_ms,
            "p99.9 ms": report.p999_ms,
            "requests": float(report.sent),
            "unanswered": float(report.unanswered),
            "client late, p99 ms": report.late_p99_ms,
        }
        self._rounds.append({(target.server, target.model): figures})

    def figures(self) -> dict[tuple[str, str], dict[str, float]]:
        """Medians by server and model."""
        return medians(self._rounds)

    def tables(self) -> list[Table]:
        rows = [{"server": server, "model": model, **figures} for (server, model), figures in self.figures().items()]
        title = f"Open loop, Poisson arrivals at {SHARE * 100:.0f} % of the closed loop's requests/s"
        note = "Latency counts from when a request was due. The client's own lateness is part of it."
        return [Table(NAME, title, sorted(rows, key=lambda row: (str(row["model"]), row["p99 ms"])), [note])]


def send(target: Target, rate: float, seconds: float, *, seed: int) -> Report:
    """Run the client in a process of its own."""
    order = Order(target.url, target.body, target.headers, rate, seconds, _CONNECTIONS, seed)
    command = [sys.executable, "-m", "benchmarks.serving.open_loop_client"]
    done = subprocess.run(
        command, input=json.dumps(asdict(order)), capture_output=True, text=True, check=True, cwd=_ROOT
    )
    return Report(**json.loads(done.stdout))
