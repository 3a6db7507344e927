"""Opens incidents, joins symptoms to them, and ends them, inside the caller's transaction.

Called by `alerting`. All that goes wrong with one endpoint on one day of event time is one incident: a broken pipeline
shows in forty columns, in the answers and in the quality, and is one piece of news. What happens once, such as a
rollback, is an incident of its own.
"""

from collections.abc import Callable, Sequence, Set
from datetime import datetime, timedelta

import msgspec

from interlock.domain.alert import SEVERITIES, Action, Alert, AlertEvent, Condition, EventKind, Severity, Symptom
from interlock.monitoring import notices
from interlock.monitoring.conditions import advance
from interlock.monitoring.observation import Observation
from interlock.store.transaction import Transaction

Act = Callable[[Transaction, str, Action, str, datetime], str]
"""Does something to an endpoint's traffic for a reason, at a time; says what, or why nothing was done."""


class Incidents:
    """Incidents of one transaction.

    Args:
        tx: The transaction.
        now: The clock.
        act: What rules with an action call.
        off: Names of rules that are switched off.
    """

    def __init__(self, tx: Transaction, now: datetime, act: Act, off: Set[str]) -> None:
        self._tx, self._now, self._act, self._off = tx, now, act, off
        self._conditions: dict[str, dict[str, Condition]] = {}

    def look(self, seen: Observation) -> None:
        """Take one look into account."""
        if seen.rule.name in self._off:
            return
        before = self._of(seen.endpoint).get(seen.key)
        after = advance(before, seen)
        condition = after.condition
        if after.change == "fires":
            alert = self._join(seen)
            condition = None if condition is None else msgspec.structs.replace(condition, alert=alert.id)
        elif after.change == "fires_again" and condition is not None and condition.alert is not None:
            self._again(self._tx.alerts.get(condition.alert), seen, condition.over_at)
        elif after.change == "is_over" and condition is not None and condition.alert is not None:
            self._over(condition.alert, seen.key, seen.end, seen.sentence)
        elif seen.is_bad and condition is not None and condition.state == "firing" and condition.alert is not None:
            self._tell(self._tx.alerts.get(condition.alert), seen)
        if condition != before:
            self._remember(seen.endpoint, seen.key, condition)

    def forget(self, endpoint: str) -> None:
        """Take an endpoint's conditions from the store again: what was written since has been undone."""
        self._conditions.pop(endpoint, None)

    def end(self, alert: Alert, key: str, reason: str) -> None:
        """End a symptom that nothing will look at any more."""
        self._remember(alert.endpoint, key, None)
        self._over(alert.id, key, self._now, reason)

    def _of(self, endpoint: str) -> dict[str, Condition]:
        if endpoint not in self._conditions:
            self._conditions[endpoint] = self._tx.alert_conditions.list(endpoint)
        return self._conditions[endpoint]

    def _remember(self, endpoint: str, key: str, condition: Condition | None) -> None:
        known = self._of(endpoint)
        if condition is not None:
            known[key] = condition
        else:
            known.pop(key, None)
        self._tx.alert_conditions.set(endpoint, key, condition)

    def _join(self, seen: Observation) -> Alert:
        """The day's incident with a new symptom."""
        day = _day(seen)
        open_ones = [] if seen.rule.happens else self._open_on(seen.endpoint, day)
        symptom = self._symptom(seen, open_ones[-1].symptoms if open_ones else ())
        if not open_ones:
            new = Alert(
                endpoint=seen.endpoint, day=day, state="firing", severity=symptom.severity, symptoms=(symptom,),
                opened_at=self._now,
            )  # fmt: skip
            alert = self._tx.alerts.add(new)
            self._note_symptom(alert, "opened", symptom)
            return alert
        alert = open_ones[-1]
        is_news = symptom.rule not in {each.rule for each in alert.symptoms}
        is_worse = SEVERITIES.index(symptom.severity) > SEVERITIES.index(alert.severity)
        joined = msgspec.structs.replace(
            alert, symptoms=(*alert.symptoms, symptom), severity=_worst(alert.severity, symptom.severity)
        )
        if alert.state == "acknowledged" and (is_news or is_worse):
            # Who acknowledged knew of something else.
            joined = msgspec.structs.replace(joined, state="firing", told_severity=None)
        self._tx.alerts.update(joined)
        self._note_symptom(joined, "worse" if is_worse else "symptom", symptom)
        return joined

    def _open_on(self, endpoint: str, day: datetime) -> list[Alert]:
        """Incidents that a symptom may join. What happened once, such as a rollback, is news of its own."""
        found = [each for each in self._tx.alerts.open(endpoint) if each.day == day]
        return [each for each in found if not any(symptom.happens for symptom in each.symptoms)]

    def _symptom(self, seen: Observation, others: Sequence[Symptom]) -> Symptom:
        """A new symptom. What its rule has done to the traffic is done here, in the same transaction."""
        rule, done = seen.rule, ""
        if rule.action is not None:
            earlier = _acted_before(seen, rule.action, others)
            done = earlier or self._act(self._tx, seen.endpoint, rule.action, seen.sentence, self._now)
        return Symptom(
            key=seen.key,
            rule=rule.name,
            severity=rule.severity,
            sentence=seen.sentence,
            since=seen.start,
            version=seen.version,
            happens=rule.happens,
            action=done,
            acts=rule.action,
        )

    def _again(self, alert: Alert, seen: Observation, over_at: datetime | None) -> None:
        """The same symptom is back within its cooldown."""
        gone = timedelta(0) if over_at is None else seen.end - over_at
        others = tuple(each for each in alert.symptoms if each.key != seen.key)
        was_open = alert.state != "resolved"
        symptom = self._symptom(seen, others)
        back = msgspec.structs.replace(alert, symptoms=(*others, symptom))
        if not was_open:
            back = msgspec.structs.replace(
                back,
                state="firing",
                resolved_at=None,
                told_severity=None,
                quiet_until=self._now + max(timedelta(0), seen.rule.cooldown - gone),
            )
        self._tx.alerts.update(back)
        self._note_symptom(back, "again", symptom)

    def _tell(self, alert: Alert, seen: Observation) -> None:
        """Keep the newest sentence of a symptom that goes on."""
        now = tuple(
            msgspec.structs.replace(each, sentence=seen.sentence) if each.key == seen.key else each
            for each in alert.symptoms
        )
        if now != alert.symptoms:
            self._tx.alerts.update(msgspec.structs.replace(alert, symptoms=now))

    def _over(self, id: int, key: str, at: datetime, sentence: str) -> None:
        alert = self._tx.alerts.get(id)
        symptoms = tuple(
            msgspec.structs.replace(each, over_at=at) if each.key == key else each for each in alert.symptoms
        )
        ended = msgspec.structs.replace(alert, symptoms=symptoms)
        self._note(ended, "over", sentence)
        left = [each for each in symptoms if each.over_at is None]
        if not left:
            ended = msgspec.structs.replace(ended, state="resolved", resolved_at=self._now)
            self._note(ended, "resolved", "nothing of it is left")
            notices.tell_resolved(self._tx, ended, self._now)
        self._tx.alerts.update(ended)

    def _note_symptom(self, alert: Alert, kind: EventKind, symptom: Symptom) -> None:
        self._note(alert, kind, symptom.sentence)
        if symptom.action:
            self._note(alert, "acted", symptom.action)

    def _note(self, alert: Alert, kind: EventKind, text: str) -> None:
        self._tx.alerts.add_event(alert.id, AlertEvent(at=self._now, kind=kind, actor=notices.ACTOR, text=text))


def _acted_before(seen: Observation, action: Action, others: Sequence[Symptom]) -> str:
    """That another rule has done this already because of the same version in the same window; empty if none has.

    Two rules on one verdict want one step back, not two.
    """
    for other in others:
        if (other.acts, other.version, other.since) == (action, seen.version, seen.start) and other.key != seen.key:
            return f"nothing more was done: rule {other.rule} had it done already"
    return ""


def _day(seen: Observation) -> datetime:
    return seen.start.replace(hour=0, minute=0, second=0, microsecond=0)


def _worst(*severities: Severity) -> Severity:
    return max(severities, key=SEVERITIES.index)
