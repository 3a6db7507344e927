"""Prometheus' own program reads the rules and the dashboard's queries, and says when each rule fires."""

import json
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from interlock.exports import grafana, prometheus_rules

PROMTOOL = shutil.which("promtool")
pytestmark = pytest.mark.skipif(PROMTOOL is None, reason="no promtool: Debian has it in the package prometheus")

OF = '{endpoint="wine",instance="box"'
REQUESTS = f'interlock_requests_total{OF},version="wine:1",role="champion",code="200"}}'
WELL = {
    "interlock_gateway_workers": "1x300",
    REQUESTS: "0+60x300",
    f'interlock_answered_rows_total{OF},version="wine:1",role="champion"}}': "0+60x300",
    f'interlock_request_seconds_bucket{OF},version="wine:1",role="champion",le="0.5"}}': "0+60x300",
    f'interlock_request_seconds_bucket{OF},version="wine:1",role="champion",le="2.5"}}': "0+60x300",
    f'interlock_request_seconds_bucket{OF},version="wine:1",role="champion",le="+Inf"}}': "0+60x300",
    f'interlock_log_rows{OF},state="acknowledged"}}': "0+60x300",
    f'interlock_log_rows{OF},state="logged"}}': "0+60x300",
    f'interlock_log_rows{OF},state="waiting"}}': "0x300",
    f'interlock_log_rows{OF},state="quarantined"}}': "0x300",
    f'interlock_log_rows{OF},state="unrecorded"}}': "0x300",
    'interlock_collector_lag_seconds{instance="box"}': "2x300",
    'interlock_reconciliation_age_seconds{instance="box"}': "2x300",
    f'interlock_check_outcome{OF},version="wine:1",signal="quality",check="accuracy",outcome="ok"}}': "1x300",
    f'interlock_check_outcome{OF},version="wine:1",signal="input",check="drift.x",outcome="ok"}}': "1x300",
    f'interlock_release_state{OF},release="r",candidate="wine:2",state="running"}}': "1x300",
    f'interlock_release_finished_timestamp_seconds{OF},release="q",candidate="wine:2",state="rolled_back"}}': "10x300",
    'interlock_verdicts_set_aside_total{instance="box"}': "3x300",
    'interlock_sensor_status{device="press",sensor="t",status="ok"}': "1x300",
    'interlock_mqtt_connected{instance="box"}': "1x300",
}
"""Series of a server where all is well, by the minute, for five hours."""

ILL: dict[str, dict[str, str]] = {
    "InterlockFailures": {
        f'interlock_fallbacks_total{OF},version="wine:2",status="model_error"}}': "0+20x300",
        f'interlock_failed_requests_total{OF},version="wine:2",status="model_error"}}': "0+2x300",
    },
    "InterlockSlow": {
        f'interlock_request_seconds_bucket{OF},version="wine:1",role="champion",le="0.5"}}': "0+30x300",
    },
    "InterlockRejected": {f'interlock_broken_rules_total{OF},field="age",rule="missing"}}': "0+9x300"},
    "InterlockLogSums": {f'interlock_log_rows{OF},state="waiting"}}': "1x300"},
    "InterlockQuarantined": {
        f'interlock_log_rows{OF},state="acknowledged"}}': "0+61x300",
        f'interlock_log_rows{OF},state="quarantined"}}': "0+1x300",
    },
    "InterlockUnrecorded": {
        f'interlock_log_rows{OF},state="acknowledged"}}': "0+61x300",
        f'interlock_log_rows{OF},state="unrecorded"}}': "0+1x300",
    },
    "InterlockCollector": {'interlock_reconciliation_age_seconds{instance="box"}': "0+60x300"},
    "InterlockQuality": {
        f'interlock_check_outcome{OF},version="wine:1",signal="quality",check="f1",outcome="breach"}}': "1x300",
    },
    "InterlockDrift": {
        f'interlock_check_outcome{OF},version="wine:1",signal="input",check="drift.y",outcome="breach"}}': "1x300",
    },
    "InterlockEstimate": {
        f'interlock_check_outcome{OF},version="wine:1",signal="estimate",check="roc_auc",outcome="breach"}}': "1x300",
    },
    "InterlockConcept": {
        f'interlock_check_outcome{OF},version="wine:1",signal="concept",check="concept.adwin",outcome="breach"}}': (
            "1x300"
        ),
    },
    "InterlockBrokenCheck": {
        f'interlock_check_outcome{OF},version="wine:1",signal="input",check="drift.y",outcome="error"}}': "1x300",
    },
    "InterlockSetAside": {'interlock_verdicts_set_aside_total{instance="box"}': "3x195 4x105"},
    "InterlockReleaseWaits": {
        f'interlock_release_state{OF},release="r",candidate="wine:2",state="awaiting_approval"}}': "1x300",
    },
    "InterlockRolledBack": {
        f'interlock_release_finished_timestamp_seconds{OF},release="r",candidate="wine:2",state="rolled_back"}}': (
            "11000x300"
        ),
    },
    "InterlockDeviceRange": {'interlock_sensor_status{device="press",sensor="t",status="outside"}': "1x300"},
    "InterlockDeviceSilent": {'interlock_sensor_status{device="press",sensor="t",status="silent"}': "1x300"},
    "InterlockBroker": {'interlock_mqtt_connected{instance="box"}': "0x300"},
    "InterlockDown": {"interlock_gateway_workers": "1x100 stale"},
}
"""What is otherwise where a rule fires."""

_QUARTERS = 7 * 24 * 4
"""Of an hour, in a week."""


def promtool(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([str(PROMTOOL), *arguments], capture_output=True, text=True, check=False, timeout=120)


def fires(folder: Path, series: dict[str, str], *, at_minute: int = 200, interval: str = "1m") -> set[str]:
    """Names of the rules that fire after so many minutes: each is asked whether it does not, and says so."""
    (folder / "rules.yml").write_text(yaml.safe_dump(prometheus_rules.export()))
    names = [rule["alert"] for rule in prometheus_rules.export()["groups"][0]["rules"]]
    quiet = [{"eval_time": f"{at_minute}m", "alertname": name, "exp_alerts": []} for name in names]
    given = [{"series": name, "values": values} for name, values in series.items()]
    test = {"interval": interval, "input_series": given, "alert_rule_test": quiet}
    document = {"rule_files": ["rules.yml"], "evaluation_interval": interval, "tests": [test]}
    (folder / "test.yml").write_text(yaml.safe_dump(document))
    done = promtool("test", "rules", str(folder / "test.yml"))
    found = {name for name in names if f"alertname: {name}," in done.stdout + done.stderr}
    assert bool(found) == (done.returncode != 0), done.stdout + done.stderr
    return found


def test_the_rules_are_valid(tmp_path: Path) -> None:
    (tmp_path / "rules.yml").write_text(yaml.safe_dump(prometheus_rules.export()))
    done = promtool("check", "rules", str(tmp_path / "rules.yml"))
    assert done.returncode == 0, done.stdout + done.stderr


def test_no_rule_fires_where_all_is_well(tmp_path: Path) -> None:
    assert fires(tmp_path, WELL) == set()


@pytest.mark.parametrize("rule", ILL)
def test_a_rule_fires_on_what_it_is_for_and_no_other_does(tmp_path: Path, rule: str) -> None:
    assert fires(tmp_path, WELL | ILL[rule]) == {rule}


def test_silence_is_told_where_a_week_ago_somebody_asked(tmp_path: Path) -> None:
    rows = f'interlock_answered_rows_total{OF},version="wine:1",role="champion"}}'
    alive = {"interlock_gateway_workers": f"1x{_QUARTERS + 20}"}
    late, by_quarters = (_QUARTERS + 8) * 15, "15m"
    then = {rows: f"0+900x8 7200x{_QUARTERS + 10}", **alive}
    assert fires(tmp_path, then, at_minute=late, interval=by_quarters) == {"InterlockSilent"}
    still = {rows: f"0+900x{_QUARTERS + 20}", **alive}
    assert fires(tmp_path, still, at_minute=late, interval=by_quarters) == set()


def test_a_few_requests_say_nothing(tmp_path: Path) -> None:
    few: dict[str, Any] = {
        REQUESTS: "0+1x300",
        f'interlock_failed_requests_total{OF},version="wine:1",status="timeout"}}': "0+1x300",
    }
    assert fires(tmp_path, WELL | few) == set()


def test_the_dashboards_queries_are_valid(tmp_path: Path) -> None:
    dashboard = json.loads(json.dumps(grafana.export()))
    queries = [target["expr"] for panel in dashboard["panels"] for target in panel["targets"]]
    spelt = [query.replace("$__rate_interval", "5m").replace("$endpoint", ".*") for query in queries]
    rules = [{"record": f"query_{number}", "expr": query} for number, query in enumerate(spelt)]
    (tmp_path / "queries.yml").write_text(yaml.safe_dump({"groups": [{"name": "queries", "rules": rules}]}))
    done = promtool("check", "rules", str(tmp_path / "queries.yml"))
    assert done.returncode == 0, done.stdout + done.stderr
