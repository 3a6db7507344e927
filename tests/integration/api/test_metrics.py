"""What the control port tells Prometheus, on a real store."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from prometheus_client.parser import text_string_to_metric_families

from interlock.domain.alert import Alert, Symptom
from interlock.domain.endpoint import Endpoint
from interlock.domain.release import Release, ReleasePlan
from interlock.domain.traffic import TrafficPlan
from interlock.domain.verdict import Check, Verdict
from interlock.store import Store

NOON = datetime.now(UTC).replace(minute=0, second=0, microsecond=0)
DAY = timedelta(days=1)


def check(name: str, version: str, outcome: Any, value: float | None, signal: Any = "quality") -> Check:
    return Check(
        name=name, signal=signal, version=version, outcome=outcome, value=value, expected="at least 0.75", rows=400
    )


@pytest.fixture(scope="module")
def watched(plane: Any) -> None:
    """An endpoint on `m:1`, judged yesterday and the day before; `m:0` serves no more."""
    store: Store = plane.app.state.services.store
    symptom = Symptom(key="k", rule="drift", severity="critical", sentence="x", since=NOON)
    with store.transaction() as tx:
        tx.endpoints.add(Endpoint(name="grape", created_at=NOON, created_by="test"))
        tx.plans.append(TrafficPlan(endpoint="grape", generation=1, champion="m:1"))
        for ago, value in ((2, 0.9), (1, 0.5)):
            start = NOON - ago * DAY
            checks = [
                check("accuracy", "m:1", "breach" if value < 0.75 else "ok", value),
                check("drift.x", "m:1", "no_data", None, "input"), check("accuracy", "m:0", "breach", 0.1),
            ]  # fmt: skip
            tx.verdicts.append(
                Verdict(endpoint="grape", window_start=start, window_end=start + DAY, check=each, at=NOON)
                for each in checks
            )
        tx.releases.add(
            Release(
                id="grape-1", endpoint="grape", strategy="canary", state="awaiting_approval", candidate="m:2",
                champion="m:1", plan=ReleasePlan(), created_at=NOON, created_by="test",
            )
        )  # fmt: skip
        tx.alerts.add(
            Alert(endpoint="grape", day=NOON, state="firing", severity="critical", symptoms=(symptom,), opened_at=NOON)
        )


def scrape(plane: Any, role: str = "viewer") -> dict[str, list[tuple[dict[str, str], float]]]:
    answer = plane.client.get("/metrics", headers=plane.header(role))
    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith("text/plain; version=0.0.4")
    found: dict[str, list[tuple[dict[str, str], float]]] = {}
    for family in text_string_to_metric_families(answer.text):
        for sample in family.samples:
            found.setdefault(sample.name, []).append((sample.labels, sample.value))
    return found


def test_the_newest_verdict_of_each_check_is_told_of_versions_that_serve(plane: Any, watched: None) -> None:
    found = scrape(plane)
    labels = {"endpoint": "grape", "version": "m:1", "signal": "quality", "check": "accuracy"}
    assert found["interlock_check_value"] == [(labels, 0.5)]
    outcomes = {(each["check"], each["outcome"]) for each, value in found["interlock_check_outcome"] if value == 1}
    assert outcomes == {("accuracy", "breach"), ("drift.x", "no_data")}
    assert (labels, 400.0) in found["interlock_check_rows"]
    ends = {each["signal"]: value for each, value in found["interlock_check_window_end_timestamp_seconds"]}
    assert ends == {"quality": NOON.timestamp(), "input": NOON.timestamp()}


def test_releases_and_incidents_are_told(plane: Any, watched: None) -> None:
    found = scrape(plane)
    ((labels, value),) = found["interlock_release_state"]
    assert (labels["endpoint"], labels["state"], labels["strategy"], value) == (
        "grape", "awaiting_approval", "canary", 1.0,
    )  # fmt: skip
    assert found["interlock_release_traffic_share"][0][1] == 0.0
    assert ({"endpoint": "grape", "severity": "critical", "state": "firing"}, 1.0) in found["interlock_open_alerts"]
    assert found["interlock_verdicts_set_aside_total"] == [({}, 0.0)]


def test_the_machine_is_told(plane: Any) -> None:
    found = scrape(plane)
    memory = {each["state"]: value for each, value in found["interlock_machine_memory_bytes"]}
    disk = {each["state"]: value for each, value in found["interlock_disk_bytes"]}
    assert 0 < memory["available"] < memory["total"]
    assert 0 <= disk["free"] < disk["total"]
    assert {each["mode"] for each, _ in found["interlock_machine_cpu_seconds_total"]} >= {"user", "system", "idle"}


def test_only_who_may_read_everything_may_scrape(plane: Any) -> None:
    assert plane.client.get("/metrics").status_code == 401
    for role in ("scorer", "limited"):
        assert plane.client.get("/metrics", headers=plane.header(role)).status_code == 403
