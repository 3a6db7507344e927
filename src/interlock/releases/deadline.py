"""A step that evidence could not decide in the plan's time. Called by the controller with every decision."""

from datetime import datetime, timedelta

from interlock.domain.release import Release
from interlock.releases.deciding import ReleaseDecision


def enforce(decision: ReleaseDecision, release: Release, now: datetime) -> ReleaseDecision:
    """What a decision to wait becomes once the step's time is over: what the plan says. Others stand."""
    hours = release.plan.step_hours
    if decision.outcome != "wait" or release.state != "running" or hours is None or release.step_started_at is None:
        return decision
    if now - release.step_started_at < timedelta(hours=hours):
        return decision
    left_open = decision.reason.removeprefix("waiting: ")
    if release.plan.at_deadline == "roll_back":
        return ReleaseDecision("roll_back", f"rolled back: not decided within {hours:g} hours: {left_open}")
    return ReleaseDecision("hold", f"inconclusive: not decided within {hours:g} hours: {left_open}")
