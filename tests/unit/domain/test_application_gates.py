from typing import Any

import msgspec
import pytest

from interlock.domain.application_gates import ApplicationGates, Outcome, failing, judge, passes
from interlock.domain.application_tests import (
    Comparison,
    Consistency,
    Estimate,
    Findings,
    Gap,
    Memory,
    RobustnessCase,
    RowCounts,
    Speed,
)

SPEED = Speed(
    requests=500, p50_ms=1.0, p95_ms=2.0, p99_ms=3.0, deadline_ms=1000.0, callers=4, rows_per_second=900, failures=0
)
GOOD = Findings(
    answering=RowCounts(in_file=100, rows=100, answered=100),
    consistency=Consistency(rows=50),
    robustness=(RobustnessCase(field="x", given="missing", outcome="refused"),),
    speed=SPEED,
    memory=Memory(before_bytes=100 * 1024**2, after_bytes=101 * 1024**2, requests=1000),
)


def comparison(gain: float, reach: float) -> Comparison:
    estimate = Estimate(value=gain, lower=gain - reach, upper=gain + reach)
    return Comparison(other="wine:1", metric="brier", own=0.1, theirs=0.1, gain=estimate, rows=100)


def outcome(gate: str, gates: ApplicationGates | None = None, **changes: Any) -> Outcome:
    found = msgspec.structs.replace(GOOD, **changes)
    (result,) = [result for result in judge(gates or ApplicationGates(), found) if result.gate == gate]
    return result.outcome


def test_a_version_that_does_everything_well_passes() -> None:
    assert passes(judge(ApplicationGates(), GOOD))
    assert failing(judge(ApplicationGates(), GOOD)) == ""


def test_no_gate_at_all_is_no_pass() -> None:
    assert not passes(())


@pytest.mark.parametrize(
    ("gate", "changes"),
    [
        ("errors", {"answering": RowCounts(in_file=100, rows=100, answered=99, failed=1, reasons={"timeout": 1})}),
        ("refusals", {"answering": RowCounts(in_file=100, rows=100, answered=98, refused=2)}),
        ("consistency", {"consistency": Consistency(rows=50, repeated=1)}),
        ("consistency", {"consistency": Consistency(rows=50, batched=1)}),
        ("consistency", {"consistency": Consistency(rows=50, permuted=1)}),
        ("robustness", {"robustness": (RobustnessCase(field="x", given="missing", outcome="failed"),)}),
        ("latency", {"speed": msgspec.structs.replace(SPEED, p99_ms=1000.1)}),
        ("memory", {"memory": Memory(before_bytes=0, after_bytes=65 * 1024**2, requests=1000)}),
        ("quality against champion", {"against_champion": comparison(-0.3, 0.1)}),
        ("gain over baseline", {"baselines": (comparison(-0.2, 0.1),)}),
    ],
)
def test_each_fault_fails_its_gate(gate: str, changes: dict[str, Any]) -> None:
    assert outcome(gate, **changes) == "breach"
    results = judge(ApplicationGates(), msgspec.structs.replace(GOOD, **changes))
    assert not passes(results)
    assert failing(results).startswith(f"{gate}: ")


def test_what_was_not_measured_passes_nothing() -> None:
    lacking: dict[str, dict[str, Any]] = {
        "errors": {"answering": RowCounts()},
        "consistency": {"consistency": Consistency()},
        "robustness": {"robustness": ()},
        "latency": {"speed": None},
        "memory": {"memory": None},
    }
    for gate, changes in lacking.items():
        assert outcome(gate, **changes) == "not_enough_data"


@pytest.mark.parametrize(
    ("gain", "reach", "says"), [(0.0, 0.05, "ok"), (-0.05, 0.1, "not_enough_data"), (-0.5, 0.1, "breach")]
)
def test_quality_is_judged_by_its_interval(gain: float, reach: float, says: Outcome) -> None:
    assert outcome("quality against champion", against_champion=comparison(gain, reach)) == says


def test_quality_is_asked_where_there_are_labels_unless_the_plan_requires_it() -> None:
    assert "quality against champion" not in [result.gate for result in judge(ApplicationGates(), GOOD)]
    required = ApplicationGates(require_quality=True)
    assert outcome("quality against champion", required) == "not_enough_data"
    assert outcome("gain over baseline", required) == "not_enough_data"


def test_bounds_on_metrics_by_name() -> None:
    quality = {"accuracy": Estimate(value=0.9, lower=0.85, upper=0.95), "f1": Estimate(value=0.8)}
    for bound, says in ((0.85, "ok"), (0.9, "not_enough_data"), (0.96, "breach")):
        assert outcome("accuracy", ApplicationGates(at_least={"accuracy": bound}), quality=quality) == says
    for bound, says in ((0.95, "ok"), (0.9, "not_enough_data"), (0.84, "breach")):
        assert outcome("accuracy", ApplicationGates(at_most={"accuracy": bound}), quality=quality) == says
    assert outcome("f1", ApplicationGates(at_least={"f1": 0.8}), quality=quality) == "ok"
    assert outcome("auc", ApplicationGates(at_least={"auc": 0.8}), quality=quality) == "error"


def test_gaps_are_judged_where_the_plan_bounds_them() -> None:
    gap = Gap(kind="slice", column="region", metric="accuracy", difference=0.2)
    few = Gap(kind="protected", column="sex", metric="accuracy", difference=None)
    assert outcome("accuracy by region", ApplicationGates(max_slice_gap=0.1), gaps=(gap,)) == "breach"
    assert outcome("accuracy by region", ApplicationGates(max_slice_gap=0.2), gaps=(gap,)) == "ok"
    assert outcome("accuracy by sex", ApplicationGates(max_protected_gap=0.2), gaps=(few,)) == "not_enough_data"
    assert outcome("slice gap", ApplicationGates(max_slice_gap=0.1)) == "not_enough_data"


def test_throughput_and_latency_by_their_own_bounds() -> None:
    assert outcome("latency", ApplicationGates(max_latency_ms=2.9)) == "breach"
    assert outcome("throughput", ApplicationGates(min_rows_per_second=900)) == "ok"
    assert outcome("throughput", ApplicationGates(min_rows_per_second=901)) == "breach"


def test_bounds_that_are_none_are_named() -> None:
    gates = ApplicationGates(max_error_share=2, max_latency_ms=-1, max_slice_gap=float("nan"))
    assert [fault.partition(" == ")[0] for fault in gates.faults()] == [
        "test.max_error_share", "test.max_latency_ms", "test.max_slice_gap",
    ]  # fmt: skip
    assert ApplicationGates().faults() == []
