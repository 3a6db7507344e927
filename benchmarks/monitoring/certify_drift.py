"""How often `interlock drift` cries wolf, and what it finds: simulation of the rule that users get, nothing mocked.

Usage: `python benchmarks/monitoring/certify_drift.py [--quick] [--runs 400] [--seed 1] [--write docs/statistics.md]`.

Every run draws reference and current rows anew, so that the reference's own sampling error is part of it. A false alarm
is a run in which any column is called drifted. Exit code 1 if a cell breaks its promise by more than three standard
errors.
"""

import argparse
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from interlock.comparison.drift import ALPHA, drift

Column = tuple[Any, Any]
Draw = Callable[[np.random.Generator, int, int], Column]

QUIET, PROMISED_POWER = 50, 0.95
START, END = "<!-- certify_drift: begin -->", "<!-- certify_drift: end -->"


@dataclass(frozen=True)
class Cell:
    """One line of a table: in how many of the runs something happened, and what was promised."""

    what: str
    seed: int
    runs: int
    hits: int
    promised: float
    at_most: bool

    @property
    def share(self) -> float:
        return self.hits / self.runs

    @property
    def kept(self) -> bool:
        """Whether the promise holds within three standard errors of this many runs."""
        noise = 3 * (self.promised * (1 - self.promised) / self.runs) ** 0.5
        return bool(self.share <= self.promised + noise if self.at_most else self.share >= self.promised - noise)


def number(rng: np.random.Generator, before: int, now: int) -> Column:
    return rng.standard_normal(before), rng.standard_normal(now)


def skewed(rng: np.random.Generator, before: int, now: int) -> Column:
    return rng.lognormal(size=before), rng.lognormal(size=now)


def gaps(rng: np.random.Generator, before: int, now: int) -> Column:
    sides = [rng.poisson(4, rows).astype(float) for rows in (before, now)]
    for side in sides:
        side[rng.random(len(side)) < 0.03] = np.nan
    return sides[0], sides[1]


def levels(count: int, *, zipf: bool = False) -> Draw:
    """Columns of so many levels, equally frequent or as words are."""
    names = pa.array([f"level {each}" for each in range(count)])
    shares = 1 / np.arange(1, count + 1) if zipf else np.ones(count)

    def draw(rng: np.random.Generator, before: int, now: int) -> Column:
        places = [rng.choice(count, rows, p=shares / shares.sum()).astype(np.int32) for rows in (before, now)]
        return pa.DictionaryArray.from_arrays(places[0], names), pa.DictionaryArray.from_arrays(places[1], names)

    return draw


KINDS: dict[str, list[Draw]] = {
    "numeric": [number, skewed, gaps],
    "2 levels": [levels(2)],
    "20 levels": [levels(20), levels(20, zipf=True)],
    "1,000 levels": [levels(1_000), levels(1_000, zipf=True)],
}


def false_alarms(kind: str, rows: int, columns: int, reference: int, runs: int, seed: int) -> Cell:
    rng = np.random.default_rng(seed)
    draws = KINDS[kind]
    alarms = 0
    for _ in range(runs):
        drawn = {f"c{each}": draws[each % len(draws)](rng, reference, rows) for each in range(columns)}
        alarms += _compare(drawn).drifted
    return Cell(f"{kind} | {reference:,} | {rows:,} | {columns}", seed, runs, alarms, ALPHA, at_most=True)


def _mean(rng: np.random.Generator, before: int, now: int) -> Column:
    return rng.standard_normal(before), rng.standard_normal(now) + 0.25


def _variance(rng: np.random.Generator, before: int, now: int) -> Column:
    return rng.standard_normal(before), rng.standard_normal(now) * 1.5**0.5


def _missing(rng: np.random.Generator, before: int, now: int) -> Column:
    column = rng.standard_normal(now)
    column[rng.random(now) < 0.05] = np.nan
    return rng.standard_normal(before), column


def _share(count: int, was: float, is_now: float) -> Draw:
    """One level of so many goes from one share to another; the others share the rest equally."""
    names = pa.array([f"level {each}" for each in range(count)])

    def draw(rng: np.random.Generator, before: int, now: int) -> Column:
        sides = []
        for rows, share in ((before, was), (now, is_now)):
            places = np.where(rng.random(rows) < share, 0, rng.integers(1, count, rows)).astype(np.int32)
            sides.append(pa.DictionaryArray.from_arrays(places, names))
        return sides[0], sides[1]

    return draw


CHANGES: dict[str, tuple[int, Draw]] = {
    "mean moves by 0.25 σ": (1_000, _mean),
    "variance × 1.5": (1_000, _variance),
    "missing 0 → 5 %": (1_000, _missing),
    "one class of 3, 5 → 10 %": (1_000, _share(3, 0.05, 0.10)),
    "one class of 5, 5 → 10 %": (1_000, _share(5, 0.05, 0.10)),
    "one class of 10, 5 → 10 %": (1_000, _share(10, 0.05, 0.10)),
    "one level of 1,000, 0 → 20 %": (1_000, _share(1_000, 0.0, 0.20)),
    "one class of 10, 5 → 8 %": (2_500, _share(10, 0.05, 0.08)),
}


def power(what: str, reference: int, runs: int, seed: int) -> Cell:
    """Detection of one changed column among fifty quiet ones, of which a fifth are categorical."""
    rng = np.random.default_rng(seed)
    rows, draw = CHANGES[what]
    quiet: list[Draw] = [number, skewed, gaps, number, levels(10)]
    found = 0
    for _ in range(runs):
        drawn = {f"c{each}": quiet[each % len(quiet)](rng, reference, rows) for each in range(QUIET)}
        drawn["changed"] = draw(rng, reference, rows)
        found += _compare(drawn).columns["changed"].drifted
    return Cell(f"{what} | {reference:,} | {rows:,}", seed, runs, found, PROMISED_POWER, at_most=False)


def _compare(drawn: dict[str, Column]) -> Any:
    before, now = (pa.table({name: sides[side] for name, sides in drawn.items()}) for side in (0, 1))
    return drift(before, now)


def quiet_cells(runs: int, seed: int, *, quick: bool) -> Iterator[Cell]:
    sizes = (50, 1_000) if quick else (50, 500, 5_000, 50_000)
    widths = (10,) if quick else (1, 20, 200)
    for kind in KINDS:
        for reference in (10_000,) if quick else (1_000, 10_000):
            for rows in sizes:
                for columns in widths:
                    # Numbers of 200 columns and 50,000 rows take minutes a run and say what 20 columns say.
                    if rows * columns <= 1_000_000:
                        seed += 1
                        yield false_alarms(kind, rows, columns, reference, runs, seed)


def changed_cells(runs: int, seed: int) -> Iterator[Cell]:
    for what in CHANGES:
        seed += 1
        yield power(what, 10_000, runs, seed)


def _table(title: str, head: str, cells: list[Cell]) -> str:
    lines = [f"### {title}", "", f"| {head} | runs | seed | share |", "|" + "---|" * (head.count("|") + 4)]
    lines += [f"| {cell.what} | {cell.runs} | {cell.seed} | {cell.share:.2%} |" for cell in cells]
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="a few cells, as the test suite runs them")
    parser.add_argument("--runs", type=int, default=400)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--write", type=Path, help="put the tables between the marks in this page")
    options = parser.parse_args()
    quiet = [_said(cell) for cell in quiet_cells(options.runs, 1_000 * options.seed, quick=options.quick)]
    changed = [_said(cell) for cell in changed_cells(options.runs, 1_000 * options.seed + 500)]
    text = "\n\n".join(
        (
            _table("Runs without drift in which any column was called drifted (at most 1 %)",
                   "columns are | reference rows | current rows | columns", quiet),
            _table("Runs in which the changed column, among 50 quiet ones, was found (at least 95 %)",
                   "change | reference rows | current rows", changed),
        )
    )  # fmt: skip
    print(text)
    if options.write:
        page = options.write.read_text()
        before, rest = page.split(START)
        options.write.write_text(f"{before}{START}\n{text}\n{END}{rest.split(END)[1]}")
    sys.exit(0 if all(cell.kept for cell in (*quiet, *changed)) else 1)


def _said(cell: Cell) -> Cell:
    print(
        f"{cell.what} | {cell.runs} | {cell.seed} | {cell.share:.2%}{'' if cell.kept else '  BROKEN'}", file=sys.stderr
    )
    return cell


if __name__ == "__main__":
    main()
