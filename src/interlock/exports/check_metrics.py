"""What monitoring said last, as metrics: drift, quality, service, and whatever else becomes a verdict."""

from collections.abc import Iterable, Iterator, Mapping, Sequence

from prometheus_client.core import GaugeMetricFamily, Metric

from interlock.domain.verdict import Verdict

_LABELS = ("endpoint", "version", "signal", "check")


def of_checks(newest: Mapping[str, Sequence[Verdict]]) -> Iterator[Metric]:
    """Value and outcome of every check.

    Args:
        newest: By endpoint, what was said last by each check.
    """
    value = GaugeMetricFamily(
        "interlock_check_value", "What a check found in the newest window that it judged", labels=_LABELS
    )
    outcome = GaugeMetricFamily(
        "interlock_check_outcome", "1 for the outcome of a check: ok, breach, no_data or error",
        labels=(*_LABELS, "outcome"),
    )  # fmt: skip
    rows = GaugeMetricFamily("interlock_check_rows", "From how many rows or labels a check judged", labels=_LABELS)
    until = GaugeMetricFamily(
        "interlock_check_window_end_timestamp_seconds", "End of the newest window that was judged",
        labels=("endpoint", "signal"),
    )  # fmt: skip
    for endpoint, verdicts in newest.items():
        for verdict in verdicts:
            check = verdict.check
            labels = (endpoint, check.version or "", check.signal, check.name)
            outcome.add_metric((*labels, check.outcome), 1.0)
            rows.add_metric(labels, float(check.rows))
            if check.value is not None:
                value.add_metric(labels, check.value)
        for signal, end in _ends(verdicts).items():
            until.add_metric((endpoint, signal), end)
    yield from (value, outcome, rows, until)


def _ends(verdicts: Iterable[Verdict]) -> dict[str, float]:
    ends: dict[str, float] = {}
    for verdict in verdicts:
        signal = verdict.check.signal
        ends[signal] = max(ends.get(signal, 0.0), verdict.window_end.timestamp())
    return ends
