"""The alerting loop: turns what was stored since it last looked into incidents, and incidents into notices.

Run by the controller process, beside releases and monitoring. Cursor, incidents and notices are written in one
transaction, so it can die at any instant and each cause is one incident. It sends nothing: `courier` does. A verdict
that the rules cannot take is set aside, counted and told of (`taking`); the others go on.

Its first step on a home remembers where verdicts and audit log are and alerts nobody of what was before.
"""

import logging
from collections.abc import Callable, Iterator, Sequence, Set
from datetime import datetime, timedelta
from pathlib import Path

import msgspec

from interlock.domain.alert import Alert, Condition, Symptom
from interlock.domain.alert_rule import WrittenRule
from interlock.domain.errors import InvalidInputError, NotFoundError
from interlock.monitoring import device_signals, log_signals, notices, release_signals, verdict_signals, written_signals
from interlock.monitoring.alert_rules import DEFAULTS, FROM_THE_CLOCK
from interlock.monitoring.incidents import Act, Incidents
from interlock.monitoring.observation import Observation
from interlock.monitoring.taking import Taking
from interlock.predictions import reconciliation
from interlock.predictions.reconciliation import ReconciliationReport
from interlock.store.database import Store
from interlock.store.transaction import Transaction
from interlock.store.verdicts import NumberedVerdict

_log = logging.getLogger(__name__)

_CURSOR = "alerts"

# What depends on the clock and not on what was stored: reports, silences that end, versions that serve no more.
_LOOK_EVERY = timedelta(seconds=10)

# A machine that is gone for good has nobody who would say that its collector is well.
_REPORTED_WITHIN = timedelta(minutes=10)

# Verdicts taken in one transaction; an endpoint has some sixty a day.
_MOST_VERDICTS = 500


class _Seen(msgspec.Struct, kw_only=True):
    """Where it stopped: the last verdict and audit entry, and how many of them were ever set aside; by place, then by
    endpoint, the rows that were told of.
    """

    verdict: int
    audit: int
    set_aside: int = 0
    quarantined: dict[str, dict[str, int]] = {}
    unrecorded: dict[str, dict[str, int]] = {}


class Alerting:
    """Makes incidents.

    Args:
        store: Verdicts, audit log and traffic plans in; incidents and notices out.
        report: File of the collector's report.
        clock: The time now, aware UTC.
        act: Does what a rule wants done to an endpoint's traffic.
        place: This machine's name, if others may share the store: each has a collector of its own.
        broker: File in which the subscriber says how its broker is; None if there is no broker.
    """

    def __init__(
        self,
        store: Store,
        report: Path,
        clock: Callable[[], datetime],
        act: Act,
        *,
        place: str = "",
        broker: Path | None = None,
    ) -> None:
        self._store, self._report_path, self._clock, self._broker = store, report, clock, broker
        self._act, self._place = act, place
        self._started_at = self._next_look = clock()

    def step(self) -> int:
        """Take in what is new.

        Returns:
            Verdicts and moves of releases taken in. 0 if nothing was new.
        """
        now = self._clock()
        look = now >= self._next_look
        if not look and not self._has_news():
            return 0
        report = self._report() if look else None
        with self._store.transaction() as tx:
            seen, rules = _seen(tx), tx.alert_rules.list()
            off = {rule.name for rule in rules if rule.off}
            incidents = Incidents(tx, now, self._act, off)
            before = msgspec.json.encode(seen)
            taking = Taking(tx, incidents)
            taken = _take_verdicts(tx, incidents, taking, seen) + _take_moves(tx, incidents, taking, seen)
            seen.set_aside += taking.tell(now)
            if look:
                incidents.look(log_signals.of_collector(report, self._started_at, now, self._place))
                _take_report(incidents, seen, report, self._place)
                self._look_at_devices(tx, incidents, report, now)
            # First told, then ended: a version that a rule has just taken out of the traffic serves no more.
            notices.tell_open(tx, now)
            if look:
                _end_what_is_gone(tx, incidents, now, _in_force(rules))
            if (after := msgspec.json.encode(seen)) != before or tx.cursors.get(_CURSOR) is None:
                tx.cursors.set(_CURSOR, after.decode())
        if look:
            self._next_look = now + _LOOK_EVERY
        return taken

    def _look_at_devices(
        self, tx: Transaction, incidents: Incidents, report: ReconciliationReport | None, now: datetime
    ) -> None:
        """Silence is only known while the collector brings what devices say."""
        is_heard = not log_signals.of_collector(report, self._started_at, now).is_bad
        for look in device_signals.of_sensors(tx.telemetry.list(), tx.telemetry.expectations(), now, is_heard=is_heard):
            incidents.look(look)
        if self._broker is not None:
            incidents.look(device_signals.of_broker(self._broker, self._started_at, now, self._place))

    def _has_news(self) -> bool:
        with self._store.read() as tx:
            seen = _seen(tx)
            return tx.verdicts.newest() > seen.verdict or tx.audit.newest() > seen.audit

    def _report(self) -> ReconciliationReport | None:
        try:
            return reconciliation.load(self._report_path)
        except (OSError, msgspec.MsgspecError):
            _log.warning("the collector's report cannot be read", exc_info=True)
            return None


def _seen(tx: Transaction) -> _Seen:
    value = tx.cursors.get(_CURSOR)
    if value is None:
        return _Seen(verdict=tx.verdicts.newest(), audit=tx.audit.newest())
    return msgspec.json.decode(value, type=_Seen)


def set_aside_ever(tx: Transaction) -> int:
    """How many verdicts and moves the alert rules could not take, since the home was made."""
    return _seen(tx).set_aside


def _in_force(written: Sequence[WrittenRule]) -> set[str]:
    """Names of the rules that look at anything."""
    known = {rule.name for rule in DEFAULTS} | {rule.name for rule in written}
    return known - {rule.name for rule in written if rule.off}


def _take_verdicts(tx: Transaction, incidents: Incidents, taking: Taking, seen: _Seen) -> int:
    rules = tx.alert_rules.list()
    found = tx.verdicts.after(seen.verdict, limit=_MOST_VERDICTS)
    for each in found:
        seen.verdict = each.number
        with taking.of(each.endpoint, f"verdict {each.number}"):
            # All of them first: what one of them does may take the version out of the traffic.
            for look in list(_looks_of(tx, each, rules)):
                incidents.look(look)
    return len(found)


def _looks_of(tx: Transaction, each: NumberedVerdict, rules: Sequence[WrittenRule]) -> Iterator[Observation]:
    if each.verdict is None:
        raise InvalidInputError(f"it cannot be read: {each.fault}")
    yield from verdict_signals.observations(tx, each.verdict)
    yield from written_signals.observations(tx, each.verdict, rules)


def _take_moves(tx: Transaction, incidents: Incidents, taking: Taking, seen: _Seen) -> int:
    moves = tx.audit.after(seen.audit, release_signals.ACTIONS)
    seen.audit = tx.audit.newest()
    for entry in moves:
        with taking.of(entry.subject, f"audit entry {entry.number}"):
            for look in release_signals.observations(entry):
                incidents.look(look)
    return len(moves)


def _take_report(incidents: Incidents, seen: _Seen, report: ReconciliationReport | None, place: str) -> None:
    if report is None or not report.endpoints:
        return
    quarantined, unrecorded = seen.quarantined.setdefault(place, {}), seen.unrecorded.setdefault(place, {})
    looks = [
        *log_signals.of_sums(report, place),
        *log_signals.of_set_aside(report, quarantined, unrecorded, place),
    ]
    for look in looks:
        incidents.look(look)
    quarantined |= {endpoint: rows.quarantined for endpoint, rows in report.endpoints.items() if rows.quarantined}
    unrecorded |= {endpoint: rows.unrecorded for endpoint, rows in report.endpoints.items() if rows.unrecorded}


def _end_what_is_gone(tx: Transaction, incidents: Incidents, now: datetime, in_force: Set[str]) -> None:
    """End symptoms that nobody will look at again."""
    for alert in tx.alerts.open():
        known = tx.alert_conditions.list(alert.endpoint)
        for symptom in alert.symptoms:
            if symptom.over_at is not None:
                continue
            reason = _gone(tx, alert, symptom, known.get(symptom.key), now)
            if symptom.rule not in in_force:
                reason = f"rule {symptom.rule} is in force no more"
            if reason:
                incidents.end(alert, symptom.key, reason)


def _gone(tx: Transaction, alert: Alert, symptom: Symptom, condition: Condition | None, now: datetime) -> str:
    """Why a symptom will not be looked at again; empty if it will."""
    if alert.endpoint:
        try:
            tx.endpoints.get(alert.endpoint)
        except NotFoundError:
            return f"endpoint {alert.endpoint} was deleted"
    if symptom.version is not None and not verdict_signals.serves(tx, alert.endpoint, symptom.version):
        return f"{symptom.version} serves no more"
    if symptom.rule in FROM_THE_CLOCK and condition is not None and now - condition.bad_until > _REPORTED_WITHIN:
        return "no machine reports of it any more"
    return ""
