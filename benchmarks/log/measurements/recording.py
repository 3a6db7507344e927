"""Cost of recording one prediction of 30 numbers before its answer leaves: make, encode, append."""

import time
from functools import partial
from pathlib import Path

import numpy as np

from benchmarks import apart
from benchmarks.goal import Goal
from benchmarks.log.data import make
from benchmarks.log.product import Recorder, batches, make_home
from benchmarks.tables import Table, medians

NAME = "recording"
MOST_US = 6.0


class Recording:
    """Times every record by itself.

    Args:
        records: How many with durability `process`; `disk` gets a hundredth of them.
    """

    def __init__(self, records: int) -> None:
        self._records = {"process": records, "disk": max(50, records // 100)}
        self._rounds: list[dict[str, dict[str, float]]] = []

    def run(self, folder: Path) -> None:
        """One round."""
        for durability, records in self._records.items():
            home = folder / f"{durability}-{len(self._rounds)}"
            found = apart.run(partial, _time, home, records, durability == "disk")
            self._rounds.append({durability: found.result})

    def tables(self) -> list[Table]:
        rows = [{"durability": name, **figures} for name, figures in medians(self._rounds).items()]
        return [Table(NAME, "Recording one prediction of 30 numbers, on the answer's path", rows)]

    def goals(self) -> list[Goal]:
        found = medians(self._rounds).get("process", {})
        return [Goal("recording one prediction, `process`: p50 µs", found.get("p50 µs"), MOST_US, most=True)]


def _time(folder: Path, records: int, sync: bool) -> dict[str, float]:
    settings = make_home(folder)
    taken = []
    with Recorder(settings, sync=sync) as recorder:
        for number, batch in enumerate(batches(make(records, seed=1), (1,), seed=1)):
            began = time.perf_counter_ns()
            recorder.record(batch)
            taken.append(time.perf_counter_ns() - began)
            if number % 1_000 == 0:
                recorder.seal()
    p50, p99 = np.quantile(taken[len(taken) // 10 :], [0.5, 0.99]) / 1e3
    return {"p50 µs": float(p50), "p99 µs": float(p99)}
