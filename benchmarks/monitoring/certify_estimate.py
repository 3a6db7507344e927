"""Whether the intervals of `interlock estimate` cover, and whether its trust means something: by simulation.

Usage: `python -m benchmarks.monitoring.certify_estimate [--runs 40] [--seed 1] [--write docs/statistics.md]`.

Every run draws a reference of 5,000 rows and current rows in ten chunks of 1,000. Coverage is measured on chunks that
are trusted before any label came; withdrawal of trust on chunks whose labels came. Widths are beside NannyML's bands
(three sampling errors to either side), where its definition is short: accuracy and ROC AUC. Exit code 1 if a promise is
broken by more than three standard errors.

References: NannyML 0.13.1, performance_estimation/confidence_based/metrics.py, sampling_error/binary_classification.py.
"""

import argparse
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from benchmarks.monitoring.cells import put_between
from interlock.comparison.estimate import estimate
from interlock.stats.cbpe import METRICS, Metric, realized

Floats = NDArray[np.float64]
Rows = dict[str, Floats]

REFERENCE, CHUNK, CHUNKS = 5_000, 1_000, 10
COVERED, TRUSTED, WITHDRAWN, WIDEST = 0.90, 0.80, 0.90, 1.5
_SIGMAS = 3
START, END = "<!-- certify_estimate: begin -->", "<!-- certify_estimate: end -->"


@dataclass
class Tally:
    """Chunks of one scenario and metric."""

    chunks: int = 0
    trusted: int = 0
    covered: int = 0
    withdrawn: int = 0
    widths: list[float] = field(default_factory=list)


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
                if (band := nannyml_band(metric, before, chunk.estimate, CHUNK)) is not None:
                    tally.widths.append((chunk.upper - chunk.lower) / band)
    return tally


def nannyml_band(metric: Metric, before: Rows, estimated: float | None, rows: int) -> float | None:
    """Width of NannyML's confidence band around an estimate, within [0, 1]; None where it is not computed here."""
    labels, scores = before["label"], before["score"]
    if metric == "accuracy":
        error = float(((scores >= 0.5) == (labels == 1)).std()) / rows**0.5
    elif metric == "roc_auc":
        rare = labels == (1 if labels.mean() <= 0.5 else 0)
        sign = 1 if labels.mean() <= 0.5 else -1
        placed = np.sort(sign * scores[~rare]).searchsorted(sign * scores[rare]) / np.count_nonzero(~rare)
        error = float(placed.std()) / (rows * float(rare.mean())) ** 0.5
    else:
        return None
    centre = 0.5 if estimated is None else estimated
    return float(min(1.0, centre + _SIGMAS * error) - max(0.0, centre - _SIGMAS * error))


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
    width = float(np.median(tally.widths)) if tally.widths else None
    if width is not None and not turns:
        checks.append(lambda: width <= WIDEST)
    kept = all(check() for check in checks)
    line = f"| {name} | {metric} | {tally.chunks} | {seed} | {trusted:.1%} | {shown} | {withdrawn:.1%} "
    line += f"| {'' if width is None else f'{width:.2f}'} |{'' if kept else ' **broken**'}"
    return line, kept


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
        "| scenario | metric | chunks | seed | trusted, no labels yet | covered, of those | not trusted, labels came "
        "| width, of NannyML's |"
    )
    text = "\n".join((head, "|---|---|---|---|---|---|---|---|", *lines))
    print(text)
    if options.write:
        put_between(options.write, START, END, text)
    sys.exit(0 if kept else 1)


if __name__ == "__main__":
    main()
