"""What people do with alerts: look, acknowledge, silence. Called by the control API; each act is in the audit log."""

import builtins
from collections.abc import Callable, Collection, Mapping
from datetime import datetime
from typing import Any, Literal

import msgspec

from interlock.domain.access import Act, Key
from interlock.domain.alert import Alert, AlertEvent, Silence
from interlock.domain.alert_rule import WrittenRule, parse
from interlock.domain.errors import ConflictError, InvalidInputError
from interlock.monitoring.alert_rules import DEFAULTS
from interlock.store.database import Store
from interlock.store.transaction import Transaction

Wanted = Literal["open", "firing", "acknowledged", "resolved"]


class Alerts:
    """Incidents and silences.

    Args:
        store: Where they are.
        clock: Aware UTC now.
    """

    def __init__(self, store: Store, clock: Callable[[], datetime]) -> None:
        self._store, self._clock = store, clock

    def list(
        self,
        endpoint: str | None = None,
        *,
        state: Wanted | None = None,
        limit: int = 100,
        among: Collection[str] = (),
    ) -> list[Alert]:
        """The newest incidents, newest first, of all endpoints or of one, in all states or in one.

        Args:
            among: Only of these endpoints, as a key is limited to; empty is all.
        """
        with self._store.read() as tx:
            if state in (None, "resolved"):
                return tx.alerts.list(endpoint, is_open=None if state is None else False, limit=limit, among=among)
            found = [each for each in tx.alerts.open(endpoint) if state in ("open", each.state)]
            return [each for each in found[::-1] if not among or each.endpoint in among][:limit]

    def get(self, id: int) -> Alert:
        """Raises NotFoundError."""
        with self._store.read() as tx:
            return tx.alerts.get(id)

    def show(self, id: int) -> dict[str, Any]:
        """An incident with its history and what became of its notices.

        Raises:
            NotFoundError: There is no such incident.
        """
        with self._store.read() as tx:
            alert, events, deliveries = tx.alerts.get(id), tx.alerts.events(id), tx.deliveries.of_alert(id)
        told = [
            {
                "id": each.id,
                "channel": each.channel,
                "kind": each.notice.kind,
                "attempts": each.attempts,
                "delivered_at": each.delivered_at,
                "given_up_at": each.given_up_at,
                "next_try_at": None if each.delivered_at or each.given_up_at else each.next_try_at,
                "last_error": each.last_error,
            }
            for each in deliveries
        ]
        return {**describe(alert), "events": [msgspec.structs.asdict(each) for each in events], "deliveries": told}

    def acknowledge(self, id: int, *, actor: Key, reason: str = "") -> Alert:
        """Take an incident on. Of what only happens once, as a rollback does, nothing is left then: it is resolved.

        Raises:
            NotFoundError: There is no such incident.
            ConflictError: It is resolved.
        """
        now = self._clock()
        with self._store.transaction() as tx:
            alert = tx.alerts.get(id)
            if alert.state == "acknowledged":
                # Asked twice, done once.
                return alert
            if alert.state == "resolved":
                raise ConflictError(
                    f"alert {id} is resolved since {alert.resolved_at}; there is nothing to acknowledge"
                )
            taken = msgspec.structs.replace(
                alert, state="acknowledged", acknowledged_at=now, acknowledged_by=actor.name
            )
            _note(tx, taken, AlertEvent(at=now, kind="acknowledged", actor=actor.name, text=reason))
            if all(each.happens for each in alert.symptoms):
                taken = msgspec.structs.replace(taken, state="resolved", resolved_at=now)
                for each in alert.symptoms:
                    tx.alert_conditions.set(alert.endpoint, each.key, None)
                _note(tx, taken, AlertEvent(at=now, kind="resolved", actor=actor.name, text="somebody knows"))
            tx.alerts.update(taken)
            details = {"endpoint": alert.endpoint, "title": alert.title, "reason": reason}
            tx.audit.append(now, actor.name, actor.role, "alert.acknowledge", f"alert {id}", details)
        return taken

    def silence(self, endpoint: str, *, until: datetime, actor: Key, reason: str = "") -> Silence:
        """Tell nobody of an endpoint's incidents until a time. They are kept; those still firing then are told of.

        Args:
            endpoint: Whose; empty is all, and the server's own.
            until: Its end.
            actor: Who asks.
            reason: Why, for who wonders.

        Raises:
            NotFoundError: There is no such endpoint.
            InvalidInputError: The end is not in the future.
        """
        now = self._clock()
        if until <= now:
            raise InvalidInputError(f"until == {until.isoformat()}, must be after now, {now.isoformat()}")
        silence = Silence(endpoint=endpoint, until=until, created_at=now, created_by=actor.name, reason=reason)
        with self._store.transaction() as tx:
            if endpoint:
                tx.endpoints.get(endpoint)
            added = tx.silences.add(silence)
            details = {"silence": added.id, "until": until.isoformat(), "reason": reason}
            tx.audit.append(now, actor.name, actor.role, "alert.silence", endpoint or "all endpoints", details)
        return added

    def silences(self) -> builtins.list[Silence]:
        """All, newest first, also those that have ended."""
        with self._store.read() as tx:
            return tx.silences.list()

    def rules(self) -> builtins.list[WrittenRule]:
        """Those that people wrote, by name."""
        with self._store.read() as tx:
            return tx.alert_rules.list()

    def apply_rules(self, document: Mapping[str, Any], *, actor: Key) -> builtins.list[WrittenRule]:
        """Put the rules of a file in the place of all that were written before.

        Args:
            document: `{"rules": [...]}`, see `WrittenRule`.
            actor: Who asks.

        Raises:
            InvalidInputError: Every fault of every rule.
        """
        rules = parse(document, [rule.name for rule in DEFAULTS])
        with self._store.transaction() as tx:
            replace_rules(tx, rules, Act(actor, self._clock()))
        return rules


def replace_rules(tx: Transaction, rules: builtins.list[WrittenRule], act: Act) -> None:
    """Put rules in the place of all that were written before, as a part of a transaction."""
    details = {"rules": [msgspec.to_builtins(rule) for rule in rules]}
    tx.alert_rules.replace(rules)
    tx.audit.append(act.at, act.actor.name, act.actor.role, "alert.rules", "alert rules", details)


def describe(alert: Alert) -> dict[str, Any]:
    """An incident for people and scripts."""
    return {"id": alert.id, "title": alert.title, **msgspec.structs.asdict(alert)}


def _note(tx: Transaction, alert: Alert, event: AlertEvent) -> None:
    tx.alerts.add_event(alert.id, event)
