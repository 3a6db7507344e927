"""What is newest of an endpoint: how it was served, and what was said of it last. Called by the pages.

Sums of what is stored, over a window that is small; nothing is judged here.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import numpy as np

from interlock.domain.verdict import Check, Verdict
from interlock.monitoring.windows import HOUR
from interlock.stats import log_histogram
from interlock.store.service_hours import ServiceHour
from interlock.store.transaction import Transaction

# Verdicts are of days, and quality is judged two days after its day.
_LOOK_BACK = timedelta(days=8)
_WINDOW = timedelta(hours=24)


@dataclass(frozen=True, slots=True)
class Served:
    """How requests were served.

    Args:
        requests, failures: How many, and how many of them failed.
        p99_ms: What 99 % of them stayed below, up to 5 % too high; infinite over two minutes; None without requests.
    """

    requests: int
    failures: int
    p99_ms: float | None

    @property
    def failure_share(self) -> float | None:
        """None without requests."""
        return self.failures / self.requests if self.requests else None


@dataclass(frozen=True, slots=True)
class Recent:
    """The last window of an endpoint, up to its newest hour with an event.

    Args:
        since, until: The window, the end excluded.
        hours: Of every version, by hour.
        verdicts: What was said last by each check, of the newest window that it judged.
    """

    since: datetime
    until: datetime
    hours: Sequence[ServiceHour]
    verdicts: Sequence[Verdict]

    @property
    def served(self) -> Served:
        return served(self.hours)

    def by_version(self) -> dict[str, Served]:
        """The same for each version, by name."""
        versions = sorted({hour.version for hour in self.hours})
        return {ref: served([hour for hour in self.hours if hour.version == ref]) for ref in versions}

    def by_hour(self) -> list[tuple[datetime, dict[str, int]]]:
        """Requests of each version in every hour of the window, also in those without any."""
        slots: dict[datetime, dict[str, int]] = {}
        for offset in range((self.until - self.since) // HOUR):
            slots[self.since + offset * HOUR] = {}
        for hour in self.hours:
            slots[hour.hour][hour.version] = hour.requests
        return list(slots.items())


class RecentReader:
    """Reads the last window of endpoints.

    The newest verdicts are kept in memory: hundreds for each endpoint, new once a day, looked at every few seconds.

    Args:
        clock: Where a window ends if nothing has happened yet. Aware UTC.
    """

    def __init__(self, clock: Callable[[], datetime]) -> None:
        self._clock = clock
        # By endpoint: the number of the last verdict of all when it was read, and its newest verdicts.
        self._newest: dict[str, tuple[int, list[Verdict]]] = {}

    def read(self, tx: Transaction, endpoint: str) -> Recent:
        """The last 24 hours up to the newest with an event, and the newest verdicts."""
        latest = tx.profiles.latest_hour(endpoint) or self._clock().replace(minute=0, second=0, microsecond=0)
        until = latest + HOUR
        since = until - _WINDOW
        oldest = until - _LOOK_BACK
        verdicts = [one for one in self._verdicts(tx, endpoint, oldest) if one.window_end > oldest]
        return Recent(since, until, tx.service_hours.between(endpoint, since, until), verdicts)

    def _verdicts(self, tx: Transaction, endpoint: str, oldest: datetime) -> list[Verdict]:
        last = tx.verdicts.newest()
        number, known = self._newest.get(endpoint, (0, []))
        if number == 0:
            known = newest(tx.verdicts.list(endpoint, since=oldest))
        elif number != last:
            known = newest([*known, *tx.verdicts.of_endpoint_after(endpoint, number)])
        self._newest[endpoint] = (last, known)
        return known


def served(hours: Iterable[ServiceHour]) -> Served:
    """Add hours up."""
    requests, failures = 0, 0
    latency = np.zeros(log_histogram.SIZE, dtype=np.int64)
    for hour in hours:
        requests, failures = requests + hour.requests, failures + hour.failures
        if hour.latency_counts:
            latency += np.array(hour.latency_counts, dtype=np.int64)
    p99 = log_histogram.quantile(latency, 0.99) / 1000 if latency.any() else None
    return Served(requests, failures, p99)


def newest(verdicts: Iterable[Verdict]) -> list[Verdict]:
    """Of each signal the newest window, and of each check in it what was said last, worst first.

    Args:
        verdicts: In the order in which they were said.
    """
    last = {(one.check.signal, one.window_start, one.check.version, one.check.name): one for one in verdicts}
    windows: dict[str, datetime] = {}
    for signal, start, _, _ in last:
        windows[signal] = max(start, windows.get(signal, start))
    found = [one for (signal, start, _, _), one in last.items() if start == windows[signal]]
    return sorted(found, key=lambda one: _rank(one.check))


_OUTCOMES = ("breach", "error", "ok", "no_data")
_SIGNALS = ("quality", "estimate", "service", "rejected", "concept", "input", "output")


def _rank(check: Check) -> tuple[int, int, float]:
    """Worst first, what callers feel before what models see, and of drift the most severe."""
    severity = check.value or 0.0 if check.signal in ("input", "output") else 0.0
    return _OUTCOMES.index(check.outcome), _SIGNALS.index(check.signal), -severity
