"""Starts runs by itself: by schedule, age, drift, lost quality, volume of labels, new code, or an alert rule.

A step beside the retraining controller. A cause is remembered until a run was asked for, and one is asked for when no
brake holds: another run or release, the cooldown, the budget of a week, too few new labels. What is remembered is
written in the transaction that asks, so it can die at any instant and each cause asks once.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

import msgspec
from cronsim import CronSim

from interlock.domain.retraining import Retraining
from interlock.domain.run import Run
from interlock.domain.verdict import Verdict
from interlock.learning import asking
from interlock.learning.actions import WISH
from interlock.learning.asking import DRIFT, Asked
from interlock.learning.code_watch import CodeWatch
from interlock.learning.run_road import Mover
from interlock.store.database import Store
from interlock.store.transaction import Transaction

ACTOR = "retraining"

_CURSOR = "retraining"
_LOOK_EVERY = timedelta(seconds=5)
_WEEK = timedelta(days=7)
# Verdicts taken in one step; an endpoint has some sixty a day.
_MOST_VERDICTS = 500
_MOST_CAUSES = 5


class Watched(msgspec.Struct, kw_only=True):
    """What is remembered of one endpoint.

    Args:
        since: When its last run was asked for; before the first one, when it was first looked at.
        run: Number of that run.
        labels: Labels that had come then.
        code: Digest of the trainer's code then; empty if nobody knew it.
        causes: What wants a run since then.
        waits: Why none was asked for yet; empty if nothing wants one.
    """

    since: datetime
    run: int
    labels: int
    code: str = ""
    causes: list[str] = []
    waits: str = ""


class _Seen(msgspec.Struct, kw_only=True):
    """Where it stopped: the last verdict and audit entry, and each endpoint."""

    verdict: int
    audit: int
    endpoints: dict[str, Watched] = {}


class Triggers:
    """Asks for runs.

    Args:
        store: Declarations, verdicts and runs.
        clock: Aware UTC.
    """

    def __init__(self, store: Store, clock: Callable[[], datetime]) -> None:
        self._store, self._clock = store, clock
        self._code = CodeWatch(clock)
        self._next_look = clock()

    def step(self) -> list[Run]:
        """Look whether runs are due. Returns those that were asked for."""
        now = self._clock()
        if now < self._next_look:
            return []
        self._next_look = now + _LOOK_EVERY
        with self._store.read() as tx:
            declared = tx.retrainings.list()
        if not declared:
            return []
        codes = self._codes(declared)
        with self._store.read() as tx:
            found = _look(tx, now, codes)
            if found.encoded() == tx.cursors.get(_CURSOR) and not found.asks:
                return []
        with self._store.transaction() as tx:
            found = _look(tx, now, codes)
            runs = [
                asking.ask(tx, endpoint, asked, Mover(ACTOR, "system", now)) for endpoint, asked in found.asks.items()
            ]
            for run in runs:
                labels = found.labels.get(run.endpoint, 0)
                code = codes.get(run.endpoint, "")
                found.seen.endpoints[run.endpoint] = Watched(since=now, run=run.number, labels=labels, code=code)
            tx.cursors.set(_CURSOR, found.encoded())
        return runs

    def _codes(self, declared: dict[str, Retraining]) -> dict[str, str]:
        """By endpoint, the digest of its trainer's code where a change of it starts a run."""
        watched = {name: each.code for name, each in declared.items() if each.triggers.new_code and each.code}
        return {name: self._code.digest(folder) for name, folder in watched.items()}


@dataclass(frozen=True, slots=True)
class _Found:
    """Runs to ask for, what is to be remembered, and the labels that have come, by endpoint."""

    asks: dict[str, Asked]
    seen: _Seen
    labels: dict[str, int]

    def encoded(self) -> str:
        return msgspec.json.encode(self.seen).decode()


def _look(tx: Transaction, now: datetime, codes: dict[str, str]) -> _Found:
    seen, declared = _seen(tx), tx.retrainings.list()
    labels = {endpoint: rows.labels for endpoint, rows in tx.spools.totals().items()}
    watched = {endpoint: _watched(tx, seen, endpoint, now, labels.get(endpoint, 0)) for endpoint in declared}
    wishes = _wishes(tx, seen, declared, watched)
    asks: dict[str, Asked] = {}
    for endpoint, code in codes.items():
        if endpoint in watched:
            watched[endpoint].code = watched[endpoint].code or code
    for endpoint, settings in declared.items():
        look = _Look(tx, endpoint, settings, watched[endpoint], now, labels.get(endpoint, 0), codes.get(endpoint, ""))
        asked = look.decide(wishes.get(endpoint, []))
        if asked is not None:
            asks[endpoint] = asked
    seen.endpoints = watched
    return _Found(asks, seen, labels)


def waits(tx: Transaction, endpoint: str) -> Watched | None:
    """What is remembered of an endpoint, for whoever shows it."""
    value = tx.cursors.get(_CURSOR)
    return None if value is None else msgspec.json.decode(value, type=_Seen).endpoints.get(endpoint)


def _seen(tx: Transaction) -> _Seen:
    value = tx.cursors.get(_CURSOR)
    if value is None:
        # What was before anybody declared anything wants nothing.
        return _Seen(verdict=tx.verdicts.newest(), audit=tx.audit.newest())
    return msgspec.json.decode(value, type=_Seen)


def _watched(tx: Transaction, seen: _Seen, endpoint: str, now: datetime, labels: int) -> Watched:
    """What is remembered of an endpoint; begun anew when it is new here, or has had another run."""
    newest = tx.runs.next_number(endpoint) - 1
    known = seen.endpoints.get(endpoint)
    if known is not None and known.run == newest:
        return known
    last = next((run for run in tx.runs.list(endpoint) if run.number == newest), None)
    code = last.code.digest if last is not None and last.code is not None else ""
    return Watched(since=last.created_at if last is not None else now, run=newest, labels=labels, code=code)


def _wishes(
    tx: Transaction, seen: _Seen, declared: dict[str, Retraining], watched: dict[str, Watched]
) -> dict[str, list[str]]:
    """Causes that verdicts and alert rules gave since the last look, and the last run, by endpoint."""
    found: dict[str, list[str]] = {}
    for each in tx.verdicts.after(seen.verdict, limit=_MOST_VERDICTS):
        seen.verdict, endpoint = each.number, each.endpoint
        if each.verdict is None or endpoint not in declared or each.verdict.at <= watched[endpoint].since:
            continue
        if cause := _cause_of(tx, each.verdict, declared[endpoint]):
            found.setdefault(endpoint, []).append(cause)
    for entry in tx.audit.after(seen.audit, (WISH,)):
        seen.audit = entry.number
        if entry.subject in declared and entry.at > watched[entry.subject].since:
            found.setdefault(entry.subject, []).append(f"alert: {entry.details['reason']}")
    return found


def _cause_of(tx: Transaction, verdict: Verdict, settings: Retraining) -> str:
    """Why a verdict wants a run; empty if it does not. Of versions only the champion counts."""
    check = verdict.check
    if check.outcome != "breach" or check.version not in (None, tx.plans.current(verdict.endpoint).champion):
        return ""
    if check.signal in ("input", "output") and check.name.startswith("drift") and settings.triggers.on_drift:
        return f"{DRIFT}: {check.name}"
    if check.signal == "concept" and settings.triggers.on_concept_drift:
        return f"concept drift: {check.details.get('reason', check.name)}"
    if check.signal == "quality" and settings.triggers.on_quality:
        value = "" if check.value is None else f" {check.value:.4g}"
        return f"quality: {check.name}{value}, expected {check.expected}"
    return ""


class _Look:
    """One endpoint at one time."""

    def __init__(
        self,
        tx: Transaction,
        endpoint: str,
        settings: Retraining,
        watched: Watched,
        now: datetime,
        labels: int,
        code: str,
    ) -> None:
        self._tx, self._endpoint, self._settings = tx, endpoint, settings
        self._watched, self._now = watched, now
        self._new_labels, self._code = labels - watched.labels, code

    def decide(self, wishes: list[str]) -> Asked | None:
        """What to ask for. Remembers causes, and why none was asked for."""
        watched = self._watched
        remembered = [*watched.causes, *wishes]
        watched.causes = list(dict.fromkeys(remembered))[:_MOST_CAUSES]
        causes = [*watched.causes, *self._by_the_clock()]
        if not causes:
            watched.waits = ""
            return None
        watched.waits = self._brake()
        if watched.waits:
            return None
        settings = self._settings
        return Asked(settings, settings.mode, "; ".join(causes), wants_release=settings.release is not None)

    def _by_the_clock(self) -> list[str]:
        """Causes that are true now, and need not be remembered."""
        triggers, since, found = self._settings.triggers, self._watched.since, []
        if triggers.cron is not None and next(CronSim(triggers.cron, since)) <= self._now:
            found.append(f"schedule {triggers.cron}")
        if triggers.every_hours is not None and self._now - since >= timedelta(hours=triggers.every_hours):
            found.append(f"{triggers.every_hours:g} hours since the last run")
        if triggers.max_age_days is not None and self._age() >= timedelta(days=triggers.max_age_days):
            found.append(f"the champion is {self._age().days} days old")
        if triggers.new_labels is not None and self._new_labels >= triggers.new_labels:
            found.append(f"{self._new_labels} new labels")
        if self._code and self._code != self._watched.code:
            found.append(f"new training code in {self._settings.code}")
        return found

    def _age(self) -> timedelta:
        champion = self._tx.models.get(self._tx.plans.current(self._endpoint).champion)
        return self._now - champion.created_at

    def _brake(self) -> str:
        """Why no run may begin; empty if one may."""
        tx, settings, watched = self._tx, self._settings, self._watched
        for run in tx.runs.active(self._endpoint):
            return f"run {run.id} is {run.state}"
        for release in tx.releases.active(self._endpoint) if settings.release is not None else ():
            return f"release {release.id} is {release.state}"
        allowed_at = watched.since + timedelta(hours=settings.cooldown_hours)
        if watched.run and self._now < allowed_at:
            return f"cooldown until {allowed_at:%Y-%m-%d %H:%M} UTC"
        recent = [run for run in tx.runs.list(self._endpoint) if _counts(run) and self._now - run.created_at < _WEEK]
        if len(recent) >= settings.per_week:
            return f"{len(recent)} runs in the last week, of {settings.per_week}"
        if self._new_labels < settings.fewest_new_labels:
            return f"{self._new_labels} new labels, of {settings.fewest_new_labels}"
        return ""


def _counts(run: Run) -> bool:
    """Whether a run was started by a trigger."""
    return run.created_by == ACTOR
