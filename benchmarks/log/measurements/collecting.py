"""What the collector gets through on one core, its memory, and what a record costs on disk afterwards."""

import shutil
from pathlib import Path

from benchmarks import apart
from benchmarks.goal import Goal
from benchmarks.log import product
from benchmarks.log.data import COLUMNS
from benchmarks.tables import Table, medians

NAME = "collecting"
LEAST_RATE, MOST_MB = 200_000, 300
_RAW_BYTES = 4 * len(COLUMNS)


class Collecting:
    """Fills a spool, then lets the collector make one pass over it.

    Args:
        records: In the spool.
    """

    def __init__(self, records: int) -> None:
        self._records = records
        self._rounds: list[dict[str, dict[str, float]]] = []

    def run(self, folder: Path) -> None:
        """One round."""
        home = folder / f"collecting-{len(self._rounds)}"
        settings = product.make_home(home)
        spooled = product.fill_spool(settings, self._records)
        found = apart.run(product.collecting, settings, one_core=True)
        if (rows := product.logged(settings)) != self._records:
            raise RuntimeError(f"{rows} of {self._records} records are in the log")
        figures = {
            "records": float(rows),
            "records/s": rows / found.seconds,
            "CPU µs a record": found.cpu_seconds / rows * 1e6,
            "memory at most, MB": found.peak_mb,
            "memory before, MB": found.before_mb,
            "spool, bytes a record": spooled / rows,
            "log, bytes a record": product.compact(settings) / rows,
            "30 float32, bytes": float(_RAW_BYTES),
        }
        self._rounds.append({"collector": figures})
        shutil.rmtree(home)

    def tables(self) -> list[Table]:
        rows = list(medians(self._rounds).values())
        notes = ["The log's bytes are those of all columns of the table after compaction, ids and outputs included."]
        return [Table(NAME, "Collector on one core: spool to Delta, profiles included", rows, notes)]

    def goals(self) -> list[Goal]:
        found = medians(self._rounds).get("collector", {})
        return [
            Goal("collector: records/s on one core", found.get("records/s"), LEAST_RATE),
            Goal("collector: memory, MB", found.get("memory at most, MB"), MOST_MB, most=True),
        ]
