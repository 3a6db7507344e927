from datetime import UTC, datetime
from typing import Any

import pytest

from interlock.domain.telemetry import MessageFault, SensorState
from interlock.store import Store

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)
EXPECTED = {"device": "press-*", "sensor": "t", "low": None, "high": 80.0, "silent_after_seconds": None}


@pytest.fixture(scope="module")
def heard(plane: Any) -> None:
    store: Store = plane.app.state.services.store
    state = SensorState(device="press-7", sensor="t", value=90.0, at=NOON, received_at=NOON, readings=3)
    with store.transaction() as tx:
        tx.telemetry.put([state])
        tx.telemetry.add_fault(MessageFault(source="mqtt", reason="json", count=2, example="x", last_at=NOON))


def call(plane: Any, method: str, path: str, role: str, body: dict[str, Any] | None = None) -> Any:
    return plane.client.request(method, f"/api/v1{path}", headers=plane.header(role), json=body)


def test_sensors_stand_beside_what_is_expected_of_them(plane: Any, heard: None) -> None:
    put = call(plane, "PUT", "/expectations", "operator", EXPECTED)
    assert put.status_code == 200
    found = call(plane, "GET", "/devices", "viewer").json()
    (sensor,) = found["sensors"]
    assert (sensor["device"], sensor["status"], sensor["value"]) == ("press-7", "outside", 90.0)
    assert sensor["expected"]["high"] == 80.0
    assert [(each["reason"], each["count"]) for each in found["unread"]] == [("json", 2)]
    assert (found["broker"], found["retention_days"]) == (None, 0)
    assert call(plane, "GET", "/devices/press-7", "viewer").json()["sensors"] == [sensor]
    assert call(plane, "GET", "/devices/nobody", "viewer").status_code == 404
    gone = call(plane, "DELETE", "/expectations?device=press-*&sensor=t", "operator")
    assert gone.status_code == 204
    assert call(plane, "DELETE", "/expectations?device=press-*&sensor=t", "operator").status_code == 404
    assert call(plane, "GET", "/expectations", "viewer").json() == {"expectations": []}


def test_what_makes_no_sense_is_refused_and_nothing_is_kept(plane: Any, heard: None) -> None:
    bad = {**EXPECTED, "high": 1.0, "low": 2.0}
    answer = call(plane, "PUT", "/expectations", "operator", bad)
    assert answer.status_code == 400
    assert "low must not be above high" in answer.text
    assert call(plane, "PUT", "/devices", "admin", {"retention_days": -1}).status_code == 400
    assert call(plane, "GET", "/expectations", "viewer").json() == {"expectations": []}


def test_who_may_do_what(plane: Any, heard: None) -> None:
    assert call(plane, "GET", "/devices", "scorer").status_code == 403
    assert call(plane, "GET", "/devices", "limited").status_code == 403
    assert call(plane, "PUT", "/expectations", "viewer", EXPECTED).status_code == 403
    assert call(plane, "DELETE", "/devices/press-7", "viewer").status_code == 403
    assert call(plane, "PUT", "/devices", "operator", {"retention_days": 7}).status_code == 403
    assert call(plane, "PUT", "/devices", "admin", {"retention_days": 7}).json() == {"retention_days": 7}


def test_a_device_that_is_gone_is_forgotten_and_every_act_is_audited(plane: Any, heard: None) -> None:
    store: Store = plane.app.state.services.store
    with store.transaction() as tx:
        tx.telemetry.put(
            [SensorState(device="old", sensor=name, value=1.0, at=NOON, received_at=NOON) for name in "ab"]
        )
    assert call(plane, "DELETE", "/devices/old?sensor=a", "operator").json() == {"device": "old", "sensors": 1}
    assert call(plane, "DELETE", "/devices/old", "operator").json() == {"device": "old", "sensors": 1}
    assert call(plane, "DELETE", "/devices/old", "operator").status_code == 404
    with store.read() as tx:
        acts = {entry.action for entry in tx.audit.list()}
    assert {"telemetry.expect", "telemetry.unexpect", "telemetry.forget", "telemetry.retention"} <= acts
