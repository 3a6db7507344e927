"""What `interlock drift` costs beside the least that reading both files can cost, and what a month's window costs.

Usage: `python -m benchmarks.monitoring.drift_speed [--rows 1000000] [--write]`.

Each measurement is a process of its own; processor time (user and system) of all its threads, the median of pairs, and
its largest memory. The floor is Arrow reading every column of both files once, in batches, with the sum of each numeric
one. Wall time is not given: it says more about what else the machine does.
"""

import argparse
import os
import resource
import subprocess
import sys
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from statistics import median
from time import process_time
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from benchmarks import document

_PAIRS = 3
_GROUP = 1 << 17
_LEVELS = [f"level {number}" for number in range(50)]


@dataclass(frozen=True)
class Shape:
    """Rows and columns of each file; about a third of the columns are categorical."""

    rows: int
    columns: int

    def __str__(self) -> str:
        return f"{self.rows:,} × {self.columns:,}"


@dataclass(frozen=True)
class Cost:
    """Processor seconds, and megabytes at most."""

    seconds: float
    megabytes: float


def write(path: Path, shape: Shape, seed: int) -> None:
    """A file of random rows, written in groups, so that it may be larger than memory."""
    rng = np.random.default_rng(seed)
    writer: pq.ParquetWriter | None = None
    for start in range(0, shape.rows, _GROUP):
        rows = min(_GROUP, shape.rows - start)
        part = pa.table({f"c{number}": _column(rng, number, rows) for number in range(shape.columns)})
        writer = writer or pq.ParquetWriter(path, part.schema)
        writer.write_table(part)
    if writer is not None:
        writer.close()


def _column(rng: np.random.Generator, number: int, rows: int) -> Any:
    if number % 10 < 7:
        return rng.standard_normal(rows)
    return pa.DictionaryArray.from_arrays(rng.integers(0, 50, rows).astype(np.int32), _LEVELS).cast(pa.string())


def floor(before: Path, now: Path) -> None:
    """Read both files once, column by column."""
    for path in (before, now):
        file = pq.ParquetFile(path)
        for name in file.schema_arrow.names:
            for batch in file.iter_batches(batch_size=_GROUP, columns=[name]):
                column = batch.column(0)
                pc.sum(column) if pa.types.is_floating(column.type) else pc.count(column)


def compare(before: Path, now: Path) -> None:
    """What is measured."""
    from interlock.comparison.drift import drift

    drift(before, now)


def start(before: Path, now: Path) -> None:  # noqa: ARG001 (the same arguments as the others)
    """Nothing but the imports, which the command line needs for other things too."""
    import interlock.comparison.drift  # noqa: F401


WORK: dict[str, Callable[[Path, Path], None]] = {"floor": floor, "drift": compare, "start": start}


def measure(work: str, before: Path, now: Path) -> Cost:
    """One process."""
    command = [sys.executable, "-m", "benchmarks.monitoring.drift_speed", "--work", work, str(before), str(now)]
    said = subprocess.run(command, check=True, capture_output=True, text=True, env=os.environ).stdout.split()
    return Cost(float(said[0]), float(said[1]))


def measured(shape: Shape, folder: Path) -> str:
    """One line of the table."""
    before, now = folder / "before.parquet", folder / "now.parquet"
    write(before, shape, 1)
    write(now, shape, 2)
    found: dict[str, list[Cost]] = {work: [] for work in WORK}
    for _ in range(_PAIRS):
        for work in WORK:
            found[work].append(measure(work, before, now))
    seconds = {work: median(each.seconds for each in costs) for work, costs in found.items()}
    memory = {work: max(each.megabytes for each in costs) for work, costs in found.items()}
    # Both less what starting costs: the floor's process imports Arrow and NumPy, the other's also SciPy.
    pairs = [
        (drift.seconds - begun.seconds) / bare.seconds
        for drift, begun, bare in zip(found["drift"], found["start"], found["floor"], strict=True)
    ]
    return (
        f"| {shape} | {seconds['floor']:.1f} s | {seconds['drift']:.1f} s | {seconds['start']:.1f} s "
        f"| {median(pairs):.1f} | {memory['drift']:,.0f} MB |"
    )


def window_of_a_month(features: int) -> str:
    """Milliseconds to cut and judge 30 days from profiles by the hour."""
    from interlock.monitoring.drift import DriftWindow, check_feature
    from interlock.monitoring.windows import Hours, Reference
    from interlock.stats.profile import Profile
    from interlock.stats.reference_profile import profile_reference

    rng = np.random.default_rng(3)
    names = [f"c{number}" for number in range(features)]
    reference = profile_reference({name: rng.standard_normal(5_000) for name in names}, dict.fromkeys(names, "numeric"))
    first = datetime(2026, 1, 1, tzinfo=UTC)
    blobs = []
    for number in range(30 * 24):
        hour = Profile(reference.spec)
        hour.update({name: rng.standard_normal(60) for name in names})
        blobs.append((first + timedelta(hours=number), hour.to_bytes()))
    took = []
    for _ in range(5):
        begun = process_time()
        hours = Hours.read(reference.spec, blobs)
        window = DriftWindow.cut(Reference("m:1", reference.spec, reference), hours, first, first + timedelta(days=30))
        cut = process_time()
        for bins in reference.spec.features:
            check_feature(bins, window, alpha=1e-4)
        took.append((cut - begun, process_time() - cut))
    cut_ms, judged_ms = (1_000 * median(part) for part in zip(*took, strict=True))
    size = sum(len(blob) for _, blob in blobs) / 1e6
    return (
        f"30 days of hourly profiles of {features} numeric features ({len(blobs)} profiles, {size:.1f} MB stored):\n"
        f"{cut_ms:.0f} ms to read and merge, {judged_ms:.0f} ms to judge."
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--work", nargs=3, metavar=("WORK", "REFERENCE", "CURRENT"), help="one measurement")
    parser.add_argument("--shapes", default="1000000x20,10000x2000,1000000x200,10000000x20")
    parser.add_argument("--write", action="store_true", help="put the figures into docs/benchmarks.md")
    options = parser.parse_args()
    if options.work:
        begun = process_time()
        WORK[options.work[0]](Path(options.work[1]), Path(options.work[2]))
        print(process_time() - begun, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)
        return
    lines = []
    for text in options.shapes.split(","):
        rows, columns = map(int, text.split("x"))
        with tempfile.TemporaryDirectory() as folder:
            lines.append(measured(Shape(rows, columns), Path(folder)))
        print(lines[-1], file=sys.stderr, flush=True)
    text = "\n".join((_TITLE, "", _HEAD, "|---|---|---|---|---|---|", *lines, "", window_of_a_month(100)))
    print(text)
    if options.write:
        document.write("drift", text)


_TITLE = f"""## Drift between two files

Reference and current of as many rows each, from Parquet; seven of ten columns numeric, the others of 50 levels.
Processor time, the median of {_PAIRS} runs, each a process; the ratio is of pairs, drift less its imports, to the floor
(Arrow reads every column of both files once and adds it up). `python -m benchmarks.monitoring.drift_speed`."""
_HEAD = "| rows × columns | floor | drift | of it imports | times the floor | memory at most |"


if __name__ == "__main__":
    main()
