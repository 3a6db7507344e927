"""Puts into the outbox what channels are to be told of incidents, and words it.

Called by `alerting` and `incidents` in the transaction of what happened, so that no crash lies between an incident and
its notices. An incident is told once when it opens, again only if it gets worse or comes back, and when it is over.
"""

from collections.abc import Sequence
from datetime import datetime

import msgspec

from interlock.domain.alert import (
    SEVERITIES,
    Alert,
    AlertEvent,
    Channel,
    Delivery,
    Notice,
    NoticeKind,
    Silence,
    Symptom,
)
from interlock.domain.maintenance import MaintenanceWindow
from interlock.store.transaction import Transaction

ACTOR = "controller"
"""Who acts in the history of an incident when no person does."""

_WORDS: dict[NoticeKind, str] = {"opened": "", "worse": "worse: ", "again": "again: ", "resolved": "over: "}

# A mail is read, not searched: the rest is in `alert show`.
_MOST_SYMPTOMS = 20
_LONGEST_TITLE = 200


def tell_open(tx: Transaction, now: datetime) -> None:
    """Tell of open incidents that channels do not know as they are, unless they are silenced or in their cooldown."""
    quiet_times = _quiet_times(tx, now)
    for alert in tx.alerts.open():
        kind = _what_to_tell(alert)
        if kind is not None and not _is_quiet(alert, quiet_times, now):
            told = msgspec.structs.replace(alert, told_at=now, told_severity=alert.severity, quiet_until=None)
            tx.alerts.update(told)
            _tell(tx, told, kind, now, tx.channels.list())


def tell_resolved(tx: Transaction, alert: Alert, now: datetime) -> None:
    """Tell those who were told that an incident began that it is over; all, if it is over before anybody looked."""
    if _is_quiet(alert, _quiet_times(tx, now), now):
        return
    if alert.told_at is None and alert.acknowledged_at is None:
        _tell(tx, alert, "resolved", now, tx.channels.list())
    elif alert.told_severity is not None:
        told = {each.channel for each in tx.deliveries.of_alert(alert.id)}
        _tell(tx, alert, "resolved", now, [each for each in tx.channels.list() if each.name in told])


def _what_to_tell(alert: Alert) -> NoticeKind | None:
    if alert.state != "firing":
        return None
    if alert.told_severity is None:
        return "opened" if alert.told_at is None else "again"
    return "worse" if SEVERITIES.index(alert.severity) > SEVERITIES.index(alert.told_severity) else None


def _quiet_times(tx: Transaction, now: datetime) -> Sequence[Silence | MaintenanceWindow]:
    return [*tx.silences.running(now), *tx.maintenance_windows.list()]


def _is_quiet(alert: Alert, quiet_times: Sequence[Silence | MaintenanceWindow], now: datetime) -> bool:
    in_cooldown = alert.quiet_until is not None and now < alert.quiet_until
    return in_cooldown or any(each.covers(alert.endpoint, now) for each in quiet_times)


def _tell(tx: Transaction, alert: Alert, kind: NoticeKind, now: datetime, channels: Sequence[Channel]) -> None:
    notice = Notice(
        kind=kind, endpoint=alert.endpoint, severity=alert.severity, title=title(alert, kind), text=text(alert),
        at=now, alert=alert.id,
    )  # fmt: skip
    whom = [each.name for each in channels if each.wants(alert.endpoint, alert.severity)]
    tx.deliveries.add(Delivery(channel=name, notice=notice, next_try_at=now) for name in whom)
    said = ", ".join(whom) or "no one: no channel wants it"
    tx.alerts.add_event(alert.id, AlertEvent(at=now, kind="told", actor=ACTOR, text=f"{kind}: {said}"))


def title(alert: Alert, kind: NoticeKind) -> str:
    """The subject of a mail: one line, whatever a model's error message looks like."""
    line = " ".join(f"[{alert.severity}] {_WORDS[kind]}{alert.title}".split())
    return line if len(line) <= _LONGEST_TITLE else f"{line[: _LONGEST_TITLE - 1]}…"


def text(alert: Alert) -> str:
    """The body of a mail: what is wrong, what is over, where to look."""
    lines = [_line(each) for each in alert.symptoms[:_MOST_SYMPTOMS]]
    if len(alert.symptoms) > _MOST_SYMPTOMS:
        lines.append(f"- and {len(alert.symptoms) - _MOST_SYMPTOMS} more")
    where = f"endpoint {alert.endpoint}" if alert.endpoint else "the server itself"
    return "\n".join(
        [
            f"Incident {alert.id} of {where}, {alert.day.date().isoformat()}, is {alert.state}.",
            "",
            *lines,
            "",
            f"All of it: interlock alert show {alert.id}",
            f"Take it on: interlock alert ack {alert.id}",
        ]
    )


def _line(symptom: Symptom) -> str:
    end = f", over since {_spelt(symptom.over_at)}" if symptom.over_at is not None else ""
    done = f"; {symptom.action}" if symptom.action else ""
    return f"- {symptom.severity}: {symptom.sentence} (since {_spelt(symptom.since)}{end}){done}"


def _spelt(at: datetime) -> str:
    return f"{at:%Y-%m-%d %H:%M} UTC"
