"""The same query over one day, while the log grows: what is old must cost nothing."""

from pathlib import Path
from statistics import median

from benchmarks import apart
from benchmarks.goal import Goal
from benchmarks.log import product
from benchmarks.tables import Table
from interlock.settings import Settings

NAME = "growth"
SIZES = (1, 10, 100)
ROWS_A_DAY, LABELS_A_DAY = 100_000, 20_000
MOST_GROWTH = 1.2


class Growth:
    """Lets the log grow to 1, 10 and 100 days and asks for the last day each time.

    Args:
        scale: Share of a hundred thousand predictions a day.
        rounds: How often each size is asked, one after the other: the log only grows once.
    """

    def __init__(self, scale: float, rounds: int) -> None:
        self._rows, self._labels = round(ROWS_A_DAY * scale), round(LABELS_A_DAY * scale)
        self._asked = rounds
        self._seconds: dict[int, float] = {}

    def run(self, folder: Path) -> None:
        """All sizes; does nothing when called again."""
        if self._seconds:
            return
        settings = product.make_home(folder / "growth")
        written = 0
        for days in SIZES:
            for day in range(written, days):
                product.write_day(settings, day, rows=self._rows, labelled=self._labels)
            written = days
            self._seconds[days] = median(self._ask(settings, days) for _ in range(self._asked))

    def _ask(self, settings: Settings, days: int) -> float:
        found = apart.run(product.quality_between, settings, days - 1, 1)
        if found.result != self._labels:
            raise RuntimeError(f"{found.result} of {self._labels} labels were joined")
        return found.seconds

    def tables(self) -> list[Table]:
        first = self._seconds.get(SIZES[0])
        rows = [
            {"days in the log": days, "seconds": seconds, "of the first": seconds / first if first else None}
            for days, seconds in self._seconds.items()
        ]
        title = f"Quality of the last day, {self._rows:,} predictions and {self._labels:,} labels a day"
        return [Table(NAME, title, rows)]

    def goals(self) -> list[Goal]:
        first = self._seconds.get(SIZES[0])
        grown = max(self._seconds.values()) / first if first else None
        what = f"one day's quality, from {SIZES[0]} to {SIZES[-1]} days in the log: times as long"
        return [Goal(what, grown, MOST_GROWTH, most=True)]
