"""How often `interlock drift` cries wolf, and what it finds: simulation of the rule that users get, nothing mocked.

Usage: `python -m benchmarks.monitoring.certify_drift [--quick] [--runs 400] [--peer-runs 40] [--write PAGE]`.

Every run draws reference and current rows anew, so that the reference's own sampling error is part of it. A false alarm
is a run in which any column is called drifted. Beside it, on the same rows of the first runs, what Evidently and
NannyML would say of any column by their defaults. Exit code 1 if a cell breaks its promise by more than three standard
errors. Rows are independent here: two files do not say when their rows came. `certify_watch` has streams.
"""

import argparse
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from benchmarks.monitoring import peer_rules
from benchmarks.monitoring.cells import Cell, put_between
from interlock.comparison.drift import ALPHA, drift

Column = tuple[Any, Any]
Draw = Callable[[np.random.Generator, int, int], Column]

QUIET, PROMISED_POWER = 50, 0.95
START, END = "<!-- certify_drift: begin -->", "<!-- certify_drift: end -->"


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


@dataclass(frozen=True)
class Runs:
    """How many runs a cell has, in how many of them the peers are asked too, and where chance starts."""

    runs: int
    peers: int
    seed: int


def false_alarms(kind: str, rows: int, columns: int, reference: int, size: Runs) -> Cell:
    rng = np.random.default_rng(size.seed)
    draws = KINDS[kind]
    alarms, evidently, nannyml = 0, 0, 0
    for number in range(size.runs):
        drawn = {f"c{each}": draws[each % len(draws)](rng, reference, rows) for each in range(columns)}
        alarms += _compare(drawn).drifted
        if number < size.peers:
            evidently += any(peer_rules.evidently(_plain(column)) for column in drawn.values())
            nannyml += any(peer_rules.nannyml(_plain(column)) for column in drawn.values())
    peers = evidently / size.peers, nannyml / size.peers
    what = f"{kind} | {reference:,} | {rows:,} | {columns}"
    return Cell(what, size.seed, size.runs, alarms, ALPHA, at_most=True, peers=peers)


def _plain(column: Column) -> peer_rules.Column:
    before, now = (side if isinstance(side, np.ndarray) else side.indices.to_numpy() for side in column)
    return peer_rules.Column(before, now)


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
    "one level of 1,000, 5 → 8 %": (2_500, _share(1_000, 0.05, 0.08)),
}


def power(what: str, reference: int, size: Runs) -> Cell:
    """Detection of one changed column among fifty quiet ones, of which a fifth are categorical."""
    rng = np.random.default_rng(size.seed)
    rows, draw = CHANGES[what]
    quiet: list[Draw] = [number, skewed, gaps, number, levels(10)]
    found, evidently, nannyml = 0, 0, 0
    for run in range(size.runs):
        drawn = {f"c{each}": quiet[each % len(quiet)](rng, reference, rows) for each in range(QUIET)}
        drawn["changed"] = draw(rng, reference, rows)
        found += _compare(drawn).columns["changed"].drifted
        if run < size.peers:
            evidently += peer_rules.evidently(_plain(drawn["changed"]))
            nannyml += peer_rules.nannyml(_plain(drawn["changed"]))
    peers = evidently / size.peers, nannyml / size.peers
    return Cell(
        f"{what} | {reference:,} | {rows:,}", size.seed, size.runs, found, PROMISED_POWER, at_most=False, peers=peers
    )


def _compare(drawn: dict[str, Column]) -> Any:
    before, now = (pa.table({name: sides[side] for name, sides in drawn.items()}) for side in (0, 1))
    return drift(before, now)


def quiet_cells(size: Runs, *, quick: bool) -> Iterator[Cell]:
    sizes = (50, 1_000, 50_000) if quick else (50, 500, 5_000, 50_000)
    widths = (1, 20, 200)
    seed = size.seed
    for kind in KINDS:
        for reference in (1_000, 10_000):
            for rows in sizes:
                for columns in widths:
                    # Numbers of 200 columns and 50,000 rows take minutes a run and say what 20 columns say.
                    is_wide = columns > 100 and kind == "1,000 levels"
                    if rows * columns <= (200_000 if quick else 1_000_000) and not (quick and is_wide):
                        seed += 1
                        runs = max(size.peers, size.runs // 5) if columns > 100 else size.runs
                        yield false_alarms(kind, rows, columns, reference, replace(size, seed=seed, runs=runs))


def changed_cells(size: Runs) -> Iterator[Cell]:
    for number, what in enumerate(CHANGES, 1):
        yield power(what, 10_000, replace(size, seed=size.seed + number))


def _table(title: str, head: str, cells: list[Cell], peers: int) -> str:
    head = f"| {head} | runs | seed | Interlock | Evidently | NannyML |"
    lines = [
        title,
        "",
        f"The others' shares are of the first {peers} runs.",
        "",
        head,
        "|" + "---|" * (head.count("|") - 1),
    ]
    for cell in cells:
        said = "" if cell.kept else " **broken**"
        others = " | ".join(f"{share:.0%}" for share in cell.peers)
        lines.append(f"| {cell.what} | {cell.runs} | {cell.seed} | {cell.share:.2%}{said} | {others} |")
    hits, runs = sum(cell.hits for cell in cells), sum(cell.runs for cell in cells)
    lines += ["", f"All cells together: {hits:,.0f} of {runs:,} runs, {hits / runs:.2%}."]
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="leave out the largest cells")
    parser.add_argument("--runs", type=int, default=400)
    parser.add_argument("--peer-runs", type=int, default=40)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--write", type=Path, help="put the tables between the marks in this page")
    options = parser.parse_args()
    size = Runs(options.runs, min(options.peer_runs, options.runs), 1_000 * options.seed)
    quiet = [_said(cell) for cell in quiet_cells(size, quick=options.quick)]
    changed = [_said(cell) for cell in changed_cells(replace(size, seed=size.seed + 500))]
    text = "\n\n".join(
        (
            _table("Runs without drift in which any column was called drifted. Promised: at most 1 %.",
                   "columns are | reference rows | current rows | columns", quiet, size.peers),
            _table("Runs in which the changed column, among 50 quiet ones, was found. Promised: at least 95 %.",
                   "change | reference rows | current rows", changed, size.peers),
        )
    )  # fmt: skip
    print(text)
    if options.write:
        put_between(options.write, START, END, text)
    sys.exit(0 if all(cell.kept for cell in (*quiet, *changed)) else 1)


def _said(cell: Cell) -> Cell:
    broken = "" if cell.kept else "  BROKEN"
    print(f"{cell.what} | {cell.runs} | {cell.seed} | {cell.share:.2%} | {cell.peers}{broken}", file=sys.stderr)
    return cell


if __name__ == "__main__":
    main()
