"""What the gate on quality promises where labels come late, by what they say, in part, or by consent.

Usage: `python -m benchmarks.releases.certify_quality [--quick] [--runs 2000] [--seed 1] [--write docs/statistics.md]`.

The decisions are those of the product's gate (`releases.quality.gate`) on the rows that it would read from the log. Two
candidates: one whose mean loss is the champion's, which must not be rolled back; and one that is worse by just the
plan's margin, which must not be promoted. A run ends with the first of both verdicts. Exit code 1 if either happens
more often than the gate's level, by more than three standard errors.
"""

import sys
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Literal

import numpy as np
import pyarrow as pa

from benchmarks.releases import certificate
from benchmarks.releases.labelled_streams import BINARY, DELAYS, HOUR, SHARE, Tuned, answer, paired_table
from interlock.domain.contract import Contract
from interlock.domain.release import Gate, Release, ReleasePlan
from interlock.releases import quality
from interlock.releases.evidence import Evidence

ROWS, SPAN_HOURS = 40_000, 48
LOOKS = (2, 4, 8, 16, 32, 48, 60)
PLAN = ReleasePlan(steps=(SHARE, 1.0))
ALPHA = PLAN.alpha / 4

_BEGAN = datetime(1970, 1, 1, tzinfo=UTC)
_RELEASE = Release(
    id="r",
    endpoint="e",
    strategy="canary",
    state="running",
    candidate="m:2",
    champion="m:1",
    plan=PLAN,
    created_at=_BEGAN,
    created_by="simulation",
)

# Whether labels came before the release makes a difference only here.
_LATE = ("hours late", "late by what they say")

End = Literal["rolled back", "promoted", "not comparable", "undecided"]


@dataclass(frozen=True)
class Cell:
    """How releases ended. `known_delay`: whether the endpoint had labels before, so that their delay is known."""

    delay: str
    known_delay: bool
    worse: float
    seed: int
    ends: dict[End, float]


def ask(rows: pa.Table, contract: Contract = BINARY) -> Gate:
    """What the product's gate says of rows."""
    return quality.gate(Evidence(_RELEASE, _BEGAN, (), contract, True, rows))


def end_of(rng: np.random.Generator, delay: str, noise: float, usual: float) -> End:
    """One release, looked at again and again."""
    rows = answer(rng, ROWS, SPAN_HOURS * HOUR, noise)
    seconds = DELAYS[delay](rng, rows)
    end: End = "undecided"
    for hour in LOOKS:
        gate = ask(paired_table(rows, seconds, hour * HOUR, usual))
        if gate.outcome == "breach":
            return "rolled back"
        if gate.non_inferior:
            return "promoted"
        end = "not comparable" if gate.outcome == "not_comparable" else "undecided"
    return end


def usual_delay(delay: str) -> float:
    """What labels took before the release, as the log's reader finds it out."""
    rng = np.random.default_rng(0)
    seconds = DELAYS[delay](rng, answer(rng, 100_000, 1.0, 1.0))
    return float(np.quantile(seconds[np.isfinite(seconds)], 0.99))


def cells(runs: int, seed: int) -> Iterator[Cell]:
    """Both candidates under every way that labels come."""
    tuned = Tuned()
    candidates = [(worse, tuned.noise(worse * tuned.champion_loss)) for worse in (0.0, PLAN.quality_margin)]
    for delay in DELAYS:
        for usual in (usual_delay(delay), np.nan) if delay in _LATE else (usual_delay(delay),):
            for worse, noise in candidates:
                seed += 1
                rng = np.random.default_rng(seed)
                ends = [end_of(rng, delay, noise, usual) for _ in range(runs)]
                shares: dict[End, float] = {end: ends.count(end) / runs for end in End.__args__}  # type: ignore[attr-defined]
                yield Cell(delay, bool(np.isfinite(usual)), worse, seed, shares)


def main() -> None:
    """Simulate, print, and write into the page if asked to."""
    options = certificate.options(__doc__, runs=2000, quick=50)
    lines, kept = [], True
    for cell in cells(options.runs, options.seed):
        wrong: End = "promoted" if cell.worse else "rolled back"
        said = certificate.told(cell.ends[wrong], ALPHA, options.runs)
        kept &= "broken" not in said
        shares = [said if end == wrong else f"{share:.1%}" for end, share in cell.ends.items()]
        known = "yes" if cell.known_delay else "no"
        lines.append([cell.delay, known, f"{cell.worse:.0%}" if cell.worse else "no", str(cell.seed), *shares])
        print(*lines[-1], file=sys.stderr)
    head = ["labels", "came before", "worse", "seed", *("rolled back", "promoted", "not comparable", "undecided")]
    text = (
        f"How {options.runs:,} releases a line ended, at a share of {SHARE:.0%}, with {ROWS:,} rows in {SPAN_HOURS} "
        f"hours, looked at {len(LOOKS)} times in {LOOKS[-1]}. Promised: a candidate that is not worse is rolled back, "
        f"and one that is worse by the margin of {PLAN.quality_margin:.0%} is promoted, at most {ALPHA:.2%} of the "
        "time, or the outcome is `not_comparable`. Undecided: more labels are needed."
    )
    certificate.finish("certify_quality", f"{text}\n\n{certificate.table(head, lines)}", options.write, kept=kept)


if __name__ == "__main__":
    main()
