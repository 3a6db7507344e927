"""How often the gate on errors rolls back a candidate that is no worse, and how soon one that is.

Usage: `python -m benchmarks.releases.certify_errors [--quick] [--runs 10000] [--seed 1] [--write docs/statistics.md]`.

The decisions are the product's own (`releases.failures.judge`), looked at after every request. At a fixed share they
depend on the failed units alone, and with ever more of the challenger's among as many failures harm only grows. So for
each number of failures the least number that is a breach is found once, and every stream is compared with it: the same
verdicts as from a call after each request. Beside it, on the same streams: a z-test of two proportions at the
same level, looked at after every request, and a threshold rule (of each 100 requests to the challenger at most 5 % may
fail). Exit code 1 if a promise is broken by more than three standard errors.
"""

import argparse
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from math import log
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtri

from interlock.domain.release import ReleasePlan
from interlock.releases.evidence import GATES
from interlock.releases.failures import Failures, judge
from interlock.stats.relative_risk import StepFailures

ALPHA = ReleasePlan().alpha / len(GATES)
RATES, SHARES = (0.001, 0.01, 0.02, 0.05, 0.1, 0.2), (0.01, 0.05, 0.1, 0.25, 0.5)
REQUESTS = 10_000
START, END = "<!-- certify_errors: begin -->", "<!-- certify_errors: end -->"

_CHUNK = 500
_FEWEST = 100
_THRESHOLD, _WINDOW = 0.05, 100

Bools = NDArray[np.bool_]


@dataclass(frozen=True)
class Rule:
    """In how many runs a rule rolled back, and after how many requests, as medians over those runs."""

    share: float
    median: float


def breach_from(share: float, most: int) -> NDArray[np.int64]:
    """For each number of failures, from 0, the least number of the challenger's that is a breach."""
    found = np.arange(1, most + 2)
    low = 0
    for failures in range(1, most + 1):
        # One more failure of anyone moves the boundary by none or one.
        while low <= failures and not _is_breach(low, failures - low, share):
            low += 1
        found[failures] = low
    return found


def _is_breach(challenger: int, champion: int, share: float) -> bool:
    failures = Failures(champion, 10**9, challenger, 10**9, [StepFailures(challenger, champion, share)])
    gate = judge("errors", "errors", failures, alpha=ALPHA, max_rate=0.01, missing="simulated")
    return gate.outcome == "breach"


def streams(
    rng: np.random.Generator, runs: int, requests: int, rates: tuple[float, float], share: float
) -> Iterator[tuple[Bools, Bools]]:
    """Which requests went to the challenger, and which failed, some runs at a time.

    Args:
        rng: Source of chance.
        runs, requests: How many.
        rates: Of failures, of champion and challenger.
        share: Of the challenger.
    """
    for start in range(0, runs, _CHUNK):
        size = (min(_CHUNK, runs - start), requests)
        challenger = rng.random(size, dtype=np.float32) < share
        yield challenger, rng.random(size, dtype=np.float32) < np.where(challenger, rates[1], rates[0])


def by_gate(challenger: Bools, failed: Bools, boundary: NDArray[np.int64]) -> NDArray[np.int64]:
    """The request after which the gate rolled back, from 1; 0 for never."""
    theirs = np.cumsum(challenger & failed, axis=1, dtype=np.int32)
    return _first(theirs >= boundary[np.cumsum(failed, axis=1, dtype=np.int32)])


def by_z_test(challenger: Bools, failed: Bools) -> NDArray[np.int64]:
    """The same for a one-sided z-test of two proportions, from 100 requests to the challenger on."""
    asked, theirs = (np.cumsum(each, axis=1, dtype=np.int32) for each in (challenger, challenger & failed))
    failures = np.cumsum(failed, axis=1, dtype=np.int32)
    every = np.arange(1, failed.shape[1] + 1, dtype=np.float32)
    others = every - asked
    with np.errstate(divide="ignore", invalid="ignore"):
        pooled = failures / every
        error = np.sqrt(pooled * (1 - pooled) * (1 / asked + 1 / others))
        z = (theirs / asked - (failures - theirs) / others) / error
    return _first((z > ndtri(1 - ALPHA)) & (asked >= _FEWEST))


def by_threshold(challenger: Bools, failed: Bools) -> NDArray[np.int64]:
    """The same for a threshold on every hundred requests to the challenger."""
    asked, theirs = (np.cumsum(each, axis=1, dtype=np.int32) for each in (challenger, challenger & failed))
    found = np.zeros(len(failed), dtype=np.int64)
    for run in range(len(failed)):
        ends = np.searchsorted(asked[run], np.arange(_WINDOW, asked[run, -1] + 1, _WINDOW))
        counted = np.diff(theirs[run, ends], prepend=0)
        over = np.flatnonzero(counted > _THRESHOLD * _WINDOW)
        found[run] = ends[over[0]] + 1 if len(over) else 0
    return found


def by_wald(challenger: Bools, failed: Bools, rates: tuple[float, float], share: float) -> NDArray[np.int64]:
    """Wald's sequential test of the failures' owners, which knows both rates: nobody can be quicker for long."""
    harmed = share * rates[1] / (share * rates[1] + (1 - share) * rates[0])
    steps = np.where(challenger, log(harmed / share), log((1 - harmed) / (1 - share))) * failed
    return _first(np.cumsum(steps, axis=1) >= log(1 / ALPHA))


def _first(hits: Bools) -> NDArray[np.int64]:
    return np.where(hits.any(axis=1), hits.argmax(axis=1) + 1, 0)


def _rule(found: list[NDArray[np.int64]]) -> Rule:
    every = np.concatenate(found)
    return Rule(float((every > 0).mean()), float(np.median(every[every > 0])) if (every > 0).any() else float("nan"))


def false_rollbacks(runs: int, requests: int, seed: int) -> Iterator[tuple[float, float, int, Rule, Rule, Rule]]:
    """Rate, share, seed, and the three rules, of releases of the same version again."""
    for share in SHARES:
        boundary = breach_from(share, _most(requests, max(RATES)))
        for rate in RATES:
            seed += 1
            verdicts: tuple[list[NDArray[np.int64]], ...] = ([], [], [])
            for stream in streams(np.random.default_rng(seed), runs, requests, (rate, rate), share):
                for into, found in zip(
                    verdicts, (by_gate(*stream, boundary), by_z_test(*stream), by_threshold(*stream)), strict=True
                ):
                    into.append(found)
            yield rate, share, seed, *(_rule(each) for each in verdicts)  # type: ignore[misc]  # three of them


def detection(runs: int, seed: int) -> tuple[Rule, Rule, Rule]:
    """The gate, the z-test and Wald's test where 5 % of errors become 8 %, at a share of one half."""
    rates, share = (0.05, 0.08), 0.5
    boundary = breach_from(share, _most(REQUESTS, max(rates)))
    gate, z_test, wald = [], [], []
    for stream in streams(np.random.default_rng(seed), runs, REQUESTS, rates, share):
        gate.append(by_gate(*stream, boundary))
        z_test.append(by_z_test(*stream))
        wald.append(by_wald(*stream, rates, share))
    return _rule(gate), _rule(z_test), _rule(wald)


def _most(requests: int, rate: float) -> int:
    """More failures than any stream will have."""
    return int(requests * rate + 8 * (requests * rate) ** 0.5 + 20)


def _noise(promised: float, runs: int) -> float:
    return float(3 * (promised * (1 - promised) / runs) ** 0.5)


def main() -> None:
    """Simulate, print, and write into the page if asked to."""
    options = _options()
    runs = 500 if options.quick else options.runs
    kept, lines = (
        True,
        ["| errors | share | seed | the gate | z-test, every request | threshold |", "|---|---|---|---|---|---|"],
    )
    for rate, share, seed, gate, z_test, threshold in false_rollbacks(runs, REQUESTS, options.seed):
        good = gate.share <= ALPHA + _noise(ALPHA, runs)
        kept &= good
        said = f"{gate.share:.2%}{'' if good else ' **broken**'}"
        lines.append(f"| {rate:.1%} | {share:.0%} | {seed} | {said} | {z_test.share:.1%} | {threshold.share:.1%} |")
        print(lines[-1], file=sys.stderr)
    gate, z_test, wald = detection(runs, options.seed + 1000)
    kept &= gate.share >= 0.99 - _noise(0.99, runs) and gate.median / 2 <= 1300
    text = "\n".join([_head(runs), "", *lines, "", *_found(gate, z_test, wald, options.seed + 1000)])
    print(text)
    if options.write:
        before, rest = options.write.read_text().split(START)
        options.write.write_text(f"{before}{START}\n{text}\n{END}{rest.split(END)[1]}")
    sys.exit(0 if kept else 1)


def _head(runs: int) -> str:
    promise = f"at most {ALPHA:.2%} (a total of {ReleasePlan().alpha:.0%} over {len(GATES)} gates)"
    return (
        f"Share of {runs:,} releases of the same version again that were rolled back within {REQUESTS:,} requests. The "
        f"gate's promise: {promise}, looked at after every request."
    )


def _found(gate: Rule, z_test: Rule, wald: Rule, seed: int) -> list[str]:
    return [
        f"Errors of 8 % against 5 %, half of the traffic each, seed {seed}: share found within 5,000 requests for each "
        "version, and median requests for each version until then.",
        "",
        "| rule | found | median | of Wald's test |",
        "|---|---|---|---|",
        *(
            f"| {name} | {rule.share:.1%} | {rule.median / 2:,.0f} | {rule.median / wald.median:.2f} |"
            for name, rule in (
                ("the gate", gate),
                ("Wald's test, told both rates", wald),
                ("z-test, every request (see its false rollbacks)", z_test),
            )
        ),
    ]


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="500 runs a cell")
    parser.add_argument("--runs", type=int, default=10_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--write", type=Path, help="put the tables between the marks in this page")
    return parser.parse_args()


if __name__ == "__main__":
    main()
