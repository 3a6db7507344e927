"""The default alert rules that `/metrics` can show, in Prometheus' own form. `docs/alerts.md` lists all of them.

A Prometheus looks at minutes where Interlock judges days, so thresholds on shares are wider here, and a rule wants
enough requests before it says anything.
"""

from datetime import timedelta
from typing import Any

from interlock.domain.alert import Rule
from interlock.monitoring import alert_rules as defaults

_BY_VERSION = "endpoint, version"

FAILURE_SHARE = 0.05
"""Of a version's requests, over five minutes. The gateway's own guard withdraws a candidate at 0.2."""

REFUSED_SHARE = 0.1
"""Of an endpoint's requests, over ten minutes."""

LEAST_REQUESTS = 50
"""Below these, a share says nothing."""

_BACK_SECONDS = 3600
"""How long a rollback is news: who was paged of it knows by then."""

SLOW_SECONDS = 1.0
"""The 95th percentile of answers: the default deadline of a model."""


def export() -> dict[str, Any]:
    """A rules file: one group."""
    gateway = [*_service(), *_refusals(), *_silence(), *_log(), *_up()]
    return {"groups": [{"name": "interlock", "rules": [*gateway, *_checks(), *_releases(), *_devices()]}]}


def _service() -> list[dict[str, Any]]:
    tried, failed = f"sum by ({_BY_VERSION}) ({_tried('5m')})", f"sum by ({_BY_VERSION}) ({_failed('5m')})"
    slow = f"histogram_quantile(0.95, sum by ({_BY_VERSION}, le) (rate(interlock_request_seconds_bucket[5m])))"
    return [
        _rule(
            "InterlockFailures",
            f"{failed} > {FAILURE_SHARE} * {tried} and {tried} > {LEAST_REQUESTS}",
            defaults.SERVICE,
            "{{ $labels.version }} fails more than 5 % of the requests of {{ $labels.endpoint }}",
        ),
        _rule(
            "InterlockSlow",
            f"{slow} > {SLOW_SECONDS:g} and {tried} > {LEAST_REQUESTS}",
            defaults.SERVICE,
            "one in twenty answers of {{ $labels.version }} at {{ $labels.endpoint }} takes over a second",
            lasting=timedelta(minutes=5),
        ),
    ]


def _refusals() -> list[dict[str, Any]]:
    asked = "sum by (endpoint) (increase(interlock_requests_total[10m]))"
    refused = "sum by (endpoint) (increase(interlock_broken_rules_total[10m]))"
    return [
        _rule(
            "InterlockRejected",
            f"{refused} > {REFUSED_SHARE} * {asked} and {asked} > {LEAST_REQUESTS}",
            defaults.REJECTED,
            "the contract of {{ $labels.endpoint }} refuses more than 10 % of the requests",
            lasting=timedelta(minutes=10),
        )
    ]


def _silence() -> list[dict[str, Any]]:
    now = "sum by (endpoint) (increase(interlock_answered_rows_total[1h]))"
    before = "sum by (endpoint) (increase(interlock_answered_rows_total[1h] offset 1w))"
    return [
        _rule(
            "InterlockSilent",
            f"({now} == 0) and {before} > {LEAST_REQUESTS}",
            defaults.SILENT,
            "nobody asks {{ $labels.endpoint }}, where a week ago somebody did",
        )
    ]


def _log() -> list[dict[str, Any]]:
    rows = "sum by (endpoint, instance) (interlock_log_rows{state%s})"
    apart = rows % '="acknowledged"' + " - " + rows % '=~"logged|waiting|quarantined|unrecorded"'
    return [
        _rule(
            "InterlockLogSums",
            f"({apart}) != 0",
            defaults.LOG_SUMS,
            "{{ $value }} acknowledged rows of {{ $labels.endpoint }} are nowhere; see `interlock doctor`",
        ),
        _rule(
            "InterlockQuarantined",
            'delta(interlock_log_rows{state="quarantined"}[15m]) > 0',
            defaults.QUARANTINED,
            "damaged rows of {{ $labels.endpoint }} were set aside",
        ),
        _rule(
            "InterlockUnrecorded",
            'delta(interlock_log_rows{state="unrecorded"}[15m]) > 0',
            defaults.UNRECORDED,
            "answers of {{ $labels.endpoint }} could not be recorded",
        ),
        _rule(
            "InterlockCollector",
            f"interlock_collector_lag_seconds > {defaults.COLLECTOR_LATE_SECONDS:g} "
            f"or interlock_reconciliation_age_seconds > {defaults.COLLECTOR_LATE_SECONDS:g}",
            defaults.COLLECTOR,
            "the collector of {{ $labels.instance }} is behind, or has not been heard of",
        ),
    ]


def _checks() -> list[dict[str, Any]]:
    """Of verdicts of whole days: how long something must have been bad is in them already."""
    said = 'interlock_check_outcome{signal=~"%s",outcome="%s"}'
    return [
        _rule(
            "InterlockQuality",
            f"{said % ('quality', 'breach')} == 1",
            defaults.QUALITY,
            "{{ $labels.check }} of {{ $labels.version }} at {{ $labels.endpoint }} is worse than expected",
        ),
        _rule(
            "InterlockEstimate",
            f"{said % ('estimate', 'breach')} == 1",
            defaults.ESTIMATE,
            "{{ $labels.check }} of {{ $labels.version }} at {{ $labels.endpoint }} is estimated to be worse",
        ),
        _rule(
            "InterlockDrift",
            f"count by ({_BY_VERSION}) ({said % ('input|output', 'breach')}) > 0",
            defaults.DRIFT,
            "{{ $value }} columns of {{ $labels.version }} at {{ $labels.endpoint }} have drifted",
        ),
        _rule(
            "InterlockConcept",
            f"{said % ('concept', 'breach')} == 1",
            defaults.CONCEPT,
            "{{ $labels.check }} saw the errors of {{ $labels.version }} at {{ $labels.endpoint }} rise",
        ),
        _rule(
            "InterlockBrokenCheck",
            f"count by (endpoint) ({said % ('.+', 'error')}) > 0",
            defaults.BROKEN,
            "{{ $value }} checks of {{ $labels.endpoint }} could not be made",
        ),
        _rule(
            "InterlockSetAside",
            "increase(interlock_verdicts_set_aside_total[15m]) > 0",
            defaults.SET_ASIDE,
            "verdicts could not be taken by the alert rules",
        ),
    ]


def _releases() -> list[dict[str, Any]]:
    waits = 'interlock_release_state{state=~"awaiting_approval|inconclusive"}'
    back = 'interlock_release_finished_timestamp_seconds{state="rolled_back"}'
    return [
        _rule(
            "InterlockReleaseWaits",
            f"{waits} == 1",
            defaults.RELEASE_WAITS,
            "release {{ $labels.release }} of {{ $labels.candidate }} waits for a person",
        ),
        _rule(
            "InterlockRolledBack",
            f"time() - {back} < {_BACK_SECONDS}",
            defaults.ROLLED_BACK,
            "release {{ $labels.release }} of {{ $labels.candidate }} was rolled back",
        ),
    ]


def _devices() -> list[dict[str, Any]]:
    sensor = "{{ $labels.sensor }} of device {{ $labels.device }}"
    return [
        _rule(
            "InterlockDeviceRange",
            'interlock_sensor_status{status="outside"} == 1',
            defaults.DEVICE_RANGE,
            f"{sensor} is out of its range",
        ),
        _rule(
            "InterlockDeviceSilent",
            'interlock_sensor_status{status="silent"} == 1',
            defaults.DEVICE_SILENT,
            f"{sensor} is silent",
        ),
        _rule(
            "InterlockBroker",
            "interlock_mqtt_connected == 0",
            defaults.BROKER,
            "the broker of the devices at {{ $labels.instance }} does not answer",
        ),
    ]


def _up() -> list[dict[str, Any]]:
    down = Rule(name="down", severity="critical", bad_for=timedelta(minutes=1))
    return [
        _rule(
            "InterlockDown",
            "absent(interlock_gateway_workers)",
            down,
            "no gateway answers Prometheus: it is down, or its key is not taken",
        )
    ]


def _rule(name: str, expression: str, like: Rule, summary: str, *, lasting: timedelta | None = None) -> dict[str, Any]:
    """An alerting rule with the severity of a default one, and how long it must have been bad."""
    wait = like.bad_for if lasting is None else lasting
    return {
        "alert": name,
        "expr": expression,
        **({"for": f"{wait.total_seconds():.0f}s"} if wait else {}),
        "labels": {"severity": like.severity, "rule": like.name},
        "annotations": {"summary": summary},
    }


def _failed(window: str) -> str:
    """Attempts of a version that gave no answer, by whether the champion answered instead."""
    fallbacks = f'label_replace(increase(interlock_fallbacks_total[{window}]), "kind", "fallback", "", "")'
    return f"{fallbacks} or increase(interlock_failed_requests_total[{window}])"


def _tried(window: str) -> str:
    """All attempts of a version. What the champion answers for it is not among its answers."""
    return f'increase(interlock_requests_total{{version!=""}}[{window}]) or {_failed(window)}'
