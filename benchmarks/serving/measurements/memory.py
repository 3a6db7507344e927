"""Memory of every process of `interlock up` when nothing is asked: an empty home, one model, twenty models.

Proportional set size: what processes share is counted once, divided among them.
"""

import time
from pathlib import Path

import numpy as np
import skops.io
from sklearn.datasets import load_breast_cancer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from benchmarks.serving.home import Home, Served, launch_home, make_home
from benchmarks.serving.measurements.throughput import by_process
from benchmarks.serving.server import ask, running
from benchmarks.serving.target import Workshop
from benchmarks.tables import Table, medians

NAME = "memory"
WHOLE, WORKER = "the whole", "gw0"
ONE, TWENTY = "one model", "20 models"
_MODELS = {ONE: 1, TWENTY: 20}
# The controller's first looks and the collector's first report are over by then.
_SETTLE_SECONDS = 8.0


class Memory:
    """Starts Interlock on homes with more and more models."""

    def __init__(self) -> None:
        self._homes: dict[str, Home] = {}
        self._rounds: list[dict[str, dict[str, float]]] = []

    def prepare(self, shop: Workshop) -> None:
        """Make the homes, once."""
        for name, count in _MODELS.items():
            folder = shop.folder / f"memory-{count}"
            folder.mkdir(parents=True)
            self._homes[name] = make_home(folder / "template", shop.data, _models(folder, count))

    def run(self, shop: Workshop) -> None:
        """One round."""
        for name, home in self._homes.items():
            copy = home.copy(shop.folder / "home")
            targets = [("Interlock", "LR", endpoint) for endpoint in copy.endpoints]
            with running(launch_home(copy, targets, shop.data)) as server:
                for target in server.targets:
                    ask(target)
                time.sleep(_SETTLE_SECONDS)
                found = dict(by_process(server, server.pss_mb()))
                self._rounds.append({name: {**found, WHOLE: sum(found.values())}})

    def figures(self) -> dict[str, dict[str, float]]:
        """Megabytes by home and process."""
        return medians(self._rounds)

    def tables(self) -> list[Table]:
        found = self.figures()
        processes = dict.fromkeys(process for figures in found.values() for process in figures if process != WHOLE)
        rows = [
            {"process": process, **{f"{name}, MB": figures.get(process) for name, figures in found.items()}}
            for process in (*processes, WHOLE)
        ]
        return [Table(NAME, "Memory of an idle `interlock up` (PSS)", rows)]


def _models(folder: Path, count: int) -> list[Served]:
    found = load_breast_cancer()
    served = []
    for number in range(count):
        rows = np.random.default_rng(number).permutation(400)[:380]
        model = make_pipeline(StandardScaler(), LogisticRegression()).fit(found.data[rows], found.target[rows])
        path = folder / f"lr{number}.skops"
        skops.io.dump(model, path)
        served.append(Served(f"lr{number}", path, canary=False))
    return served
