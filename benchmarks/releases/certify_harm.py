"""How many users a bad candidate harms at a share of 1 % before it is rolled back, beside the rules of delivery tools.

Usage: `python -m benchmarks.releases.certify_harm [--quick] [--runs 10000] [--seed 1] [--write docs/statistics.md]`.

Three requests in a hundred fail in the candidate's hands, and one in the champion's. The decisions of the gate are the
product's own (`certify_errors.breach_from`), looked at after every request. Beside it, on the same streams, the rules
of two delivery tools as the examples in their documents have them; both read the candidate's success rate alone:

- Argo Rollouts: every five minutes; a measurement fails under 95 %, and more than three failed ones end it (`interval:
  5m`, `successCondition: result[0] >= 0.95`, `failureLimit: 3`).
- Flagger: every minute; a check fails under 99 %, and the fifth failed one ends it (`interval: 1m`, `thresholdRange:
  {min: 99}`, `threshold: 5`). Failed checks are never forgiven.

A reading without requests to the candidate counts for neither. The same rules also meet streams without harm, where
whoever rolls back is wrong. Exit code 1 if the gate then breaks its level by more than three standard errors.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from benchmarks.releases import certificate
from benchmarks.releases.certify_errors import ALPHA, Bools, breach_from, by_gate, streams

SHARE, GOOD, BAD = 0.01, 0.01, 0.03
REQUESTS = 200_000
PER_MINUTE = (100, 600, 6000)

Ints = NDArray[np.int64]
Rule = Callable[[Bools, Bools], Ints]


@dataclass(frozen=True)
class Found:
    """Of the runs in which a rule ended the release: their share, and medians over them.

    Args:
        harmed: Failed requests of the candidate until then.
        requests: To the candidate until then.
    """

    share: float
    harmed: float
    requests: float


def by_checks(challenger: Bools, failed: Bools, *, every: int, least: float, most: int) -> Ints:
    """The request after which more than `most` readings, each of `every` requests, were under `least`; 0 for never."""
    readings = challenger.shape[1] // every
    shape = (len(challenger), readings, every)
    asked = challenger[:, : readings * every].reshape(shape).sum(axis=2)
    bad = (challenger & failed)[:, : readings * every].reshape(shape).sum(axis=2)
    over = np.cumsum((asked > 0) & (asked - bad < least * asked), axis=1) > most
    return np.where(over.any(axis=1), (over.argmax(axis=1) + 1) * every, 0)


def rules(boundary: Ints) -> dict[str, Rule]:
    """Every rule by its name."""
    found: dict[str, Rule] = {"the gate": lambda challenger, failed: by_gate(challenger, failed, boundary)}
    for per_minute in PER_MINUTE:
        for name, minutes, least, most in (("Argo's", 5, 0.95, 3), ("Flagger's", 1, 0.99, 4)):
            found[f"{name} rule, {per_minute:,} requests a minute"] = _checks(minutes * per_minute, least, most)
    return found


def _checks(every: int, least: float, most: int) -> Rule:
    return lambda challenger, failed: by_checks(challenger, failed, every=every, least=least, most=most)


def simulate(runs: int, seed: int, bad: float, *, requests: int = REQUESTS) -> dict[str, Found]:
    """Every rule on streams in which the candidate fails at the rate `bad`."""
    most = int(requests * GOOD * 1.5 + 300)
    asked = rules(breach_from(SHARE, most))
    ends: dict[str, list[tuple[int, int, int]]] = {name: [] for name in asked}
    rng = np.random.default_rng(seed)
    for start in range(0, runs, 50):
        for challenger, failed in streams(rng, min(50, runs - start), requests, (GOOD, bad), SHARE):
            harmed, met = (np.cumsum(each, axis=1, dtype=np.int32) for each in (challenger & failed, challenger))
            for name, rule in asked.items():
                for run, end in enumerate(rule(challenger, failed).tolist()):
                    ends[name].append((end, int(harmed[run, end - 1]), int(met[run, end - 1])))
    return {name: _found(np.array(each)) for name, each in ends.items()}


def _found(ends: Ints) -> Found:
    ended = ends[ends[:, 0] > 0]
    if len(ended) == 0:
        return Found(0.0, float("nan"), float("nan"))
    return Found(len(ended) / len(ends), float(np.median(ended[:, 1])), float(np.median(ended[:, 2])))


def main() -> None:
    """Simulate, print, and write into the page if asked to."""
    options = certificate.options(__doc__, runs=10_000, quick=100)
    harm, none = (simulate(options.runs, options.seed + at, rate) for at, rate in enumerate((BAD, GOOD)))
    lines = [
        [
            name,
            f"{harm[name].share:.1%}",
            f"{harm[name].harmed:,.0f}",
            f"{harm[name].requests:,.0f}",
            f"{none[name].share:.1%}",
        ]
        for name in harm
    ]
    head = ["rule", "found", "users harmed (median)", "requests to the candidate (median)", "rolled back without harm"]
    text = (
        f"Errors of {BAD:.0%} against {GOOD:.0%} at a share of {SHARE:.0%}, within {REQUESTS:,} requests in all; "
        f"{options.runs:,} runs, seed {options.seed}, and as many without harm ({GOOD:.0%} against {GOOD:.0%}, seed "
        f"{options.seed + 1}). Users harmed: failed requests of the candidate before it was rolled back, where it was."
    )
    kept = none["the gate"].share <= ALPHA + certificate.noise(ALPHA, options.runs)
    certificate.finish("certify_harm", f"{text}\n\n{certificate.table(head, lines)}", options.write, kept=kept)


if __name__ == "__main__":
    main()
