"""Where releases stand, as metrics: of each endpoint the newest one, with its gates."""

from collections.abc import Iterable, Iterator

from prometheus_client.core import GaugeMetricFamily, Metric

from interlock.domain.release import Release

_LABELS = ("endpoint", "release", "candidate")


def of_releases(releases: Iterable[Release]) -> Iterator[Metric]:
    """State, share of the traffic, and gates.

    Args:
        releases: The newest of each endpoint.
    """
    state = GaugeMetricFamily(
        "interlock_release_state", "1 for the state of an endpoint's newest release",
        labels=(*_LABELS, "champion", "strategy", "state"),
    )  # fmt: skip
    share = GaugeMetricFamily(
        "interlock_release_traffic_share", "Of the traffic, to all candidates: 0 to 1", labels=_LABELS
    )
    step = GaugeMetricFamily("interlock_release_step", "Number of the step, from 0", labels=_LABELS)
    ended = GaugeMetricFamily(
        "interlock_release_finished_timestamp_seconds", "When it ended", labels=(*_LABELS, "state")
    )
    gate = GaugeMetricFamily(
        "interlock_release_gate_outcome", "1 for what a gate said last", labels=(*_LABELS, "gate", "outcome")
    )
    for release in releases:
        labels = (release.endpoint, release.id, release.candidate)
        state.add_metric((*labels, release.champion, release.strategy, release.state), 1.0)
        share.add_metric(labels, release.traffic_share)
        step.add_metric(labels, float(release.step))
        if release.finished_at is not None:
            ended.add_metric((*labels, release.state), release.finished_at.timestamp())
        for said in release.gates:
            of_version = (release.endpoint, release.id, said.version or release.candidate)
            gate.add_metric((*of_version, said.metric, said.outcome), 1.0)
    yield from (state, share, step, ended, gate)
