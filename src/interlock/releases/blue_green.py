"""The blue-green strategy: everything is moved to the candidate, at once or by a ramp, without gates.

For changes that need no proof. The old version (blue) stays champion for the plan's time after the switch: it answers
whenever the new one fails, the gateways' guard gives everything back to it at once, and so does `rollback`.
"""

from collections.abc import Mapping
from datetime import timedelta

from interlock.domain.release import Gate
from interlock.releases.deciding import ReleaseDecision, waiting
from interlock.releases.evidence import Evidence
from interlock.releases.wording import count, percent

GATES = ()


def decide(evidence: Evidence, gates: Mapping[str, Gate]) -> ReleaseDecision:  # noqa: ARG001 (it has none)
    """Decide on a release that has begun. See `deciding.Decide`."""
    release, plan = evidence.release, evidence.plan
    share, hold = percent(release.traffic_share), timedelta(seconds=plan.hold_seconds)
    left = hold - (evidence.at - (release.step_started_at or evidence.at))
    if left > timedelta(0):
        return waiting([f"{share} of traffic for {hold} in all"])
    if release.step < release.last_step:
        return ReleaseDecision("advance", f"advanced to {percent(plan.steps[release.step + 1])} by the plan's ramp")
    failed, units = evidence.failed_units(True), evidence.units(True)
    return ReleaseDecision("promote", f"promoted: {share} of traffic for {hold}, {_failures(failed, units)}; no gates")


def _failures(failed: int, units: int) -> str:
    return f"{count(failed)} of {count(units)} requests failed and were answered by the version before"
