"""The gate on live errors: units whose attempt failed, by the version they were assigned to.

A unit that the champion answered for a failing challenger counts against the challenger. Units and not rows, and each
step at its own share (`stats.relative_risk`), so that ramps and busy hours cannot look like harm. A unit that fails in
several steps is compared by its first failure: while shares rise it stays where it is, and would say the same again.
"""

from interlock.domain.release import Gate
from interlock.releases.evidence import Evidence
from interlock.releases.failures import Failures, judge
from interlock.releases.wording import count
from interlock.stats.relative_risk import StepFailures


def gate(evidence: Evidence) -> Gate:
    """Judge the live errors of a release."""
    release, plan = evidence.release, evidence.plan
    steps = [
        StepFailures(evidence.step(number, True).new_failures, evidence.step(number, False).new_failures, share)
        for number, share in enumerate(plan.steps[:-1])
    ]
    failures = Failures(
        champion=evidence.failed_units(False),
        champion_units=evidence.units(False),
        challenger=evidence.failed_units(True),
        challenger_units=evidence.units(True),
        steps=steps,
    )
    here = evidence.step(release.step, True).units
    missing = None
    if here < plan.min_units:
        missing = f"{count(here)} of {count(plan.min_units)} challenger requests in this step"
    return judge("errors", "errors", failures, alpha=evidence.alpha, max_rate=plan.max_failure_rate, missing=missing)
