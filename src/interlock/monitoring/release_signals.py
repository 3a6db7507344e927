"""Moves of releases as signals. Called by `alerting` with the audit log's new entries, written with the moves."""

from collections.abc import Iterator

from interlock.domain.alert import Rule
from interlock.monitoring.alert_rules import RELEASE_WAITS, ROLLED_BACK
from interlock.monitoring.observation import Observation
from interlock.store.audit import AuditEntry

_BACK = "release.roll_back"
# One of several candidates was withdrawn, and the others go on.
_DROP = "release.drop"
_WAITS = ("release.ask", "release.hold", "release.await_test")
_GOES_ON = (
    "release.begin", "release.fail", "release.approve", "release.reject", "release.resume", "release.promote",
    "release.cancel", _BACK,
)  # fmt: skip

ACTIONS = (*_WAITS, *_GOES_ON, _DROP)
"""The entries that are of interest."""

# As `releases.actions` signs.
_RULES = "alerts"


def observations(entry: AuditEntry) -> Iterator[Observation]:
    """The looks that an entry is.

    A rollback by a person is none, who knows it, nor one by an alert rule, whose alert tells it.
    """
    id, candidate, reason = (entry.details[name] for name in ("release", "candidate", "reason"))
    if entry.action == _DROP:
        if entry.role == "system":
            yield _look(entry, ROLLED_BACK, is_bad=True, sentence=f"release {id} goes on without a candidate: {reason}")
        return
    waits = entry.action in _WAITS
    sentence = f"release {id} of {candidate} waits for a person: {reason}" if waits else f"somebody decided: {reason}"
    yield _look(entry, RELEASE_WAITS, is_bad=waits, sentence=sentence)
    if entry.action == _BACK and entry.role == "system" and entry.actor != _RULES:
        sentence = f"release {id} of {candidate} was rolled back: {reason.removeprefix('rolled back: ')}"
        yield _look(entry, ROLLED_BACK, is_bad=True, sentence=sentence)


def _look(entry: AuditEntry, rule: Rule, *, is_bad: bool, sentence: str) -> Observation:
    return Observation(
        rule=rule,
        endpoint=entry.subject,
        key=f"{rule.name}:{entry.details['release']}",
        start=entry.at,
        end=entry.at,
        is_bad=is_bad,
        sentence=sentence,
    )
