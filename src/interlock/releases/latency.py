"""The gate on latency: one quantile of what callers waited, this step's requests only.

Only this step's, because the machine's load changes with the hour and the share: pooled over a ramp, a busy last step
would count against the challenger. The gate's alpha is therefore split over the gated steps. Wherever the versions run,
callers wait: the plan's floor leaves room for the millisecond that a process of its own costs (decision 005).
"""

from math import inf

import numpy as np
from numpy.typing import NDArray

from interlock.domain.release import Gate, GateOutcome
from interlock.releases.evidence import Evidence
from interlock.releases.wording import finite, milliseconds
from interlock.stats import quantile_difference
from interlock.stats.log_histogram import SIZE
from interlock.stats.quantile_difference import QuantileResult


def gate(evidence: Evidence) -> Gate:
    """Judge the challenger's latency in the current step."""
    plan, step = evidence.plan, evidence.release.step
    alpha = evidence.alpha / evidence.gated_steps
    name = f"p{plan.latency_quantile * 100:g}"
    champion, challenger = (_latencies(evidence, step, side) for side in (False, True))
    result = quantile_difference.analyze(champion, challenger, quantile=plan.latency_quantile, alpha=alpha)
    lower, upper = _ratio(result)
    floor_us = plan.latency_floor_ms * 1000
    outcome = _outcome(evidence, result, lower)
    non_inferior = outcome == "ok" and (upper <= plan.latency_ratio or result.challenger.upper < floor_us)
    theirs, ours = (milliseconds(side.estimate) for side in (result.challenger, result.champion))
    return Gate(
        metric=f"latency.{name}",
        outcome=outcome,
        scale="ratio",
        estimate=finite(result.challenger.estimate / result.champion.estimate),
        lower=finite(lower),
        upper=finite(upper),
        margin=plan.latency_ratio,
        counts={"champion": result.champion_count, "challenger": result.challenger_count},
        reason=_reason(evidence, outcome, result, f"latency {name} {theirs} against {ours}"),
        alpha=evidence.alpha,
        non_inferior=non_inferior,
        details={
            f"{side}_{end}_us": finite(getattr(getattr(result, side), end))
            for side in ("champion", "challenger")
            for end in ("estimate", "lower", "upper")
        },
    )


def _latencies(evidence: Evidence, step: int, is_challenger: bool) -> NDArray[np.int64]:
    counts = evidence.step(step, is_challenger).latency_counts
    return np.array(counts, dtype=np.int64) if counts else np.zeros(SIZE, dtype=np.int64)


def _ratio(result: QuantileResult) -> tuple[float, float]:
    champion, challenger = result.champion, result.challenger
    lower = challenger.lower / champion.upper if champion.upper < inf else 0.0
    return lower, challenger.upper / champion.lower if champion.lower > 0 else inf


def _outcome(evidence: Evidence, result: QuantileResult, lower: float) -> GateOutcome:
    plan = evidence.plan
    if lower > plan.latency_ratio and result.challenger.lower > plan.latency_floor_ms * 1000:
        return "breach"
    return "ok" if result.challenger.upper < inf else "not_enough_data"


def _reason(evidence: Evidence, outcome: GateOutcome, result: QuantileResult, sentence: str) -> str:
    plan = evidence.plan
    if outcome == "not_enough_data":
        return f"latency: {result.challenger_count} challenger requests in this step do not bound it yet"
    lower, upper = _ratio(result)
    if outcome == "breach":
        return f"{sentence}, at least {lower:.1f} times as long"
    if result.challenger.upper < plan.latency_floor_ms * 1000:
        return f"{sentence}, surely below {plan.latency_floor_ms:g} ms"
    if upper <= plan.latency_ratio:
        return f"{sentence}, surely at most {upper:.2f} times as long"
    limit = f"{plan.latency_ratio:g} times as long or below {plan.latency_floor_ms:g} ms"
    return f"{sentence}, not yet sure to be at most {limit}"
