"""The gate on what a candidate does to a metric: the difference of means between its units and the champion's.

Asked of the metric that a test is about, and of its guardrails. It says "better", "worse", "no difference worth
knowing", or nothing yet.
"""

from dataclasses import dataclass
from typing import Any, Literal

from interlock.domain.release import Gate, GateOutcome, Goal
from interlock.releases import segments
from interlock.releases.evidence import Evidence
from interlock.releases.outcomes import Units
from interlock.releases.wording import count, finite
from interlock.stats import mean_difference
from interlock.stats.mean_difference import MeanDifferenceResult

Verdict = Literal["better", "worse", "no_difference", "undecided"]


@dataclass(frozen=True, slots=True)
class Metric:
    """What is compared.

    Args:
        name: The reward's, or `loss`.
        gate: How the gate is called.
        noun: As sentences call it.
        goal: Whether it is to be large or small.
    """

    name: str
    gate: str
    noun: str
    goal: Goal


def gate(evidence: Evidence, metric: Metric, units: Units, version: str) -> Gate:
    """Judge one candidate by one metric.

    Args:
        evidence: What was looked at.
        metric: Which.
        units: With the metric's values.
        version: The candidate.
    """
    result = plain = mean_difference.analyze(units.strata(version), alpha=evidence.alpha)
    covariate, explained = evidence.plan.covariate, None
    if covariate is not None and f"input.{covariate}" in units.inputs.column_names:
        adjusted = units.adjusted_strata(version, covariate)
        result, explained = mean_difference.analyze(adjusted.strata, alpha=evidence.alpha), adjusted.explained
    mde = evidence.plan.mde * abs(result.champion)
    verdict = _verdict(evidence, metric, result, mde)
    is_enough = _is_enough(evidence, result)
    return Gate(
        metric=metric.gate,
        outcome=_outcome(verdict, is_enough=is_enough),
        scale="difference",
        estimate=finite(result.estimate),
        lower=finite(result.lower),
        upper=finite(result.upper),
        margin=finite(mde),
        counts={"champion": result.champion_units, "challenger": result.challenger_units},
        reason=_reason(evidence, metric, version, result) if is_enough else _missing(evidence, metric, version, result),
        alpha=evidence.alpha,
        non_inferior=is_enough and _worst(metric, result) > -mde,
        details={
            "verdict": verdict,
            "goal": metric.goal,
            "champion_mean": finite(result.champion),
            "challenger_mean": finite(result.challenger),
            "p_value": result.p_value,
            "units": result.champion_units + result.challenger_units,
            **({} if explained is None else _beside(evidence, plain, explained)),
            **_segments(evidence, units, version),
        },
    )


def _beside(evidence: Evidence, plain: MeanDifferenceResult, explained: float) -> dict[str, Any]:
    """What would have been said without the covariate."""
    return {
        "covariate": evidence.plan.covariate,
        "variance_explained": round(explained, 4),
        "unadjusted": {name: finite(getattr(plain, name)) for name in ("estimate", "lower", "upper")},
    }


def _segments(evidence: Evidence, units: Units, version: str) -> dict[str, Any]:
    columns = evidence.plan.segments
    if not columns:
        return {}
    found = segments.explore(units, version, columns, alpha=evidence.alpha)
    level = f"{1 - evidence.alpha / segments.comparisons(columns):.4%}"
    note = (
        f"exploration only, decides nothing: {len(found)} segments, each interval at {level}, so that all hold together"
    )
    return {"segments": found, "segments_note": note}


def _verdict(evidence: Evidence, metric: Metric, result: MeanDifferenceResult, mde: float) -> Verdict:
    if not _is_enough(evidence, result):
        return "undecided"
    if _worst(metric, result) > 0:
        return "better"
    if _best(metric, result) < 0:
        return "worse"
    return "no_difference" if -mde < result.lower and result.upper < mde else "undecided"


def _worst(metric: Metric, result: MeanDifferenceResult) -> float:
    """The least gain that the bounds leave, over 0 for better."""
    return result.lower if metric.goal == "maximise" else -result.upper


def _best(metric: Metric, result: MeanDifferenceResult) -> float:
    return result.upper if metric.goal == "maximise" else -result.lower


def _is_enough(evidence: Evidence, result: MeanDifferenceResult) -> bool:
    return result.is_bounded and min(result.champion_units, result.challenger_units) >= evidence.plan.min_units


def _outcome(verdict: Verdict, *, is_enough: bool) -> GateOutcome:
    if not is_enough:
        return "not_enough_data"
    return "breach" if verdict == "worse" else "ok"


def _reason(evidence: Evidence, metric: Metric, version: str, result: MeanDifferenceResult) -> str:
    sides = f"{result.challenger:.4g} of {version} against {result.champion:.4g} of {evidence.release.champion}"
    difference = f"difference {result.estimate:.3g} ({result.lower:.3g} to {result.upper:.3g})"
    covariate = evidence.plan.covariate
    return f"{metric.noun} {sides}, {difference}" + (f", adjusted for {covariate}" if covariate is not None else "")


def _missing(evidence: Evidence, metric: Metric, version: str, result: MeanDifferenceResult) -> str:
    fewest = min(result.champion_units, result.challenger_units)
    least = max(mean_difference.LEAST_UNITS, evidence.plan.min_units)
    if fewest < least:
        return f"{metric.noun} of {version}: {count(fewest)} of {count(least)} units in the smaller group"
    return f"{metric.noun} of {version}: too few units differ to bound it"
