"""The rules that are in force without anyone writing one. `docs/alerts.md` lists them with their reasons.

Verdicts are of days, so a day is their smallest unit: the first bad day opens an incident, since the checks themselves
keep false alarms rare; two good days in a row end it, so that a value that swings around its threshold is one incident.
Whatever is read from the clock must last a minute or two, so that a restart alerts no one.
"""

from datetime import timedelta

from interlock.domain.alert import Rule, Severity
from interlock.domain.verdict import Signal

_DAY, _MINUTE = timedelta(days=1), timedelta(minutes=1)


def _daily(name: str, severity: Severity) -> Rule:
    return Rule(name=name, severity=severity, over_after=2 * _DAY, cooldown=3 * _DAY)


QUALITY = _daily("quality", "critical")
SERVICE = _daily("service", "critical")
ESTIMATE = _daily("estimate", "warning")
DRIFT = _daily("drift", "warning")
CONCEPT = _daily("concept", "warning")
REJECTED = _daily("rejected", "warning")

BY_SIGNAL: dict[Signal, Rule] = {
    "quality": QUALITY,
    "estimate": ESTIMATE,
    "service": SERVICE,
    "rejected": REJECTED,
    "input": DRIFT,
    "output": DRIFT,
    "concept": CONCEPT,
}
"""Which rule a check in breach falls under."""

SILENT = Rule(name="silent", severity="warning", cooldown=3 * _DAY)
"""Traffic, or labels, that came on the same weekday of the week before and did not come now."""

BROKEN = Rule(name="broken", severity="warning", cooldown=3 * _DAY)
"""A check that could not be made: a monitor that says nothing is no good news."""

SET_ASIDE = Rule(name="set_aside", severity="warning", happens=True)
"""A verdict, or a move of a release, that the rules themselves could not take: what it would have said is not known."""

ROLLED_BACK = Rule(name="rolled_back", severity="warning", happens=True)
"""Interlock rolled a release back, or withdrew one of its candidates. What a person did is that person's news."""

RELEASE_WAITS = Rule(name="release_waits", severity="info", happens=True)
"""A release awaits approval, or its evidence did not decide in time: nothing goes on before a person has looked."""

LOG_SUMS = Rule(name="log_sums", severity="critical", bad_for=_MINUTE, over_after=_MINUTE, cooldown=timedelta(hours=1))
"""Acknowledged rows that are nowhere. The sums are made several times before they are said to be wrong."""

QUARANTINED = Rule(name="quarantined", severity="warning", happens=True)
"""Rows that were set aside because they were damaged, more than before."""

UNRECORDED = Rule(name="unrecorded", severity="critical", happens=True)
"""Answers that could not be recorded, more than before."""

COLLECTOR = Rule(
    name="collector", severity="critical", bad_for=2 * _MINUTE, over_after=_MINUTE, cooldown=timedelta(hours=1)
)
"""The collector is far behind, or has not been heard of: profiles, gates and this monitoring stand still."""

COLLECTOR_LATE_SECONDS = 60.0
"""Normal is two seconds."""

DEVICE_RANGE = Rule(name="device_range", severity="warning", over_after=_MINUTE, cooldown=timedelta(hours=1))
"""A sensor out of the range that somebody expects of it, who also says how severe that is and how long it must last."""

DEVICE_SILENT = Rule(name="device_silent", severity="warning", over_after=_MINUTE, cooldown=timedelta(hours=1))
"""A sensor that was not heard of for as long as somebody allowed."""

BROKER = Rule(name="broker", severity="critical", bad_for=2 * _MINUTE, over_after=_MINUTE, cooldown=timedelta(hours=1))
"""The broker that devices speak to does not answer, or its messages cannot be written."""

FROM_THE_CLOCK = frozenset({LOG_SUMS.name, COLLECTOR.name, DEVICE_RANGE.name, DEVICE_SILENT.name, BROKER.name})
"""Looked at every few seconds, as long as there is anybody who looks."""

DEFAULTS: tuple[Rule, ...] = (
    QUALITY, ESTIMATE, SERVICE, DRIFT, CONCEPT, REJECTED, SILENT, BROKEN, SET_ASIDE, ROLLED_BACK, RELEASE_WAITS,
    LOG_SUMS, QUARANTINED, UNRECORDED, COLLECTOR, DEVICE_RANGE, DEVICE_SILENT, BROKER,
)  # fmt: skip
"""All of them."""
