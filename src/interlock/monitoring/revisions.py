"""Judges the quality of a day again when labels have come since, and keeps what was said before.

Run by the monitoring loop after it has judged what is new. A verdict is appended where the labels have changed what a
check finds, with its `revision` counted up; the last one of a check is what is known now, and the ones before it are
what was known then. A day is judged again once an hour at most, as labels trickle in for weeks. Where it stopped stands
in the store beside what it wrote, so it can die at any instant.

    judged ──labels or late predictions come──► pending ──an hour after the last verdict──► judged again
                                                   ▲                                            │
                                                   └──────────────────────more come─────────────┘
"""

from collections.abc import Callable, Iterator
from datetime import datetime, timedelta
from time import monotonic

import msgspec

from interlock.domain.verdict import Check, Verdict
from interlock.monitoring import quality
from interlock.monitoring.concept_drift import ConceptDrift
from interlock.monitoring.evidence import Evidence
from interlock.predictions.changed_days import Seen
from interlock.predictions.reader import LogReader
from interlock.store.database import Store
from interlock.store.transaction import Transaction

_DAY = timedelta(days=1)
_PAUSE = timedelta(hours=1)

# To look what changed is to read what came and the ids it may mean: at most a twentieth of this process's time.
_LOOK_SECONDS = 5.0
_PAUSES_PER_COST = 20

# What labels tell.
_SIGNALS = ("quality", "concept")


_Named = tuple[str | None, str]
"""Version and name of a check."""


class _Pending(msgspec.Struct, frozen=True):
    """A day to be judged again, and from when on."""

    day: datetime
    due_at: datetime


class _State(msgspec.Struct, frozen=True, kw_only=True):
    """Where it stopped: how far the log was looked at, and days that are not judged again yet, in order."""

    seen: Seen = Seen()
    pending: tuple[_Pending, ...] = ()


class Revisions:
    """Revises the verdicts on quality of days that were judged.

    Args:
        store: Verdicts, profiles and cursors.
        reader: The log.
        clock: The time now, aware UTC.
    """

    def __init__(self, store: Store, reader: LogReader, clock: Callable[[], datetime]) -> None:
        self._store, self._reader, self._clock = store, reader, clock
        self._concept = ConceptDrift(reader)
        self._look_again: dict[str, float] = {}

    def step(self, endpoint: str, judged_upto: datetime | None, until: float) -> int:
        """Judge days again that are due, while there is time.

        Called before new days are judged: those are judged with all that has come until then.

        Args:
            endpoint: Whose.
            judged_upto: Days before this one have been judged once; None if none has.
            until: Monotonic time at which no further day is begun.

        Returns:
            Days judged.
        """
        name = f"monitoring.revisions:{endpoint}"
        with self._store.read() as tx:
            value = tx.cursors.get(name)
        state = msgspec.json.decode(value, type=_State) if value else _State()
        looked = self._look(endpoint, state, judged_upto)
        done, verdicts = self._judge(
            endpoint, [each.day for each in looked.pending if each.due_at <= self._clock()], until
        )
        left = _State(seen=looked.seen, pending=tuple(each for each in looked.pending if each.day not in done))
        if left != state:
            with self._store.transaction() as tx:
                tx.verdicts.append(verdicts)
                tx.cursors.set(name, msgspec.json.encode(left).decode())
        return len(done)

    def _look(self, endpoint: str, state: _State, judged_upto: datetime | None) -> _State:
        """Add the days that changed since the last look."""
        began = monotonic()
        if began < self._look_again.get(endpoint, began):
            return state
        upto = self._reader.seen_now(endpoint)
        pending = state.pending
        if upto != state.seen and judged_upto is not None:
            changed = self._reader.changed_days(endpoint, state.seen, upto)
            new = {day for day in changed if day < judged_upto} - {each.day for each in pending}
            with self._store.read() as tx:
                added = [_Pending(day, self._due_at(_last(tx, endpoint, day))) for day in new]
            pending = tuple(sorted((*pending, *added), key=lambda each: each.day))
        ended = monotonic()
        self._look_again[endpoint] = ended + max(_LOOK_SECONDS, _PAUSES_PER_COST * (ended - began))
        return _State(seen=upto, pending=pending)

    def _due_at(self, known: dict[_Named, Verdict]) -> datetime:
        return max((verdict.at for verdict in known.values()), default=self._clock() - _PAUSE) + _PAUSE

    def _judge(self, endpoint: str, days: list[datetime], until: float) -> tuple[set[datetime], list[Verdict]]:
        done: set[datetime] = set()
        verdicts: list[Verdict] = []
        for day in days:
            if done and monotonic() > until:
                break
            with self._store.read() as tx:
                known, evidence = _last(tx, endpoint, day), Evidence.read(tx, endpoint, day, day + _DAY)
            rows = self._reader.labelled(endpoint, since=day, until=day + _DAY, columns=quality.COLUMNS)
            checks = evidence.quality(rows, day, day + _DAY)
            judged = evidence.judged(day, day + _DAY)
            checks += self._concept.checks(endpoint, evidence.detectors, judged, day, day + _DAY)
            verdicts += self._revised(endpoint, day, checks, known)
            done.add(day)
        return done, verdicts

    def _revised(
        self, endpoint: str, day: datetime, checks: list[Check], known: dict[_Named, Verdict]
    ) -> Iterator[Verdict]:
        for check in checks:
            before = known.get((check.version, check.name))
            if before is None or _differ(check, before.check):
                yield Verdict(
                    endpoint=endpoint,
                    window_start=day,
                    window_end=day + _DAY,
                    check=check,
                    at=self._clock(),
                    revision=before.revision + 1 if before else 1,
                )


def _last(tx: Transaction, endpoint: str, day: datetime) -> dict[_Named, Verdict]:
    """The last verdict of each check of quality of a day."""
    said = tx.verdicts.list(endpoint, since=day, until=day + _DAY)
    return {(one.check.version, one.check.name): one for one in said if one.check.signal in _SIGNALS}


def _differ(check: Check, before: Check) -> bool:
    return (check.outcome, check.rows, check.value) != (before.outcome, before.rows, before.value)
