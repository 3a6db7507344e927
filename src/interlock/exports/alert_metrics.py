"""Incidents and their notices, as metrics."""

from collections import Counter
from collections.abc import Iterable, Iterator

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric

from interlock.domain.alert import Alert, Delivery


def of_alerts(open_alerts: Iterable[Alert], waiting: Iterable[Delivery], set_aside: int) -> Iterator[Metric]:
    """How many incidents are open, notices wait, and verdicts were set aside.

    Args:
        open_alerts: Incidents that are not resolved.
        waiting: Notices that no channel has taken yet.
        set_aside: Verdicts that the alert rules could not take, ever.
    """
    alerts = GaugeMetricFamily(
        "interlock_open_alerts", "Incidents that are not resolved", labels=("endpoint", "severity", "state")
    )
    counted = Counter((each.endpoint, each.severity, each.state) for each in open_alerts)
    for labels, count in sorted(counted.items()):
        alerts.add_metric(labels, float(count))
    notices = GaugeMetricFamily(
        "interlock_notices_waiting", "Notices that a channel has not taken yet", labels=("channel",)
    )
    for channel, count in sorted(Counter(each.channel for each in waiting).items()):
        notices.add_metric((channel,), float(count))
    aside = CounterMetricFamily("interlock_verdicts_set_aside", "Verdicts that the alert rules could not take")
    aside.add_metric((), float(set_aside))
    yield from (alerts, notices, aside)
