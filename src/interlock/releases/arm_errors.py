"""The gate on live errors of one of several candidates: its failed units against the champion's of the same steps.

In each step a failed unit of either was the candidate's with the share that the logged propensities of both say, so
shares may change from step to step (`stats.relative_risk`).
"""

from interlock.domain.release import Gate
from interlock.releases.evidence import Evidence
from interlock.releases.failures import Failures, judge
from interlock.releases.wording import count
from interlock.stats.relative_risk import StepFailures


def gate(evidence: Evidence) -> Gate:
    """Judge the live errors of a candidate.

    Args:
        evidence: With the counts of this candidate alone (`Evidence.of`).
    """
    plan = evidence.plan
    failures = Failures(
        champion=evidence.failed_units(False),
        champion_units=evidence.units(False),
        challenger=evidence.failed_units(True),
        challenger_units=evidence.units(True),
        steps=_steps(evidence),
    )
    units = evidence.units(True)
    missing = f"{count(units)} of {count(plan.min_units)} requests" if units < plan.min_units else None
    return judge("errors", "errors", failures, alpha=evidence.alpha, max_rate=plan.max_failure_rate, missing=missing)


def _steps(evidence: Evidence) -> list[StepFailures]:
    champion = {each.step: each for each in evidence.counts if not each.is_challenger}
    return [
        StepFailures(
            each.new_failures,
            champion[each.step].new_failures,
            each.propensity / (each.propensity + champion[each.step].propensity),
        )
        for each in evidence.counts
        if each.is_challenger and each.step in champion and min(each.propensity, champion[each.step].propensity) > 0
    ]
