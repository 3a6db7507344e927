"""What monitoring tells people: the state of an endpoint in a window, and its months.

Called by the CLI, the control API and the demo. Windows are of event time and end at the newest event known, so
replayed traffic is judged like live traffic. Everything is computed at the call: labels that came late count.
"""

from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import numpy as np
import pyarrow as pa

from interlock.domain.model import ModelVersion
from interlock.domain.verdict import Check
from interlock.monitoring import quality
from interlock.monitoring.concept_drift import ConceptDrift
from interlock.monitoring.drift import past
from interlock.monitoring.evidence import Evidence
from interlock.monitoring.labelled import by_version
from interlock.monitoring.scored_rows import ScoredRows
from interlock.monitoring.windows import HOUR
from interlock.predictions.reader import LogReader
from interlock.store.database import Store
from interlock.store.transaction import Transaction

Clock = Callable[[], datetime]

_BY_MONTH = {
    "binary": ("roc_auc", "brier", "accuracy"),
    "multiclass": ("accuracy", "macro_f1", "log_loss"),
    "regression": ("mae", "rmse"),
    "other": (),
}
# Half of the hours of a week: nobody flies at night.
_FEWEST_HOURS = 84
_EARLIEST = datetime(1900, 1, 1, tzinfo=UTC)
_SAME_TIME = timedelta(days=7)


class Monitoring:
    """Reads the store's profiles and the log's labels.

    Args:
        store: Profiles, service counts, versions.
        reader: The log.
        clock: The time now, aware UTC; only used where nothing has happened yet.
    """

    def __init__(self, store: Store, reader: LogReader, clock: Clock) -> None:
        self._store, self._reader, self._clock = store, reader, clock

    def report(
        self,
        endpoint: str,
        *,
        window: timedelta = timedelta(hours=24),
        since: datetime | None = None,
        until: datetime | None = None,
        estimates: bool = True,
    ) -> dict[str, Any]:
        """Judge a window.

        Args:
            endpoint: Whose.
            window: Its length, if `since` is not given.
            since: Its beginning, rounded down to the hour.
            until: Its end, rounded up to the hour. Default: the end of the newest hour with an event.
            estimates: Whether quality is estimated from scores too, which reads rows and takes about a second.

        Returns:
            As `monitor --json`, with `since`, `until` and `rows`.

        Raises:
            NotFoundError: There is no such endpoint.
            ValueError: The window has no length.
        """
        with self._store.read() as tx:
            tx.endpoints.get(endpoint)
            latest = _latest_hour(tx, endpoint)
            end = _hour(until - timedelta(microseconds=1) if until else latest or self._clock()) + HOUR
            start = _hour(since) if since else end - max(HOUR, _hours_of(window))
            if start >= end:
                raise ValueError(f"since == {since}, must be before until == {end}")
            evidence = Evidence.read(tx, endpoint, start, end, past=past(end - start))
        checks = evidence.service_and_drift(start, end)
        if estimates:
            checks += evidence.estimates(ScoredRows(self._reader, endpoint, start, end), start, end)
        labelled = self._reader.labelled(endpoint, since=start, until=end, columns=quality.COLUMNS)
        if labelled.num_rows or self._reader.has_labels(endpoint):
            checks += evidence.quality(labelled, start, end)
            judged = evidence.judged(start, end)
            checks += ConceptDrift(self._reader).checks(endpoint, evidence.detectors, judged, start, end)
        return {
            "endpoint": endpoint,
            "window": _spelt(end - start),
            "since": start.isoformat(),
            "until": end.isoformat(),
            "rows": sum(evidence.rows(start, end).values()),
            "status": status(checks),
            "checks": [msgspec.to_builtins(check) for check in checks],
        }

    def rejections(self, endpoint: str, *, since: datetime, until: datetime) -> dict[str, Any]:
        """What the contract refused from `since` to `until`, in whole hours: how much, why, and a few bodies.

        Raises:
            NotFoundError: There is no such endpoint.
        """
        start, end = _hour(since), _hour(until - timedelta(microseconds=1)) + HOUR
        with self._store.read() as tx:
            tx.endpoints.get(endpoint)
            counted = tx.rejections.between(endpoint, start, end)
            bodies = tx.rejections.bodies(endpoint, start, end)
        return {
            "endpoint": endpoint,
            "since": start.isoformat(),
            "until": end.isoformat(),
            "refused": sum(one.requests for one in counted if not one.rule),
            "reasons": [msgspec.to_builtins(one) for one in counted if one.rule],
            "bodies": [
                {
                    "at": each.at.isoformat(),
                    "reason": each.reason,
                    "body": each.body.decode("utf-8", "backslashreplace"),
                }
                for each in bodies
            ],
        }

    def quality_by_month(self, endpoint: str) -> list[dict[str, Any]]:
        """Quality of each version in each calendar month (UTC) of event time, from the labels there are now."""
        labelled = self._reader.labelled(endpoint, columns=quality.COLUMNS)
        with self._store.read() as tx:
            versions = {ref: tx.models.get(ref) for ref in labelled["version"].unique().to_pylist()}
        found = []
        for ref, rows in by_version(labelled).items():
            for month, some in _months(rows):
                found += _month(versions[ref], month, some)
        return sorted(found, key=lambda each: (each["month"], each["version"]))

    def drift_by_month(self, endpoint: str) -> list[dict[str, Any]]:
        """Drift of each column in each calendar month (UTC), of the version that answered most of it.

        Months with less than a week of traffic are left out: a few days are not the month.
        """
        with self._store.read() as tx:
            latest = tx.profiles.latest_hour(endpoint)
            if latest is None:
                return []
            evidence = Evidence.read(tx, endpoint, _EARLIEST, latest + HOUR)
        found: list[dict[str, Any]] = []
        for start, end in _calendar(evidence, latest):
            answered = evidence.rows(start, end)
            if not answered or evidence.hours_between(start, end) < _FEWEST_HOURS:
                continue
            most = max(answered, key=lambda ref: answered[ref])
            for check in evidence.service_and_drift(start, end):
                if check.version == most and check.name.startswith("drift."):
                    found.append(_drift_row(check, start))
        return found


def status(checks: Sequence[Check]) -> str:
    """One word for many checks.

    `breach` if any is, else `error` if any is. `ok` asks for a check that is ok in each of service, inputs and
    outputs; without that it is `no_data`. Quality without labels yet is listed, and is no reason against `ok`: labels
    are late by nature.
    """
    outcomes = {check.outcome for check in checks}
    for bad in ("breach", "error"):
        if bad in outcomes:
            return bad
    good = {check.signal for check in checks if check.outcome == "ok"}
    return "ok" if {"service", "input", "output"} <= good else "no_data"


def _latest_hour(tx: Transaction, endpoint: str) -> datetime | None:
    """The newest hour in which anything came, also if all of it was refused.

    Refusals of another time than the traffic are none of its story: what is replayed is refused now, where its caller
    does not say when it happened.
    """
    answered, refused = tx.profiles.latest_hour(endpoint), tx.rejections.latest_hour(endpoint)
    if answered is None or refused is None:
        return answered or refused
    return refused if timedelta(0) < refused - answered < _SAME_TIME else answered


def _hour(at: datetime) -> datetime:
    return at.astimezone(UTC).replace(minute=0, second=0, microsecond=0)


def _hours_of(window: timedelta) -> timedelta:
    return -(-window // HOUR) * HOUR


def _spelt(length: timedelta) -> str:
    return f"{length // HOUR}h"


def _months(rows: pa.Table) -> Iterator[tuple[str, pa.Table]]:
    months = rows["event_at"].to_numpy().astype("datetime64[M]")
    for month in np.unique(months):
        yield str(month), rows.filter(pa.array(months == month))


def _month(version: ModelVersion, month: str, rows: pa.Table) -> list[dict[str, Any]]:
    found = quality.measure(version.contract, rows)
    common = {"version": version.ref, "month": month, "labels": found.labels}
    values: list[tuple[str, float | None, float | None]] = [
        (metric, measure.value, measure.standard_error)
        for metric in _BY_MONTH[version.contract.task]
        if (measure := found.measures.get(metric)) is not None
    ]
    if found.positive_share is not None:
        values.append(("positive_share", found.positive_share, None))
    return [{**common, "metric": metric, "value": value, "standard_error": error} for metric, value, error in values]


def _calendar(evidence: Evidence, latest: datetime) -> Iterator[tuple[datetime, datetime]]:
    hours = [each.hours.starts[0] for each in evidence.profiled.values() if each.hours.starts]
    start = min(hours, default=latest).replace(day=1, hour=0)
    while start <= latest:
        end = (start + timedelta(days=32)).replace(day=1)
        yield start, end
        start = end


def _drift_row(check: Check, month: datetime) -> dict[str, Any]:
    return {
        "column": check.name.removeprefix("drift."),
        "drifted": check.outcome == "breach",
        "severity": check.value,
        "month": f"{month:%Y-%m}",
        "version": check.version,
        "outcome": check.outcome,
        "rows": check.rows,
        "reason": check.details.get("reason", ""),
    }
