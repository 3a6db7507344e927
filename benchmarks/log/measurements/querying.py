"""The joined quality query over 30 days: predictions with their labels, then the measures."""

import sys
from pathlib import Path

from benchmarks import apart
from benchmarks.goal import Goal
from benchmarks.log import product
from benchmarks.tables import Table, medians
from interlock.settings import Settings

NAME = "querying"
DAYS, ROWS, LABELS = 30, 10_000_000, 2_000_000
MOST_SECONDS, MOST_MB = 2.0, 1024


class Querying:
    """Writes the tables once, and asks in every round.

    Args:
        scale: Share of ten million predictions and two million labels.
    """

    def __init__(self, scale: float) -> None:
        self._rows, self._labels = round(ROWS * scale / DAYS), round(LABELS * scale / DAYS)
        self._home: Path | None = None
        self._rounds: list[dict[str, dict[str, float]]] = []

    def run(self, folder: Path) -> None:
        """One round."""
        if self._home is None:
            self._home = folder / "querying"
            settings = product.make_home(self._home)
            print(f"writing {DAYS} days of {self._rows:,} predictions ...", file=sys.stderr)
            for day in range(DAYS):
                product.write_day(settings, day, rows=self._rows, labelled=self._labels)
        settings = Settings(home=self._home)
        found = apart.run(product.quality_between, settings, 0, DAYS)
        if found.result != DAYS * self._labels:
            raise RuntimeError(f"{found.result} of {DAYS * self._labels} labels were joined")
        figures = {
            "predictions": float(DAYS * self._rows),
            "labels": float(found.result),
            "seconds": found.seconds,
            "CPU seconds": found.cpu_seconds,
            "memory at most, MB": found.peak_mb,
        }
        self._rounds.append({"query": figures})

    def tables(self) -> list[Table]:
        return [Table(NAME, f"Quality over {DAYS} days, joined with labels", list(medians(self._rounds).values()))]

    def goals(self) -> list[Goal]:
        found = medians(self._rounds).get("query", {})
        if DAYS * self._labels < LABELS - DAYS:  # a part of the rows says nothing about all of them
            found = {}
        return [
            Goal("joined quality query: seconds", found.get("seconds"), MOST_SECONDS, most=True),
            Goal("joined quality query: memory, MB", found.get("memory at most, MB"), MOST_MB, most=True),
        ]
