"""What an application test must show, and the judgement on what it found.

Called where a test is stored, and again where a release asks for one: the plan's own gates decide there, so a test that
passed under laxer gates does not open a stricter road. Where an interval says neither yes nor no the outcome is
`not_enough_data`, which passes nothing.
"""

from collections.abc import Iterator
from typing import Literal

import msgspec

from interlock.domain.application_tests import Comparison, Estimate, Findings, Gap

Outcome = Literal["ok", "breach", "not_enough_data", "error"]
_MIB = 1024 * 1024


class ApplicationGates(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Bounds of an application test. Those on quality are asked where there are labels, unless `require_quality`.

    Args:
        max_error_share: Of the held-out rows, those that the model failed on.
        max_refused_share: Those that the contract refused.
        max_inconsistent_share: Of the rows asked again, in batches, and with their columns in another order, those
            whose answer was another one.
        max_robustness_failures: Malformed or extreme inputs that got neither an answer nor a clear refusal.
        max_latency_ms: Of 99 in 100 requests of one row; None is the endpoint's deadline.
        min_rows_per_second: Of several callers at once; None asks for nothing.
        max_memory_growth_mb: What the model's processes may have grown by after the load.
        require_quality: Whether a test without labels, or without the champion where it is asked, cannot pass.
        min_gain_over_baseline: The share of the naive baseline's loss that the model surely saves; None asks for none.
        max_quality_loss: The model's loss is surely at most this share above the champion's; None asks for none.
        at_least, at_most: Bounds on metrics by name, like `{"accuracy": 0.9}`.
        max_slice_gap, max_protected_gap: The largest difference between groups; None asks for nothing.
    """

    max_error_share: float = 0.0
    max_refused_share: float = 0.01
    max_inconsistent_share: float = 0.0
    max_robustness_failures: int = 0
    max_latency_ms: float | None = None
    min_rows_per_second: float | None = None
    max_memory_growth_mb: float = 64.0
    require_quality: bool = False
    min_gain_over_baseline: float | None = 0.0
    max_quality_loss: float | None = 0.1
    at_least: dict[str, float] = {}
    at_most: dict[str, float] = {}
    max_slice_gap: float | None = None
    max_protected_gap: float | None = None

    def faults(self) -> list[str]:
        """Every rule that the bounds themselves break."""
        found = []
        for name in ("max_error_share", "max_refused_share", "max_inconsistent_share"):
            if not 0 <= getattr(self, name) <= 1:
                found.append(f"test.{name} == {getattr(self, name):g}, must be between 0 and 1")
        for name in _AT_LEAST_0:
            value = getattr(self, name)
            if value is not None and not 0 <= value < float("inf"):
                found.append(f"test.{name} == {value:g}, must be a number of at least 0")
        return found


_AT_LEAST_0 = (
    "max_robustness_failures", "max_latency_ms", "min_rows_per_second", "max_memory_growth_mb", "max_quality_loss",
    "max_slice_gap", "max_protected_gap",
)  # fmt: skip


class GateResult(msgspec.Struct, frozen=True, kw_only=True):
    """What one gate says. `value` is what was measured, `bound` what it may be."""

    gate: str
    outcome: Outcome
    value: float | None
    bound: float | None
    reason: str


def judge(gates: ApplicationGates, found: Findings) -> tuple[GateResult, ...]:
    """Hold what was found against the bounds.

    Examples:
        >>> from interlock.domain.application_tests import EMPTY
        >>> [result.gate for result in judge(ApplicationGates(), EMPTY) if result.outcome != "ok"]
        ['errors', 'consistency', 'robustness', 'latency', 'memory']
    """
    return (*_behaviour(gates, found), *_speed(gates, found), *_quality(gates, found), *_groups(gates, found))


def passes(results: tuple[GateResult, ...]) -> bool:
    """Whether every gate is `ok`."""
    return bool(results) and all(result.outcome == "ok" for result in results)


def failing(results: tuple[GateResult, ...]) -> str:
    """What stands in the way, as one sentence."""
    return "; ".join(f"{each.gate}: {each.reason}" for each in results if each.outcome != "ok")


def _at_most(gate: str, value: float, bound: float, reason: str) -> GateResult:
    outcome: Outcome = "ok" if value <= bound else "breach"
    return GateResult(gate=gate, outcome=outcome, value=value, bound=bound, reason=reason)


def _unknown(gate: str, bound: float | None, reason: str) -> GateResult:
    return GateResult(gate=gate, outcome="not_enough_data", value=None, bound=bound, reason=reason)


def _behaviour(gates: ApplicationGates, found: Findings) -> Iterator[GateResult]:
    rows = found.answering
    if rows.rows == 0:
        yield _unknown("errors", gates.max_error_share, "no row was asked")
    else:
        why = f"{rows.failed} of {rows.rows} rows failed{_spelled(rows.reasons)}"
        yield _at_most("errors", rows.failed / rows.rows, gates.max_error_share, why)
        why = f"the contract refused {rows.refused} of {rows.rows} rows"
        yield _at_most("refusals", rows.refused / rows.rows, gates.max_refused_share, why)
    same = found.consistency
    if same.rows == 0:
        yield _unknown("consistency", gates.max_inconsistent_share, "no row could be asked twice")
    else:
        why = f"of {same.rows} rows {same.repeated} answered otherwise when asked again, {same.batched} in a batch, "
        why += f"{same.permuted} with columns in another order"
        worst = max(same.repeated, same.batched, same.permuted) / same.rows
        yield _at_most("consistency", worst, gates.max_inconsistent_share, why)
    if not found.robustness:
        yield _unknown("robustness", gates.max_robustness_failures, "no input was tried")
    else:
        failed = [case for case in found.robustness if case.outcome == "failed"]
        why = f"{len(failed)} of {len(found.robustness)} odd inputs got neither an answer nor a clear refusal"
        named = ", ".join(f"{case.given} {case.field}".strip() for case in failed[:5])
        why += f": {named}" if failed else ""
        yield _at_most("robustness", len(failed), gates.max_robustness_failures, why)


def _speed(gates: ApplicationGates, found: Findings) -> Iterator[GateResult]:
    speed, bound = found.speed, gates.max_latency_ms
    if speed is None or speed.p99_ms is None:
        yield _unknown("latency", bound, "no request was answered in time to be measured")
    else:
        bound = speed.deadline_ms if bound is None else bound
        why = f"99 in 100 of {speed.requests} requests took at most {speed.p99_ms:.3g} ms; {bound:g} ms are allowed"
        yield _at_most("latency", speed.p99_ms, bound, why)
    if gates.min_rows_per_second is not None:
        rate = speed.rows_per_second if speed is not None else 0.0
        why = f"{rate:.0f} rows a second with {speed.callers if speed else 0} callers at once"
        yield _at_least_result("throughput", rate, gates.min_rows_per_second, why)
    if found.memory is None:
        yield _unknown("memory", gates.max_memory_growth_mb, "memory of processes cannot be read on this machine")
    else:
        grown = (found.memory.after_bytes - found.memory.before_bytes) / _MIB
        why = f"grew by {grown:.1f} MiB over {found.memory.requests} requests"
        yield _at_most("memory", grown, gates.max_memory_growth_mb, why)


def _at_least_result(gate: str, value: float, bound: float, reason: str) -> GateResult:
    outcome: Outcome = "ok" if value >= bound else "breach"
    return GateResult(gate=gate, outcome=outcome, value=value, bound=bound, reason=reason)


def _quality(gates: ApplicationGates, found: Findings) -> Iterator[GateResult]:
    for name, bound in gates.at_least.items():
        yield _bounded(name, bound, found, is_least=True)
    for name, bound in gates.at_most.items():
        yield _bounded(name, bound, found, is_least=False)
    if gates.min_gain_over_baseline is not None:
        yield from _compared("gain over baseline", found.baseline, gates.min_gain_over_baseline, gates)
    if gates.max_quality_loss is not None:
        yield from _compared("quality against champion", found.against_champion, -gates.max_quality_loss, gates)


def _bounded(name: str, bound: float, found: Findings, *, is_least: bool) -> GateResult:
    estimate = found.quality.get(name)
    if estimate is None:
        there = f"there is: {', '.join(found.quality)}" if found.quality else "the test had no labels"
        return GateResult(
            gate=name, outcome="error", value=None, bound=bound, reason=f"{name!r} was not measured; {there}"
        )
    outcome = _by_interval(estimate, bound) if is_least else _by_interval(_negative(estimate), -bound)
    word = "at least" if is_least else "at most"
    reason = f"{_interval(estimate)}, must be {word} {bound:g}"
    return GateResult(gate=name, outcome=outcome, value=estimate.value, bound=bound, reason=reason)


def _compared(gate: str, found: Comparison | None, bound: float, gates: ApplicationGates) -> Iterator[GateResult]:
    if found is None:
        if gates.require_quality:
            yield _unknown(gate, bound, "the test had no labels, or nothing to compare with")
        return
    reason = f"its {found.metric} is {found.own:.4g}, that of {found.other} {found.theirs:.4g}: a gain of "
    reason += f"{_interval(found.gain)}, must be surely at least {bound:g}"
    yield GateResult(
        gate=gate, outcome=_by_interval(found.gain, bound), value=found.gain.value, bound=bound, reason=reason
    )


def _by_interval(estimate: Estimate, bound: float) -> Outcome:
    """Whether a figure is at least a bound, by its interval where it has one."""
    lower = estimate.value if estimate.lower is None else estimate.lower
    upper = estimate.value if estimate.upper is None else estimate.upper
    if lower >= bound:
        return "ok"
    return "breach" if upper < bound else "not_enough_data"


def _negative(estimate: Estimate) -> Estimate:
    flipped = [None if bound is None else -bound for bound in (estimate.upper, estimate.lower)]
    return Estimate(value=-estimate.value, lower=flipped[0], upper=flipped[1])


def _interval(estimate: Estimate) -> str:
    if estimate.lower is None or estimate.upper is None:
        return f"{estimate.value:.4g}"
    return f"{estimate.value:.4g} ({estimate.lower:.4g} to {estimate.upper:.4g})"


def _groups(gates: ApplicationGates, found: Findings) -> Iterator[GateResult]:
    for kind, bound in (("slice", gates.max_slice_gap), ("protected", gates.max_protected_gap)):
        if bound is None:
            continue
        gaps = [gap for gap in found.gaps if gap.kind == kind]
        if not gaps:
            yield _unknown(
                f"{kind} gap", bound, f"the test had no groups of that kind to compare; name {_OPTIONS[kind]}"
            )
        yield from (_gap(gap, bound) for gap in gaps)


_OPTIONS = {"slice": "--slices", "protected": "--protected"}


def _gap(gap: Gap, bound: float) -> GateResult:
    name = f"{gap.metric} by {gap.column}"
    if gap.difference is None:
        return _unknown(name, bound, "fewer than two groups have enough rows")
    return _at_most(name, gap.difference, bound, f"groups differ by {gap.difference:.4g}, {bound:g} is allowed")


def _spelled(reasons: dict[str, int]) -> str:
    if not reasons:
        return ""
    most = sorted(reasons, key=lambda reason: -reasons[reason])[:3]
    return ": " + ", ".join(f"{reason} ({reasons[reason]})" for reason in most)
