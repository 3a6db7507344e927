"""Figures of the prediction log: recording, collecting, size on disk, and the quality query.

Usage: `make bench-log`, or `python -m benchmarks.log.run`. Medians over the rounds are printed as Markdown.
"""

import argparse
import json
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

from benchmarks import document, goal, machine
from benchmarks.choice import some_of
from benchmarks.goal import Goal
from benchmarks.log.measurements import collecting, growth, querying, recording
from benchmarks.tables import Table

NAMES = (recording.NAME, collecting.NAME, querying.NAME, growth.NAME)


class Measurement(Protocol):
    """One file each in `measurements/`."""

    def run(self, folder: Path) -> None:
        """One round."""

    def tables(self) -> list[Table]:
        """Medians of the rounds."""

    def goals(self) -> list[Goal]:
        """What must be reached, beside what was measured."""


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure what was asked for, print it, and write it into the page if asked to."""
    options = _options(arguments)
    place, measurements, began = machine.describe(), _chosen(options), time.perf_counter()
    with tempfile.TemporaryDirectory(prefix="interlock-bench-", dir=options.folder) as folder:
        for number in range(options.rounds):
            for name, measurement in measurements.items():
                print(f"[{time.perf_counter() - began:.0f} s] round {number + 1}: {name}", file=sys.stderr)
                measurement.run(Path(folder))
    tables = [goal.table([one for measurement in measurements.values() for one in measurement.goals()])]
    tables += [table for measurement in measurements.values() for table in measurement.tables()]
    place["measured"] = f"{options.rounds} round{'s' if options.rounds > 1 else ''} at scale {options.scale:g}; medians"
    lines = "\n".join(f"- {name}: {value}" for name, value in place.items())
    text = "\n\n".join([lines, *(table.markdown() for table in tables)])
    if options.write:
        document.write("log", text)
    found = [{"name": table.name, "title": table.title, "rows": list(table.rows)} for table in tables]
    print(json.dumps({"machine": place, "tables": found}) if options.json else text)


def _chosen(options: argparse.Namespace) -> dict[str, Measurement]:
    scale = options.scale
    every: dict[str, Measurement] = {
        recording.NAME: recording.Recording(max(1_000, round(100_000 * scale))),
        collecting.NAME: collecting.Collecting(max(1_000, round(500_000 * scale))),
        querying.NAME: querying.Querying(scale),
        growth.NAME: growth.Growth(scale, options.rounds),
    }
    return {name: measurement for name, measurement in every.items() if name in options.only}


def _options(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", type=some_of(NAMES), default=NAMES, metavar="A,B", help=f"of {','.join(NAMES)}")
    parser.add_argument("--rounds", type=int, default=3, help="default 3")
    parser.add_argument("--scale", type=float, default=1.0, help="share of the full size, for a quick look")
    parser.add_argument("--folder", type=Path, help="where tables are made: some 5 GB at full size; default: TMPDIR")
    parser.add_argument("--json", action="store_true", help="print one JSON document")
    parser.add_argument("--write", action="store_true", help=f"replace the figures in {document.PAGE.name}")
    options = parser.parse_args(arguments)
    if options.write and (options.only != NAMES or options.scale != 1):
        parser.error("--write replaces the whole section; leave out --only and --scale")
    return options


if __name__ == "__main__":
    main()
