from collections.abc import Callable

import pytest

from interlock.domain.evidence import StepCounts
from interlock.releases import latency
from interlock.releases.evidence import Evidence

Counts = Callable[..., StepCounts]
Make = Callable[..., Evidence]


def test_three_times_as_slow_and_over_the_floor_is_a_breach(counts: Counts, evidence: Make) -> None:
    gate = latency.gate(evidence([counts(0, False, 3000, latency_ms=20), counts(0, True, 600, latency_ms=60)]))
    assert gate.outcome == "breach"
    assert gate.metric == "latency.p95"
    assert gate.lower is not None
    assert gate.lower > 1.5
    assert "at least " in gate.reason


def test_slower_but_under_the_floor_is_not_worse(counts: Counts, evidence: Make) -> None:
    gate = latency.gate(evidence([counts(0, False, 3000, latency_ms=0.5), counts(0, True, 600, latency_ms=3)]))
    assert (gate.outcome, gate.non_inferior) == ("ok", True)
    assert gate.reason.endswith("surely below 10 ms")


def test_equal_latencies_over_the_floor_are_not_worse(counts: Counts, evidence: Make) -> None:
    gate = latency.gate(evidence([counts(0, False, 3000, latency_ms=50), counts(0, True, 3001, latency_ms=50)]))
    assert (gate.outcome, gate.non_inferior) == ("ok", True)
    assert "surely at most 1." in gate.reason


def test_a_little_slower_is_neither(counts: Counts, evidence: Make) -> None:
    gate = latency.gate(evidence([counts(0, False, 3000, latency_ms=50), counts(0, True, 3001, latency_ms=75)]))
    assert (gate.outcome, gate.non_inferior) == ("ok", False)
    assert "not yet sure" in gate.reason


@pytest.mark.parametrize("units", [0, 30])
def test_few_requests_are_not_enough_data(counts: Counts, evidence: Make, units: int) -> None:
    gate = latency.gate(evidence([counts(0, False, 3000), counts(0, True, units)]))
    assert (gate.outcome, gate.non_inferior, gate.upper) == ("not_enough_data", False, None)


def test_the_cost_of_a_process_of_its_own_is_within_the_floor(counts: Counts, evidence: Make) -> None:
    found = [counts(0, False, 3000, latency_ms=0.5), counts(0, True, 3000, latency_ms=2)]
    gate = latency.gate(evidence(found))
    assert (gate.outcome, gate.non_inferior) == ("ok", True)


def test_only_this_step_counts(counts: Counts, evidence: Make) -> None:
    # The machine was slow in the first step, when the champion had nearly everyone; and is quick now.
    found = [counts(0, False, 9000, latency_ms=200), counts(0, True, 100), counts(1, False, 900), counts(1, True, 901)]
    gate = latency.gate(evidence(found, step=1))
    assert gate.counts == {"champion": 900, "challenger": 901}
    assert gate.non_inferior
