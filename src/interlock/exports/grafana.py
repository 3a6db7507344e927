"""A Grafana dashboard over `/metrics` of both ports: traffic, latency, errors, the log; drift, quality, releases,
devices; what processes and the machine use.

It is made for an import by hand or by provisioning: the data source is a variable, and so is the endpoint.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

_SCHEMA_VERSION = 39
"""Of Grafana 11; later ones lead it forward."""

_COLUMNS, _HEIGHT = 24, 8
_SOURCE = {"type": "prometheus", "uid": "${datasource}"}
_ENDPOINT = 'endpoint=~"$endpoint"'
_ANSWERED = ',version!=""'


@dataclass(frozen=True, slots=True)
class _Panel:
    """One panel.

    Args:
        queries: PromQL and the legend of its series.
        unit: As Grafana names it.
        kind: Of panel.
        width: Of 24.
        is_stacked: Whether series stand on each other.
    """

    title: str
    about: str
    queries: Sequence[tuple[str, str]]
    unit: str = "short"
    kind: str = "timeseries"
    width: int = 12
    is_stacked: bool = False


def _rate(metric: str, by: str, *, more: str = "") -> str:
    return f"sum by ({by}) (rate({metric}{{{_ENDPOINT}{more}}}[$__rate_interval]))"


def _quantile(metric: str, q: float) -> str:
    return f"histogram_quantile({q}, {_rate(metric + '_bucket', 'endpoint, version, le')})"


_VERSION = "{{endpoint}} {{version}}"

_PANELS = (
    _Panel(
        "Requests", "Answered or refused, a second",
        [(_rate("interlock_requests_total", "endpoint, code"), "{{endpoint}} {{code}}")], "reqps",
    ),
    _Panel(
        "Share of the versions", "Of the answered requests",
        [(
            f"{_rate('interlock_requests_total', 'endpoint, version', more=_ANSWERED)} / on (endpoint) group_left "
            f"{_rate('interlock_requests_total', 'endpoint', more=_ANSWERED)}",
            _VERSION,
        )], "percentunit", is_stacked=True,
    ),
    _Panel(
        "Latency", "From the body of a request to its answer",
        [(_quantile("interlock_request_seconds", q), f"{_VERSION} p{q * 100:g}") for q in (0.5, 0.95, 0.99)], "s",
    ),
    _Panel(
        "Time in the model", "By batch",
        [(_quantile("interlock_model_seconds", q), f"{_VERSION} p{q * 100:g}") for q in (0.5, 0.95)], "s",
    ),
    _Panel(
        "Failures of versions", "Answered by the champion instead, or by nobody",
        [
            (_rate("interlock_fallbacks_total", "endpoint, version, status"), f"{_VERSION} {{{{status}}}}, fallback"),
            (_rate("interlock_failed_requests_total", "endpoint, version, status"), f"{_VERSION} {{{{status}}}}"),
        ], "reqps",
    ),
    _Panel(
        "Refused", "By reason; what the contract refuses, by field and rule",
        [
            (_rate("interlock_rejected_total", "endpoint, reason"), "{{endpoint}} {{reason}}"),
            (_rate("interlock_broken_rules_total", "endpoint, field, rule"), "{{endpoint}} {{field}} {{rule}}"),
        ], "reqps",
    ),
    _Panel(
        "Rows", "Predicted, recorded and answered, a second",
        [(_rate("interlock_answered_rows_total", "endpoint, version, role"), f"{_VERSION} {{{{role}}}}")],
    ),
    _Panel(
        "Labels, decisions, rewards", "Accepted, a second",
        [(_rate("interlock_feedback_total", "endpoint, kind"), "{{endpoint}} {{kind}}")],
    ),
    _Panel(
        "Rows on their way to the log", "Acknowledged and not in the log yet, or set aside",
        [(
            f'sum by (endpoint, state) (interlock_log_rows{{{_ENDPOINT},state=~"waiting|quarantined|unrecorded"}})',
            "{{endpoint}} {{state}}",
        )],
    ),
    _Panel(
        "Lag of the log", "Age of the oldest record that profiles and gates do not have; age of this report",
        [
            ("interlock_collector_lag_seconds", "{{instance}} lag"),
            ("interlock_reconciliation_age_seconds", "{{instance}} report"),
        ], "s",
    ),
    _Panel(
        "Quality", "What checks of the newest judged day found, from labels or estimated",
        [(f'interlock_check_value{{{_ENDPOINT},signal=~"quality|estimate"}}', f"{_VERSION} {{{{check}}}}")],
    ),
    _Panel(
        "Drift", "Severity of every column of the newest judged day",
        [(f'interlock_check_value{{{_ENDPOINT},signal=~"input|output"}}', f"{_VERSION} {{{{check}}}}")],
    ),
    _Panel(
        "Checks", "By outcome: ok, breach, no data, error",
        [(f"count by (endpoint, outcome) (interlock_check_outcome{{{_ENDPOINT}}})", "{{endpoint}} {{outcome}}")],
        is_stacked=True,
    ),
    _Panel(
        "Open alerts", "Incidents that are not resolved, and notices that wait for their channel",
        [
            ("sum by (endpoint, severity) (interlock_open_alerts)", "{{endpoint}} {{severity}}"),
            ("interlock_notices_waiting", "waiting for {{channel}}"),
        ],
    ),
    _Panel(
        "Releases", "Share of the traffic that the candidates have",
        [(f"interlock_release_traffic_share{{{_ENDPOINT}}}", "{{endpoint}} {{candidate}}")], "percentunit",
    ),
    _Panel(
        "State of releases", "Of each endpoint's newest",
        [(f"interlock_release_state{{{_ENDPOINT}}}", "{{endpoint}} {{candidate}} {{state}}")], kind="stat",
    ),
    _Panel(
        "Sensors", "Newest reading of each",
        [("interlock_sensor_value", "{{device}} {{sensor}}")],
    ),
    _Panel(
        "Sensors that are not as expected", "Outside their range, or silent",
        [('interlock_sensor_status{status=~"outside|silent"}', "{{device}} {{sensor}} {{status}}")],
    ),
    _Panel(
        "Processor time", "Of each part of the server, with the models' processes below it",
        [("sum by (instance, part) (rate(interlock_process_cpu_seconds_total[$__rate_interval]))", "{{part}}")],
    ),
    _Panel(
        "Memory of processes", "Resident",
        [("sum by (instance, part) (interlock_process_resident_memory_bytes)", "{{part}}")], "bytes",
    ),
    _Panel(
        "Machine", "Memory that is available, and free disk under the home folder",
        [
            ('interlock_machine_memory_bytes{state="available"}', "{{instance}} memory"),
            ('interlock_disk_bytes{state="free"}', "{{instance}} disk"),
        ], "bytes",
    ),
    _Panel(
        "Network and disks", "Bytes a second, of the whole machine",
        [
            ("rate(interlock_network_bytes_total[$__rate_interval])", "{{instance}} network {{direction}}"),
            ("rate(interlock_disk_io_bytes_total[$__rate_interval])", "{{instance}} disk {{direction}}"),
        ], "Bps",
    ),
    _Panel("Gateway workers", "Alive", [("interlock_gateway_workers", "{{instance}}")], kind="stat", width=6),
    _Panel(
        "Traffic plan in force", "Its generation: it rises with every move of a release or an endpoint",
        [(f"interlock_plan_generation{{{_ENDPOINT}}}", "{{endpoint}}")], kind="stat", width=18,
    ),
)  # fmt: skip


def export() -> dict[str, Any]:
    """The dashboard, as Grafana imports it."""
    return {
        "uid": "interlock",
        "title": "Interlock",
        "tags": ["interlock"],
        "schemaVersion": _SCHEMA_VERSION,
        "editable": True,
        "graphTooltip": 1,
        "refresh": "30s",
        "time": {"from": "now-6h", "to": "now"},
        "timezone": "browser",
        "templating": {"list": _variables()},
        "annotations": {"list": []},
        "panels": _placed(_PANELS),
    }


def _variables() -> list[dict[str, Any]]:
    return [
        {"name": "datasource", "label": "Data source", "type": "datasource", "query": "prometheus"},
        {
            "name": "endpoint",
            "label": "Endpoint",
            "type": "query",
            "datasource": _SOURCE,
            "query": {"query": "label_values(interlock_requests_total, endpoint)", "refId": "endpoint"},
            "refresh": 2,
            "includeAll": True,
            "multi": True,
            "current": {"text": "All", "value": "$__all"},
        },
    ]


def _placed(panels: Sequence[_Panel]) -> list[dict[str, Any]]:
    """Panels from left to right, and in a new row where one does not fit."""
    found, x, y = [], 0, 0
    for number, panel in enumerate(panels, 1):
        if x + panel.width > _COLUMNS:
            x, y = 0, y + _HEIGHT
        found.append(_spelt(panel, number, {"x": x, "y": y, "w": panel.width, "h": _HEIGHT}))
        x += panel.width
    return found


def _spelt(panel: _Panel, number: int, place: dict[str, int]) -> dict[str, Any]:
    custom = {"stacking": {"mode": "normal"}, "fillOpacity": 60} if panel.is_stacked else {}
    return {
        "id": number,
        "type": panel.kind,
        "title": panel.title,
        "description": panel.about,
        "datasource": _SOURCE,
        "gridPos": place,
        "fieldConfig": {"defaults": {"unit": panel.unit, "min": 0, "custom": custom}, "overrides": []},
        "options": {},
        "targets": [
            {"refId": chr(ord("A") + place), "datasource": _SOURCE, "expr": expression, "legendFormat": legend}
            for place, (expression, legend) in enumerate(panel.queries)
        ],
    }
