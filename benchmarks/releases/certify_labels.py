"""How many labels it takes to see that a candidate is worse: on the same rows, and in two groups of callers.

Usage: `python -m benchmarks.releases.certify_labels [--quick] [--runs 1000] [--seed 1] [--write docs/statistics.md]`.

Harm of .01 Brier, and of 2 points of accuracy, at a share of 1 %, with labels that come hours late. Paired: the
product's gate on quality, which reads rows that both versions scored. Unpaired: the product's comparison of means of an
A/B test (`stats.mean_difference`), which reads what each caller was answered. Both at the level of one gate, looked at
whenever there are a tenth more labels. Exit code 1 if a level is broken by more than three standard errors, or if the
paired gate takes more than a twentieth of the labels.
"""

import sys
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from benchmarks.releases import certificate
from benchmarks.releases.certify_quality import ALPHA, PLAN, ask
from benchmarks.releases.labelled_streams import (
    BINARY,
    HOUR,
    LABEL_ONLY,
    SHARE,
    Tuned,
    answer,
    hours_late,
    paired_table,
)
from interlock.domain.contract import Contract
from interlock.stats import mean_difference
from interlock.stats.mean_difference import Group, Stratum

MOST_PAIRED, MOST_UNPAIRED = 40_000, 2_500_000
PER_HOUR = 1000

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Metric:
    """What is compared: by which loss, and how much worse counts as harm."""

    name: str
    contract: Contract
    zero_one: bool
    harm: float


METRICS = (
    Metric(".01 Brier", BINARY, False, 0.01),
    Metric("2 points of accuracy", LABEL_ONLY, True, 0.02),
)


@dataclass(frozen=True)
class Found:
    """Share of runs that saw harm, and the median of labels that had come then."""

    share: float
    labels: float


def paired(rng: np.random.Generator, metric: Metric, noise: float) -> int:
    """Labels of rows that both versions scored when the gate said harm; 0 for never."""
    rows = answer(rng, MOST_PAIRED, MOST_PAIRED / PER_HOUR * HOUR, noise)
    delay = hours_late(rng, rows)
    for hour in _looks(1, MOST_PAIRED // PER_HOUR):
        gate = ask(paired_table(rows, delay, hour * HOUR, 18.4 * HOUR), metric.contract)
        if gate.outcome == "breach":
            return gate.counts["challenger"]
    return 0


def unpaired(rng: np.random.Generator, metric: Metric, noise: float) -> int:
    """Labels of both groups when the bounds of their difference left zero; 0 for never."""
    counts = np.zeros((2, 3))  # of each side: units, sum and sum of squares of losses
    seen = 0
    for until in _looks(5000, MOST_UNPAIRED):
        rows = answer(rng, int(until) - seen, 1.0, noise)
        seen = int(until)
        said = np.where(rows.by_challenger, rows.challenger, rows.champion)
        losses = ((said >= 0.5) - rows.label) ** 2.0 if metric.zero_one else (said - rows.label) ** 2
        for side in (0, 1):
            mine = losses[rows.by_challenger == bool(side)]
            counts[side] += (len(mine), mine.sum(), mine @ mine)
        result = mean_difference.analyze([Stratum(*(_group(each, metric) for each in counts))], alpha=ALPHA)
        if result.lower > 0:
            return seen
    return 0


def _group(counts: Floats, metric: Metric) -> Group:
    units, total, squares = counts
    variance = (squares - total * total / units) / (units - 1)
    return Group(int(units), total / units, variance, int(min(total, units - total)) if metric.zero_one else int(units))


def _looks(first: int, last: int) -> list[int]:
    """A tenth more each time."""
    found = [float(first)]
    while found[-1] < last:
        found.append(min(float(last), max(found[-1] + 1, found[-1] * 1.1)))
    return [round(each) for each in found]


def simulate(
    ask_one: Callable[[np.random.Generator, Metric, float], int], metric: Metric, noise: float, runs: int, seed: int
) -> Found:
    """Many releases."""
    rng = np.random.default_rng(seed)
    ends = np.array([ask_one(rng, metric, noise) for _ in range(runs)])
    return Found(float((ends > 0).mean()), float(np.median(ends[ends > 0])) if (ends > 0).any() else float("nan"))


def main() -> None:
    """Simulate, print, and write into the page if asked to."""
    options = certificate.options(__doc__, runs=1000, quick=20)
    lines, kept = [], True
    for number, metric in enumerate(METRICS):
        tuned = Tuned(zero_one=metric.zero_one)
        harm, none = tuned.noise(metric.harm), tuned.noise(0.0)
        seed = options.seed + 10 * number
        found = {}
        for at, (name, one) in enumerate((("paired", paired), ("unpaired", unpaired))):
            seen, false = (
                simulate(one, metric, noise, options.runs, seed + 2 * at + which)
                for which, noise in enumerate((harm, none))
            )
            found[name] = seen
            said = certificate.told(false.share, ALPHA, options.runs)
            kept &= "broken" not in said
            ratio = "" if name == "paired" else f"{seen.labels / found['paired'].labels:,.0f}"
            told = (f"{seen.share:.0%}", f"{seen.labels:,.0f}", ratio, said)
            lines.append([metric.name, name, str(seed + 2 * at), *told])
            print(*lines[-1], file=sys.stderr)
        kept &= found["unpaired"].labels >= 20 * found["paired"].labels
    head = ["harm", "compared", "seed", "found", "labels", "times the paired", "without harm"]
    text = (
        f"{options.runs:,} releases a line at a share of {SHARE:.0%}, with labels four hours late on average. "
        f"Found: share of releases in which harm was seen within {MOST_PAIRED:,} labels paired and {MOST_UNPAIRED:,} "
        "unpaired; labels: their median until then. Paired, harm is a loss over the champion's by "
        f"{PLAN.quality_harm:.1%} of it; unpaired, any. Promised: without harm (the seed after the line's) it is seen "
        f"at most {ALPHA:.2%} of the time, and unpaired takes at least 20 times the labels."
    )
    certificate.finish("certify_labels", f"{text}\n\n{certificate.table(head, lines)}", options.write, kept=kept)


if __name__ == "__main__":
    main()
