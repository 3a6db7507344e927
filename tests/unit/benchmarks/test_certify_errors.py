"""The certifying simulation gives the verdicts of the product's gate, and its quick form holds what is promised."""

import numpy as np
import pytest

from benchmarks.releases.certify_errors import ALPHA, breach_from, by_gate, by_threshold, by_z_test, detection, streams
from interlock.releases.failures import Failures, judge
from interlock.stats.relative_risk import StepFailures


@pytest.mark.parametrize("share", [0.05, 0.5])
def test_verdicts_are_those_of_the_gate_asked_after_every_request(share: float) -> None:
    (stream,) = streams(np.random.default_rng(1), 8, 400, (0.1, 0.3), share)
    found = by_gate(*stream, breach_from(share, 400))
    for run, (challenger, failed) in enumerate(zip(*stream, strict=True)):
        asked = (
            number
            for number in range(1, 401)
            if _breach(int((challenger & failed)[:number].sum()), int((~challenger & failed)[:number].sum()), share)
        )
        assert found[run] == next(asked, 0)


def _breach(challenger: int, champion: int, share: float) -> bool:
    failures = Failures(champion, 400, challenger, 400, [StepFailures(challenger, champion, share)])
    return judge("errors", "errors", failures, alpha=ALPHA, max_rate=0.01, missing=None).outcome == "breach"


def test_the_gate_keeps_its_level_where_a_z_test_and_a_threshold_do_not() -> None:
    runs, boundary = 500, breach_from(0.5, 700)
    stream = next(streams(np.random.default_rng(2), runs, 5000, (0.1, 0.1), 0.5))
    rolled_back = (by_gate(*stream, boundary) > 0).mean()
    assert rolled_back <= ALPHA + 3 * (ALPHA * (1 - ALPHA) / runs) ** 0.5
    assert (by_z_test(*stream) > 0).mean() > 3 * ALPHA
    assert (by_threshold(*stream) > 0).mean() > 0.9


@pytest.mark.slow
def test_harm_is_found_as_soon_as_promised() -> None:
    gate, _, wald = detection(300, 3)
    assert gate.share > 0.97
    assert gate.median / 2 < 1400
    assert gate.median < 1.4 * wald.median
