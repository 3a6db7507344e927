"""What the collector reported of the log, as gauges of `GET /metrics`.

All rows of a scrape are of one report, so their sum holds in it. Without a report, or with one that is damaged, there
are no gauges: a number that is not known is not shown as 0.
"""

import logging
from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import Path

import msgspec
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from interlock.predictions import reconciliation
from interlock.predictions.reconciliation import Reconciliation, ReconciliationReport

log = logging.getLogger(__name__)

_STATES = ("acknowledged", "logged", "waiting", "quarantined", "unrecorded")


class LogGauges(Collector):
    """Reads the report at each scrape.

    Args:
        path: The report's file.
        clock: Aware UTC.
    """

    def __init__(self, path: Path, clock: Callable[[], datetime]) -> None:
        self._path, self._clock = path, clock

    def collect(self) -> Iterator[GaugeMetricFamily]:
        """The gauges, as the registry asks for them."""
        report = self._load()
        if report is None:
            return
        yield _rows(report.endpoints)
        yield GaugeMetricFamily(
            "interlock_collector_lag_seconds",
            "Age of the oldest record that was not in the profiles and counts, at the report",
            report.lag_seconds,
        )
        yield GaugeMetricFamily(
            "interlock_reconciliation_age_seconds",
            "Since the report that interlock_log_rows and interlock_collector_lag_seconds are of",
            max(0.0, (self._clock() - report.written_at).total_seconds()),
        )

    def _load(self) -> ReconciliationReport | None:
        try:
            return reconciliation.load(self._path)
        except (OSError, msgspec.MsgspecError):
            log.warning("%s cannot be read; /metrics is shown without it", self._path, exc_info=True)
            return None


def _rows(endpoints: dict[str, Reconciliation]) -> GaugeMetricFamily:
    rows = GaugeMetricFamily(
        "interlock_log_rows",
        "Prediction rows ever: acknowledged = logged + waiting + quarantined + unrecorded",
        labels=("endpoint", "state"),
    )
    for endpoint, found in sorted(endpoints.items()):
        for state in _STATES:
            rows.add_metric((endpoint, state), getattr(found, state))
    return rows
