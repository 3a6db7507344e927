"""What the collector's report says to the alert rules: rows that are nowhere or set aside, and how far behind it is.

Called by `alerting` every few seconds. It sees the report of its own home: each machine's controller has an eye on that
machine's collector.
"""

from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta

from interlock.domain.alert import Rule
from interlock.monitoring.alert_rules import COLLECTOR, COLLECTOR_LATE_SECONDS, LOG_SUMS, QUARANTINED, UNRECORDED
from interlock.monitoring.observation import Observation
from interlock.predictions.reconciliation import ReconciliationReport

# The reporter pauses for two seconds, longer while counting is slow.
_REPORT_IS_OLD = timedelta(seconds=60)


def of_collector(
    report: ReconciliationReport | None, started_at: datetime, now: datetime, place: str = ""
) -> Observation:
    """Whether the collector is there, and how far behind.

    Args:
        report: Its newest report, None before the first.
        started_at: When the controller started: the collector had time since then.
        now: The clock.
        place: The machine, where several share a store.
    """
    silent = now - (started_at if report is None else max(report.written_at, started_at))
    lag = 0.0 if report is None else report.lag_seconds
    sentence = f"the collector is {lag:.0f} s behind; profiles, gates and monitoring are as late"
    if silent > _REPORT_IS_OLD:
        sentence = f"the collector has not reported for {silent.total_seconds():.0f} s"
    is_bad = silent > _REPORT_IS_OLD or lag > COLLECTOR_LATE_SECONDS
    return _look(COLLECTOR, "", now, place, is_bad=is_bad, sentence=sentence)


def of_sums(report: ReconciliationReport, place: str = "") -> Iterator[Observation]:
    """Whether every acknowledged row is somewhere, by endpoint."""
    for endpoint, rows in report.endpoints.items():
        known = rows.logged + rows.waiting + rows.quarantined + rows.unrecorded
        sentence = f"of {rows.acknowledged} acknowledged rows {known} are accounted for; see `interlock doctor`"
        yield _look(LOG_SUMS, endpoint, report.written_at, place, is_bad=not rows.holds, sentence=sentence)


def of_set_aside(
    report: ReconciliationReport, quarantined: Mapping[str, int], unrecorded: Mapping[str, int], place: str = ""
) -> Iterator[Observation]:
    """Rows that were quarantined, or answered without being recorded, since they were last told of.

    Args:
        report: What is now.
        quarantined, unrecorded: Rows by endpoint that were told of.
        place: As for `of_collector`.
    """
    for endpoint, rows in report.endpoints.items():
        if rows.quarantined > quarantined.get(endpoint, 0):
            sentence = f"{rows.quarantined} damaged row(s) were set aside in the spool's quarantine folder"
            yield _look(QUARANTINED, endpoint, report.written_at, place, is_bad=True, sentence=sentence)
        if rows.unrecorded > unrecorded.get(endpoint, 0):
            sentence = f"{rows.unrecorded} row(s) were answered and could not be recorded; is the disk full?"
            yield _look(UNRECORDED, endpoint, report.written_at, place, is_bad=True, sentence=sentence)


def _look(rule: Rule, endpoint: str, at: datetime, place: str, *, is_bad: bool, sentence: str) -> Observation:
    return Observation(
        rule=rule,
        endpoint=endpoint,
        key=f"{rule.name}:{place}",
        start=at,
        end=at,
        is_bad=is_bad,
        sentence=f"on {place}: {sentence}" if place else sentence,
    )
