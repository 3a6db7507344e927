"""How often the gate on errors rolls back the same version again, in streams that break what simple counting assumes.

Usage: `python -m benchmarks.releases.certify_streams [--quick] [--runs 10000] [--seed 1] [--write docs/statistics.md]`.

Failed units are counted as the collector counts them, and judged by the product's gate (`releases.failures.judge`) at
the look at which the evidence against the candidate is greatest: if it is no breach then, it is none at any. Beside it,
on the same streams: a z-test of two proportions of all rows so far, looked at after every request, and a threshold rule
(of each 100 requests to the challenger at most 5 % may fail). Exit code 1 if the gate breaks its level by more than
three standard errors in any cell.
"""

import sys
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from scipy.special import logsumexp, ndtri

from benchmarks.releases import certificate
from benchmarks.releases.certify_errors import ALPHA, by_threshold
from benchmarks.releases.hard_streams import RAMP, REQUESTS, SLOW_RAMP, STREAMS, Bools, Floats, Ints, Stream
from interlock.releases.failures import Failures, judge
from interlock.stats import relative_risk
from interlock.stats.relative_risk import StepFailures

SHARES: tuple[tuple[float, ...], ...] = ((0.01,), (0.05,), (0.5,), RAMP, SLOW_RAMP)
_FEWEST = 100


@dataclass(frozen=True)
class Cell:
    """Share of runs in which each rule rolled back."""

    stream: str
    shares: tuple[float, ...]
    seed: int
    gate: float
    z_test: float
    threshold: float


def counted(stream: Stream) -> Ints:
    """The requests whose failure counts: of a unit, the first of the release."""
    failed = np.flatnonzero(stream.failed)
    if stream.unit is None:
        return failed
    return failed[np.sort(np.unique(stream.unit[failed], return_index=True)[1])]


def rolls_back(stream: Stream, shares: tuple[float, ...]) -> bool:
    """Whether the gate says harm at any look."""
    events = counted(stream)
    if len(events) == 0:
        return False
    until = int(_evidence(stream.step[events], stream.challenger[events], shares).argmax()) + 1
    return is_breach(stream, events[:until], shares)


def is_breach(stream: Stream, events: Ints, shares: tuple[float, ...]) -> bool:
    """What the product's gate says of these failures."""
    step, theirs = stream.step[events], stream.challenger[events]
    steps = [
        StepFailures(int((theirs & (step == number)).sum()), int((~theirs & (step == number)).sum()), share)
        for number, share in enumerate(shares)
    ]
    failures = Failures(int((~theirs).sum()), 10**9, int(theirs.sum()), 10**9, steps)
    return judge("errors", "errors", failures, alpha=ALPHA, max_rate=0.01, missing="simulated").outcome == "breach"


def _evidence(step: Ints, theirs: Bools, shares: tuple[float, ...]) -> Floats:
    """Log evidence of harm after each failure; where it is greatest the product is asked."""
    risks = relative_risk._LOG_RISKS
    odds = np.exp(risks) * (np.array(shares) / (1 - np.array(shares)))[:, None]
    gained = np.stack((-np.log1p(odds), np.log(odds / (1 + odds))))
    path = np.cumsum(gained[theirs.astype(np.int64), step], axis=0)
    prior = np.exp(-0.5 * (risks / relative_risk._PRIOR_SD) ** 2)
    harm = risks > 0
    mixed = logsumexp(path[:, harm], axis=1, b=(prior[harm] / prior[harm].sum())[None, :])
    return np.asarray(mixed - path[:, len(risks) // 2])


def z_test_rolls_back(stream: Stream) -> bool:
    """A one-sided z-test of all rows so far, from 100 requests to the challenger on."""
    theirs, failed = stream.challenger, stream.failed
    every = np.arange(1, REQUESTS + 1) * float(stream.rows)
    asked, bad, all_bad = (np.cumsum(each) * float(stream.rows) for each in (theirs, theirs & failed, failed))
    with np.errstate(divide="ignore", invalid="ignore"):
        pooled = all_bad / every
        error = np.sqrt(pooled * (1 - pooled) * (1 / asked + 1 / (every - asked)))
        z = (bad / asked - (all_bad - bad) / (every - asked)) / error
    return bool(((z > ndtri(1 - ALPHA)) & (asked >= _FEWEST * stream.rows)).any())


def cells(runs: int, seed: int) -> Iterator[Cell]:
    """Every stream at every share."""
    for name, make in STREAMS.items():
        for shares in SHARES:
            seed += 1
            rng = np.random.default_rng(seed)
            found = np.zeros((runs, 3), dtype=np.bool_)
            for run in range(runs):
                stream = make(rng, shares)
                over = by_threshold(stream.challenger[None], stream.failed[None])[0] > 0
                found[run] = (rolls_back(stream, shares), z_test_rolls_back(stream), over)
            yield Cell(name, shares, seed, *(float(share) for share in found.mean(axis=0)))


def _spelled(shares: tuple[float, ...]) -> str:
    if len(shares) > 4:
        return f"{shares[0]:.0%} → {shares[-1]:.0%} in {len(shares)} steps"
    return " → ".join(f"{share:.0%}" for share in shares)


def main() -> None:
    """Simulate, print, and write into the page if asked to."""
    options = certificate.options(__doc__, runs=10_000, quick=200)
    lines, kept = [], True
    for cell in cells(options.runs, options.seed):
        said = certificate.told(cell.gate, ALPHA, options.runs)
        kept &= "broken" not in said
        lines.append(
            [cell.stream, _spelled(cell.shares), str(cell.seed), said, f"{cell.z_test:.1%}", f"{cell.threshold:.1%}"]
        )
        print(*lines[-1], file=sys.stderr)
    head = ["stream", "share", "seed", "the gate", "z-test, every request", "threshold"]
    text = (
        f"Share of {options.runs:,} releases of the same version again that were rolled back within {REQUESTS:,} "
        f"requests. Promised: at most {ALPHA:.2%} in every cell. What the streams are says "
        "`benchmarks/releases/hard_streams.py`; a cell is broken if it is over that by three standard errors.\n\n"
    )
    certificate.finish("certify_streams", text + certificate.table(head, lines), options.write, kept=kept)


if __name__ == "__main__":
    main()
