"""Whether the intervals of `interlock estimate` cover, and whether its trust means something: by simulation.

Usage: `python benchmarks/monitoring/certify_estimate.py [--runs 40] [--seed 1] [--write docs/statistics.md]`.

Every run draws a reference of 5,000 rows and current rows in ten chunks of 1,000. Coverage is measured on chunks that
are trusted before any label came; withdrawal of trust on chunks whose labels came. Exit code 1 if a promise is broken
by more than three standard errors.
"""

import argparse
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from interlock.comparison.estimate import estimate
from interlock.stats.cbpe import METRICS, Metric, realized

Floats = NDArray[np.float64]
Rows = dict[str, Floats]

REFERENCE, CHUNK, CHUNKS = 5_000, 1_000, 10
COVERED, TRUSTED, WITHDRAWN = 0.90, 0.80, 0.90
START, END = "<!-- certify_estimate: begin -->", "<!-- certify_estimate: end -->"


@dataclass
class Tally:
    """Chunks of one scenario and metric."""

    chunks: int = 0
    trusted: int = 0
    covered: int = 0
    withdrawn: int = 0


def rows(
    rng: np.random.Generator, size: int, *, spread: float, centre: float, overconfidence: float, turned: float
) -> Rows:
    """A feature, a score that is too sure of itself, and labels; `turned` moves the labels' relation to the score."""
    feature = rng.normal(centre, spread, size)
    logit = feature + turned
    return {
        "feature": feature,
        "score": 1 / (1 + np.exp(-overconfidence * feature)),
        "label": (rng.random(size) < 1 / (1 + np.exp(-logit))).astype(float),
    }


# Spread and centre of the reference; of the current rows; how overconfident scores are; how far labels turn.
SCENARIOS: dict[str, tuple[tuple[float, float], tuple[float, float], float, float]] = {
    "no shift, calibrated": ((1.5, -0.5), (1.5, -0.5), 1.0, 0.0),
    "no shift, overconfident": ((1.5, -0.5), (1.5, -0.5), 1.8, 0.0),
    "inputs shift, relation holds": ((1.5, -0.5), (1.2, 0.3), 1.8, 0.0),
    "few positives": ((1.0, -3.0), (1.0, -3.0), 1.0, 0.0),
    "relation turns": ((1.5, -0.5), (1.5, -0.5), 1.8, 0.6),
}


def simulate(name: str, metric: Metric, runs: int, seed: int) -> Tally:
    (spread, centre), (now_spread, now_centre), sure, turned = SCENARIOS[name]
    rng = np.random.default_rng(seed)
    tally = Tally()
    for _ in range(runs):
        before = rows(rng, REFERENCE, spread=spread, centre=centre, overconfidence=sure, turned=0.0)
        now = rows(rng, CHUNK * CHUNKS, spread=now_spread, centre=now_centre, overconfidence=sure, turned=turned)
        blind = {key: values for key, values in now.items() if key != "label"}
        unlabelled = estimate(before, blind, label="label", score="score", metric=metric, chunk_rows=CHUNK)
        labelled = estimate(before, now, label="label", score="score", metric=metric, chunk_rows=CHUNK)
        for number, (chunk, told) in enumerate(zip(unlabelled.chunks, labelled.chunks, strict=True)):
            part = slice(number * CHUNK, (number + 1) * CHUNK)
            scores, labels = now["score"][part], now["label"][part]
            truth = realized(metric, labels, scores, (scores >= 0.5).astype(float))
            tally.chunks += 1
            tally.withdrawn += not told.trusted
            if chunk.trusted and chunk.lower is not None and chunk.upper is not None and np.isfinite(truth):
                tally.trusted += 1
                tally.covered += chunk.lower <= truth <= chunk.upper
    return tally


def _holds(share: float, promised: float, size: int) -> bool:
    return bool(share >= promised - 3 * (promised * (1 - promised) / max(1, size)) ** 0.5)


def _line(name: str, metric: Metric, runs: int, seed: int) -> tuple[str, bool]:
    tally = simulate(name, metric, runs, seed)
    coverage, trusted = tally.covered / max(1, tally.trusted), tally.trusted / tally.chunks
    withdrawn = tally.withdrawn / tally.chunks
    turns = SCENARIOS[name][3] != 0
    checks: list[Callable[[], bool]] = (
        [lambda: _holds(withdrawn, WITHDRAWN, tally.chunks)]
        if turns
        else [lambda: _holds(coverage, COVERED, tally.trusted), lambda: _holds(1 - withdrawn, TRUSTED, tally.chunks)]
    )
    shown = "" if turns else f"{coverage:.1%}"
    line = f"| {name} | {metric} | {tally.chunks} | {seed} | {trusted:.1%} | {shown} | {withdrawn:.1%} |"
    return line, all(check() for check in checks)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=40)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--write", type=Path, help="put the table between the marks in this page")
    options = parser.parse_args()
    lines, kept = [], True
    for number, (name, metric) in enumerate((name, metric) for name in SCENARIOS for metric in METRICS):
        line, holds = _line(name, metric, options.runs, 1_000 * options.seed + number)
        print(line + ("" if holds else "  BROKEN"), file=sys.stderr)
        lines.append(line)
        kept = kept and holds
    head = (
        "| scenario | metric | chunks | seed | trusted, no labels yet | covered, of those | not trusted, labels came |"
    )
    text = "\n".join((head, "|---|---|---|---|---|---|---|", *lines))
    print(text)
    if options.write:
        page = options.write.read_text()
        before, rest = page.split(START)
        options.write.write_text(f"{before}{START}\n{text}\n{END}{rest.split(END)[1]}")
    sys.exit(0 if kept else 1)


if __name__ == "__main__":
    main()
