"""The gate on live errors: units whose attempt failed, by the version they were assigned to.

A unit that the champion answered for a failing challenger counts against the challenger. Units and not rows, and each
step at its own share (`stats.relative_risk`), so that ramps and busy hours cannot look like harm.
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
        StepFailures(evidence.step(number, True).failed_units, evidence.step(number, False).failed_units, share)
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
