"""Rollbacks as signals. Called by `alerting` with the audit log's new entries, which are written with the rollback."""

from interlock.monitoring.alert_rules import ROLLED_BACK
from interlock.monitoring.observation import Observation
from interlock.store.audit import AuditEntry

ACTION = "release.roll_back"
"""The entries that are of interest."""

# As `releases.actions` signs.
_RULES = "alerts"


def observation(entry: AuditEntry) -> Observation | None:
    """The look that an entry is; None if a person rolled back, who knows it, or an alert rule, whose alert tells it."""
    if entry.role != "system" or entry.actor == _RULES:
        return None
    id, candidate, reason = (entry.details[name] for name in ("release", "candidate", "reason"))
    return Observation(
        rule=ROLLED_BACK,
        endpoint=entry.subject,
        key=f"{ROLLED_BACK.name}:{id}",
        start=entry.at,
        end=entry.at,
        is_bad=True,
        sentence=f"release {id} of {candidate} was rolled back: {reason.removeprefix('rolled back: ')}",
    )
