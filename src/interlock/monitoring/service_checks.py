"""How a window was served: requests, failures, latency. Called for every version of every window."""

from collections.abc import Sequence

import numpy as np

from interlock.domain.verdict import Check
from interlock.stats import failure_rate, log_histogram
from interlock.store.service_hours import ServiceHour

MOST_FAILURES = 0.01
"""A failure share surely above one in a hundred is a breach; the same as a release's `max_failure_rate`."""

_QUANTILE = 0.95


def checks(version: str, hours: Sequence[ServiceHour], *, deadline_ms: float, alpha: float) -> list[Check]:
    """Judge how one version was served.

    Args:
        version: Who was asked.
        hours: Its hours of the window.
        deadline_ms: The endpoint's: the slowest 5 % of requests must stay below it.
        alpha: Probability of a false alarm that the failure check may spend.
    """
    requests, failures = sum(hour.requests for hour in hours), sum(hour.failures for hour in hours)
    common = {"requests": requests, "failures": failures, "answered_rows": sum(hour.rows for hour in hours)}
    seen = Check(
        name="requests",
        signal="service",
        version=version,
        outcome="ok" if requests else "no_data",
        value=float(requests),
        expected="at least 1",
        rows=requests,
        details=common,
    )
    return [seen, _failures(version, requests, failures, alpha), _latency(version, hours, requests, deadline_ms)]


def _failures(version: str, requests: int, failures: int, alpha: float) -> Check:
    found = failure_rate.analyze(failures, requests, alpha=alpha)
    outcome = "breach" if found.lower > MOST_FAILURES else "ok"
    share = f"{failures} of {requests} requests failed"
    return Check(
        name="failures",
        signal="service",
        version=version,
        outcome="no_data" if not requests else "breach" if outcome == "breach" else "ok",
        value=found.rate if requests else None,
        expected=f"not surely above {MOST_FAILURES:g}",
        rows=requests,
        details={"lower": found.lower, "upper": found.upper, "reason": share},
    )


def _latency(version: str, hours: Sequence[ServiceHour], requests: int, deadline_ms: float) -> Check:
    counts = np.zeros(log_histogram.SIZE, dtype=np.int64)
    for hour in hours:
        if hour.latency_counts:
            counts += np.array(hour.latency_counts, dtype=np.int64)
    value = log_histogram.quantile(counts, _QUANTILE) / 1000 if counts.any() else None
    is_slow = value is not None and value > deadline_ms
    # An infinite quantile (over two minutes) is no number in JSON.
    shown = value if value is not None and np.isfinite(value) else None
    return Check(
        name="latency_p95_ms",
        signal="service",
        version=version,
        outcome="no_data" if value is None else "breach" if is_slow else "ok",
        value=shown,
        expected=f"at most {deadline_ms:g} ms, the endpoint's deadline",
        rows=requests,
        details={"reason": "95 % of requests took over two minutes"} if value is not None and shown is None else {},
    )
