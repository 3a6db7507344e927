"""What a day of one endpoint was like: traffic, errors, latency, drift, quality, incidents and releases in one piece.

Called by the control API, the pages and the mail of the morning. Everything is computed at the call, so labels that
came since count; it judges with the checks of every other report and adds what people read: class by class, hour by
hour.
"""

from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, time, timedelta
from typing import Any

import msgspec
import numpy as np
import pyarrow as pa

from interlock.domain.alert import Alert
from interlock.domain.contract import Contract
from interlock.domain.errors import NotFoundError
from interlock.domain.release import Release
from interlock.domain.verdict import Check
from interlock.monitoring import quality
from interlock.monitoring.drift import past
from interlock.monitoring.evidence import Evidence
from interlock.monitoring.labelled import by_version, classified, measured
from interlock.monitoring.service import status
from interlock.predictions.feedback_rows import text_of
from interlock.predictions.reader import LogReader
from interlock.stats import classification_report, log_histogram, regression_quality
from interlock.store.database import Store
from interlock.store.service_hours import ServiceHour
from interlock.store.transaction import Transaction

_DAY = timedelta(days=1)
_QUANTILES = (0.5, 0.95, 0.99)

# A confusion matrix of more classes is no picture any more.
_MOST_CLASSES = 20
_MOST_ALERTS = 1000

Json = dict[str, Any]


class Traffic(msgspec.Struct, frozen=True, kw_only=True):
    """How one version served. Latencies of requests in milliseconds; None without any, or over two minutes."""

    version: str
    requests: int
    rows: int
    failures: int
    p50_ms: float | None
    p95_ms: float | None
    p99_ms: float | None


class ClassRow(msgspec.Struct, frozen=True, kw_only=True):
    """One class: `support` is how many labels name it."""

    name: str
    precision: float | None
    recall: float | None
    f1: float | None
    support: int


class DayQuality(msgspec.Struct, frozen=True, kw_only=True):
    """Quality of one version, from the labels there are now.

    Args:
        rows, labels, coverage: Rows answered, those with a label that can be used, and their share.
        unusable: Labels that are none of the version's classes, or no number.
        is_weighted: Whether labels count differently; then `confusion` holds weights and not rows.
        measures: By name: `value`, and `lower` and `upper` where there is an interval (95 %).
        classes: One each, of a classifier.
        confusion: Rows are what happened, columns what was predicted; empty for many classes.
    """

    version: str
    task: str
    rows: int
    labels: int
    coverage: float | None
    unusable: int
    is_weighted: bool
    measures: dict[str, dict[str, float]]
    classes: tuple[ClassRow, ...] = ()
    confusion: tuple[tuple[float, ...], ...] = ()


class DailyReport(msgspec.Struct, frozen=True, kw_only=True):
    """A day (UTC) of event time.

    Args:
        status: As of `monitor`.
        refused: Requests that the contract refused.
        by_hour: Rows answered in each of 24 hours.
        checks: Those of `monitor` over the day.
        incidents: `id`, `title`, `severity`, `state`: begun that day, or before and not over.
        releases: `id`, `candidate`, `strategy`, `state`, `reason`: under way that day, by the clock.
    """

    endpoint: str
    date: str
    status: str
    requests: int
    rows: int
    failures: int
    refused: int
    by_hour: tuple[int, ...]
    traffic: tuple[Traffic, ...]
    checks: tuple[Check, ...]
    quality: tuple[DayQuality, ...]
    incidents: tuple[Json, ...] = ()
    releases: tuple[Json, ...] = ()


class DailyReports:
    """Makes reports of days.

    Args:
        store: Profiles, service counts, incidents, releases.
        reader: The log, for labels.
    """

    def __init__(self, store: Store, reader: LogReader) -> None:
        self._store, self._reader = store, reader

    def newest_day(self, endpoint: str) -> date:
        """The day of the newest event.

        Raises:
            NotFoundError: There is no such endpoint, or it has had no traffic.
        """
        with self._store.read() as tx:
            tx.endpoints.get(endpoint)
            latest = tx.profiles.latest_hour(endpoint)
            latest = latest or max((hour.hour for hour in _all_hours(tx, endpoint)), default=None)
        if latest is None:
            raise NotFoundError("traffic of endpoint", endpoint)
        return latest.astimezone(UTC).date()

    def of(self, endpoint: str, day: date) -> DailyReport:
        """Report on one day.

        Raises:
            NotFoundError: There is no such endpoint.
        """
        start = datetime.combine(day, time(0), UTC)
        end = start + _DAY
        with self._store.read() as tx:
            evidence = Evidence.read(tx, endpoint, start - past(_DAY), end)
            alerts = tx.alerts.list(endpoint, limit=_MOST_ALERTS)
            releases = tx.releases.list(endpoint)
        labelled = self._reader.labelled(endpoint, since=start, until=end, columns=quality.COLUMNS)
        checks = evidence.service_and_drift(start, end)
        if labelled.num_rows or self._reader.has_labels(endpoint):
            checks += evidence.quality(labelled, start, end)
        hours = [hour for hour in evidence.service if start <= hour.hour < end]
        traffic = _traffic(hours)
        return DailyReport(
            endpoint=endpoint,
            date=day.isoformat(),
            status=status(checks),
            requests=sum(each.requests for each in traffic),
            rows=sum(each.rows for each in traffic),
            failures=sum(each.failures for each in traffic),
            refused=sum(one.requests for one in evidence.rejections if not one.rule and start <= one.hour < end),
            by_hour=_by_hour(hours, start),
            traffic=traffic,
            checks=tuple(checks),
            quality=tuple(_quality(evidence, labelled, start, end)),
            incidents=tuple(_incident(each) for each in alerts[::-1] if _is_of(each, start, end)),
            releases=tuple(_release(each) for each in releases if _was_under_way(each, start, end)),
        )


def _all_hours(tx: Transaction, endpoint: str) -> list[ServiceHour]:
    """Of an endpoint without profiles: registered without reference data."""
    return tx.service_hours.between(endpoint, datetime(1900, 1, 1, tzinfo=UTC), datetime(2200, 1, 1, tzinfo=UTC))


def _traffic(hours: Sequence[ServiceHour]) -> tuple[Traffic, ...]:
    return tuple(
        _of_version(version, [hour for hour in hours if hour.version == version])
        for version in sorted({hour.version for hour in hours})
    )


def _of_version(version: str, hours: Sequence[ServiceHour]) -> Traffic:
    counts = np.zeros(log_histogram.SIZE, dtype=np.int64)
    for hour in hours:
        if hour.latency_counts:
            counts += np.array(hour.latency_counts, dtype=np.int64)
    p50, p95, p99 = (_milliseconds(counts, each) for each in _QUANTILES)
    return Traffic(
        version=version,
        requests=sum(hour.requests for hour in hours),
        rows=sum(hour.rows for hour in hours),
        failures=sum(hour.failures for hour in hours),
        p50_ms=p50,
        p95_ms=p95,
        p99_ms=p99,
    )


def _milliseconds(counts: Any, quantile: float) -> float | None:
    value = log_histogram.quantile(counts, quantile) / 1000 if counts.any() else float("inf")
    return value if np.isfinite(value) else None


def _by_hour(hours: Sequence[ServiceHour], start: datetime) -> tuple[int, ...]:
    rows = [0] * 24
    for hour in hours:
        rows[(hour.hour - start) // timedelta(hours=1)] += hour.rows
    return tuple(rows)


def _quality(evidence: Evidence, labelled: pa.Table, start: datetime, end: datetime) -> list[DayQuality]:
    """Of every version that answered and can have quality. One whose labels cannot be read has its check in `error`."""
    answered, found = evidence.rows(start, end), by_version(labelled)
    made = []
    for ref in evidence.present(start, end):
        version = evidence.versions.get(ref)
        if version is None or version.contract.task == "other":
            continue
        try:
            made.append(_day_quality(ref, version.contract, found.get(ref, labelled.slice(0, 0)), answered.get(ref, 0)))
        except (ValueError, ArithmeticError, KeyError, pa.ArrowException):
            continue
    return made


def _day_quality(ref: str, contract: Contract, rows: pa.Table, answered: int) -> DayQuality:
    found = quality.measure(contract, rows)
    measures = {name: _measure(one) for name, one in found.measures.items()}
    classes: tuple[ClassRow, ...] = ()
    confusion: tuple[tuple[float, ...], ...] = ()
    if contract.is_classifier:
        of_class = classified(contract, rows)
        weights = of_class.weights
        report = classification_report.analyze(
            of_class.actual, of_class.predicted, len(contract.classes), weights=weights
        )
        if found.labels:
            classes = tuple(
                ClassRow(name=text_of(name), precision=one.precision, recall=one.recall, f1=one.f1, support=one.support)
                for name, one in zip(contract.classes, report.classes, strict=True)
            )
        if found.labels and len(contract.classes) <= _MOST_CLASSES:
            confusion = tuple(tuple(row) for row in report.confusion.tolist())
    else:
        numbers = measured(rows)
        weights = numbers.weights
        measures |= _of_numbers(regression_quality.analyze(numbers.actual, numbers.predicted, weights=weights))
    return DayQuality(
        version=ref,
        task=contract.task,
        rows=answered,
        labels=found.labels,
        coverage=min(1.0, found.labels / answered) if answered else None,
        unusable=found.unusable,
        is_weighted=bool(len(weights) and weights.min() != weights.max()),
        measures=measures,
        classes=classes,
        confusion=confusion,
    )


def _measure(one: quality.Measure) -> dict[str, float]:
    if one.standard_error is None:
        return {"value": one.value}
    half = quality.SHOWN * one.standard_error
    return {"value": one.value, "lower": one.value - half, "upper": one.value + half}


def _of_numbers(found: regression_quality.RegressionQuality) -> Mapping[str, dict[str, float]]:
    """What has no interval, beside what has one."""
    values = {"bias": found.bias, "r2": found.r2, "mape": found.mape}
    return {name: {"value": value} for name, value in values.items() if value is not None}


def _is_of(alert: Alert, start: datetime, end: datetime) -> bool:
    return alert.day < end and (alert.state != "resolved" or alert.day >= start)


def _incident(alert: Alert) -> Json:
    return {"id": alert.id, "title": alert.title, "severity": alert.severity, "state": alert.state}


def _was_under_way(release: Release, start: datetime, end: datetime) -> bool:
    return release.created_at < end and (release.finished_at is None or release.finished_at >= start)


def _release(release: Release) -> Json:
    reason = release.decision.reason if release.decision is not None else ""
    facts = {"id": release.id, "candidate": release.candidate, "strategy": release.strategy, "state": release.state}
    return {**facts, "reason": reason}
