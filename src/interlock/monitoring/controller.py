"""The monitoring loop: judges every day of event time once it has closed, and stores the verdicts.

Run by the controller process, beside releases. A day has closed when an event over an hour later is known, or when the
clock says so on an endpoint with live traffic. Verdicts and cursor are written in one transaction, so the loop can die
at any instant. Quality is judged two days later, when labels have had time to come, and again when more have come since
(`revisions`): what was said before stays.
"""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from time import monotonic

import numpy as np
import pyarrow as pa

from interlock.domain.verdict import Check, Verdict
from interlock.monitoring import quality
from interlock.monitoring.concept_drift import ConceptDrift
from interlock.monitoring.drift import past
from interlock.monitoring.evidence import Evidence
from interlock.monitoring.revisions import Revisions
from interlock.monitoring.scored_rows import ScoredRows
from interlock.monitoring.windows import HOUR
from interlock.predictions.reader import LogReader
from interlock.store.database import Store
from interlock.store.transaction import Transaction

_DAY = timedelta(days=1)

LABEL_MATURITY = timedelta(days=2)
"""How long after a day has closed its quality is judged."""

# Traffic within this time of the clock is live, not replayed: its days close by the clock too.
_LIVE = timedelta(hours=36)

# After this the loop returns, so that releases beside it are looked at.
_STEP_SECONDS = 0.5

_START = datetime(1900, 1, 1, tzinfo=UTC)

# Days read together: their pasts overlap.
_MOST_DAYS = 14


class MonitoringController:
    """Writes the verdicts of closed days.

    Args:
        store: Profiles in, verdicts out.
        reader: The log, for labels.
        clock: The time now, aware UTC.
    """

    def __init__(self, store: Store, reader: LogReader, clock: Callable[[], datetime]) -> None:
        self._store, self._reader, self._clock = store, reader, clock
        self._concept = ConceptDrift(reader)
        self._revisions = Revisions(store, reader, clock)

    def step(self) -> int:
        """Judge days that have closed, for about half a second.

        Returns:
            Days judged. 0 if nothing is due.
        """
        started, judged = monotonic(), 0
        with self._store.read() as tx:
            endpoints = [endpoint.name for endpoint in tx.endpoints.list()]
        for endpoint in endpoints:
            for work in (self._service_and_drift, self._revise, self._quality):
                judged += work(endpoint, started + _STEP_SECONDS)
        return judged

    def _service_and_drift(self, endpoint: str, until: float) -> int:
        cursor = f"monitoring:{endpoint}"
        days = self._due(endpoint, cursor, timedelta(0))
        if not days:
            return 0
        with self._store.read() as tx:
            evidence = Evidence.read(tx, endpoint, days[0], days[-1] + _DAY, past=past(_DAY))
        scored = ScoredRows(self._reader, endpoint, days[0], days[-1] + _DAY)
        found = [(day, _of_day(evidence, scored, day)) for day in _until(days, until)]
        return self._write(endpoint, cursor, found)

    def _quality(self, endpoint: str, until: float) -> int:
        cursor = _quality_cursor(endpoint)
        days = self._due(endpoint, cursor, LABEL_MATURITY)
        if not days:
            return 0
        with self._store.read() as tx:
            evidence = Evidence.read(tx, endpoint, days[0], days[-1] + _DAY)
        labelled = self._reader.labelled(endpoint, since=days[0], until=days[-1] + _DAY, columns=quality.COLUMNS)
        by_day = labelled["event_at"].to_numpy().astype("datetime64[D]")
        found = []
        for day in _until(days, until):
            rows = labelled.filter(pa.array(by_day == np.datetime64(day.date())))
            checks = evidence.quality(rows, day, day + _DAY)
            judged = evidence.judged(day, day + _DAY)
            checks += self._concept.checks(endpoint, evidence.detectors, judged, day, day + _DAY)
            found.append((day, checks))
        return self._write(endpoint, cursor, found)

    def _revise(self, endpoint: str, until: float) -> int:
        with self._store.read() as tx:
            judged_upto = tx.cursors.get(_quality_cursor(endpoint))
        return self._revisions.step(endpoint, datetime.fromisoformat(judged_upto) if judged_upto else None, until)

    def _due(self, endpoint: str, cursor: str, maturity: timedelta) -> list[datetime]:
        """Closed days from the cursor on, at most `_MOST_DAYS`."""
        with self._store.read() as tx:
            latest, value = tx.profiles.latest_hour(endpoint), tx.cursors.get(cursor)
            if latest is None:
                return []
            first = datetime.fromisoformat(value) if value else _first_day(tx, endpoint, latest)
        # An hour later, as other gateways may still hold events of the day.
        now = self._clock()
        closed = max(latest, now) - HOUR if now - latest < _LIVE else latest - HOUR
        days = (closed - maturity - first) // _DAY
        return [first + number * _DAY for number in range(min(max(days, 0), _MOST_DAYS))]

    def _write(self, endpoint: str, cursor: str, found: list[tuple[datetime, list[Check]]]) -> int:
        if not found:
            return 0
        at = self._clock()
        verdicts = [
            Verdict(endpoint=endpoint, window_start=day, window_end=day + _DAY, check=check, at=at)
            for day, checks in found
            for check in checks
        ]
        with self._store.transaction() as tx:
            tx.verdicts.append(verdicts)
            tx.cursors.set(cursor, (found[-1][0] + _DAY).isoformat())
        return len(found)


def _of_day(evidence: Evidence, scored: ScoredRows, day: datetime) -> list[Check]:
    end = day + _DAY
    return [*evidence.service_and_drift(day, end), *evidence.estimates(scored, day, end)]


def _quality_cursor(endpoint: str) -> str:
    return f"monitoring.quality:{endpoint}"


def _first_day(tx: Transaction, endpoint: str, latest: datetime) -> datetime:
    hours = [hour for _, hour, _ in tx.profiles.between(endpoint, _START, latest + HOUR)]
    return min(hours).replace(hour=0)


def _until(days: list[datetime], until: float) -> Iterator[datetime]:
    """Days while there is time; the first one always, or a slow machine would never get on."""
    for number, day in enumerate(days):
        if number and monotonic() > until:
            return
        yield day
