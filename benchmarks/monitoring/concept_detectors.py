"""What online detectors of concept drift cost without drift, and what they see with it: streams as a day judges them.

`python -m benchmarks.monitoring.concept_detectors [NAME ...]` prints the table of `docs/concept-drift.md`, in about
three minutes on one processor. A stream is what `monitoring.concept_drift` reads for a day: errors of four weeks before
it and of the day itself.
"""

import sys
from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from interlock.domain.endpoint import Detector
from interlock.monitoring import detectors
from interlock.monitoring.concept_drift import alarms

NAMES: tuple[Detector, ...] = ("adwin", "page_hinkley", "ddm", "kswin", "dummy")
DAYS = 29
RUNS = {"kswin": 20}
MOST_RUNS = 300


def share_of_days(name: Detector, per_day: int, before: float, after: float, *, runs: int, block: int = 1) -> float:
    """Share of days on which a detector alarms.

    Args:
        name: Which.
        per_day: Labels of a day.
        before, after: Error rate of the weeks before, and of the day.
        runs: Streams.
        block: Mistakes come in runs of about so many rows: 1 is independent.
    """
    rng = np.random.default_rng(per_day + round(1000 * after) + block)
    streams = (_stream(rng, per_day, before, after, block) for _ in range(runs))
    return sum(_alarms_on_day(name, errors, per_day, seed) for seed, errors in enumerate(streams)) / runs


def _stream(rng: np.random.Generator, per_day: int, before: float, after: float, block: int) -> NDArray[np.float64]:
    rates = np.repeat([before, after], [per_day * (DAYS - 1), per_day])
    blocks = rng.random(len(rates) // block + 1).repeat(block)[: len(rates)]
    return (blocks < rates).astype(np.float64)


def _alarms_on_day(name: Detector, errors: NDArray[np.float64], per_day: int, seed: int) -> bool:
    most = detectors.MOST_ERRORS[name]
    step = -(-len(errors) // most)
    thinned = errors[::-1][::step][::-1]
    first = len(thinned) - -(-per_day // step)
    return any(at >= first for at in alarms(name, thinned, seed=seed))


def rows(names: Sequence[Detector]) -> Iterator[tuple[Detector, list[float]]]:
    """Of each detector: false alarms (independent at three volumes, then in runs of 5), and two drifts seen."""
    for name in names:
        runs = RUNS.get(name, MOST_RUNS)
        quiet = [share_of_days(name, per_day, 0.2, 0.2, runs=runs) for per_day in (100, 500, 2000)]
        quiet.append(share_of_days(name, 500, 0.2, 0.2, runs=runs, block=5))
        seen = [share_of_days(name, 500, 0.2, after, runs=runs) for after in (0.25, 0.3)]
        yield name, [*quiet, *seen]


def main() -> None:
    """Print the table."""
    wanted = [name for name in NAMES if not sys.argv[1:] or name in sys.argv[1:]]
    for name, shares in rows(wanted):
        sys.stdout.write(f"| `{name}` | " + " | ".join(f"{100 * share:.0f} %" for share in shares) + " |\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
