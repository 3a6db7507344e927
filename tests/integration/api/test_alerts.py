from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from tests.mail_server import Receiver

from interlock.domain.alert import Alert, Symptom
from interlock.domain.endpoint import Endpoint
from interlock.store import Store

NOON = datetime(2026, 1, 1, 12, tzinfo=UTC)


def alert(endpoint: str, *, happens: bool = False) -> Alert:
    symptom = Symptom(
        key="k", rule="drift", severity="warning", sentence="x of m:1 drifted", since=NOON, happens=happens
    )
    return Alert(endpoint=endpoint, day=NOON, state="firing", severity="warning", symptoms=(symptom,), opened_at=NOON)


@pytest.fixture(scope="module")
def incidents(plane: Any) -> dict[str, int]:
    """Incidents of `wine`, of `beer` and of the server itself, by endpoint."""
    store: Store = plane.app.state.services.store
    with store.transaction() as tx:
        for name in ("wine", "beer"):
            tx.endpoints.add(Endpoint(name=name, created_at=NOON, created_by="test"))
        return {name: tx.alerts.add(alert(name, happens=name == "beer")).id for name in ("wine", "beer", "")}


def get(plane: Any, path: str, role: str = "viewer") -> Any:
    return plane.client.get(f"/api/v1{path}", headers=plane.header(role))


def post(plane: Any, path: str, body: dict[str, Any], role: str = "operator") -> Any:
    return plane.client.post(f"/api/v1{path}", headers=plane.header(role), json=body)


def test_incidents_are_listed_newest_first_and_a_limited_key_sees_its_own(
    plane: Any, incidents: dict[str, int]
) -> None:
    listed = get(plane, "/alerts").json()["alerts"]
    assert [each["endpoint"] for each in listed] == ["", "beer", "wine"]
    assert listed[2]["title"] == "wine: x of m:1 drifted"
    assert [each["id"] for each in get(plane, "/alerts?endpoint=wine").json()["alerts"]] == [incidents["wine"]]
    assert len(get(plane, "/alerts?state=open&limit=2").json()["alerts"]) == 2
    assert get(plane, "/alerts?state=resolved").json() == {"alerts": []}
    assert get(plane, "/alerts?state=nonsense").status_code == 400
    assert [each["endpoint"] for each in get(plane, "/alerts", "limited").json()["alerts"]] == ["wine"]
    for of_state in ("", "&state=open"):
        newest = get(plane, f"/alerts?limit=1{of_state}", "limited").json()["alerts"]
        assert [each["endpoint"] for each in newest] == ["wine"]
    assert get(plane, f"/alerts/{incidents['wine']}", "limited").status_code == 200
    for other in ("beer", ""):
        assert get(plane, f"/alerts/{incidents[other]}", "limited").status_code == 403
    for absent in (999, 10**25):
        assert get(plane, f"/alerts/{absent}").status_code == 404


def test_who_acknowledges_is_in_the_history_and_in_the_audit_log(plane: Any, incidents: dict[str, int]) -> None:
    id = incidents["wine"]
    assert post(plane, f"/alerts/{incidents['beer']}/ack", {}, "limited").status_code == 403
    assert post(plane, f"/alerts/{id}/ack", {"reason": "on it"}, "limited").json()["state"] == "acknowledged"
    assert post(plane, f"/alerts/{id}/ack", {}).json()["acknowledged_by"] == "limited"
    shown = get(plane, f"/alerts/{id}").json()
    assert [(each["kind"], each["actor"], each["text"]) for each in shown["events"]] == [
        ("acknowledged", "limited", "on it")
    ]
    assert shown["deliveries"] == []
    (entry,) = get(plane, f"/audit?subject=alert {id}").json()["entries"]
    assert (entry["action"], entry["actor"], entry["details"]["reason"]) == ("alert.acknowledge", "limited", "on it")


def test_what_only_happens_once_is_resolved_by_who_acknowledges(plane: Any, incidents: dict[str, int]) -> None:
    assert post(plane, f"/alerts/{incidents['beer']}/ack", {}).json()["state"] == "resolved"
    again = post(plane, f"/alerts/{incidents['beer']}/ack", {})
    assert again.status_code == 409
    assert [each["id"] for each in get(plane, "/alerts?state=resolved").json()["alerts"]] == [incidents["beer"]]


def test_a_silence_has_an_end_in_the_future_and_an_endpoint_that_the_key_may_operate(
    plane: Any, incidents: dict[str, int]
) -> None:
    later = (datetime.now(UTC) + timedelta(hours=1)).isoformat()
    made = post(plane, "/silences", {"endpoint": "wine", "until": later, "reason": "outage"}, "limited")
    assert (made.status_code, made.json()["created_by"]) == (201, "limited")
    for body, status in (
        ({"endpoint": "beer", "until": later}, 403),
        ({"until": later}, 403),
        ({"endpoint": "wine", "until": NOON.isoformat()}, 400),
        ({"endpoint": "wine", "until": "2030-01-01T00:00:00"}, 400),
    ):
        assert post(plane, "/silences", body, "limited").status_code == status, body
    assert post(plane, "/silences", {"endpoint": "gin", "until": later}).status_code == 404
    assert post(plane, "/silences", {"until": later}).status_code == 201
    assert [each["endpoint"] for each in get(plane, "/silences").json()["silences"]] == ["", "wine"]


def test_channels_are_an_administrators_and_their_urls_are_shown_to_no_one(plane: Any) -> None:
    with Receiver() as receiver:
        new = {"name": "hook", "url": f"http://{receiver.address}/s3cr3t"}
        assert post(plane, "/channels", new).status_code == 403
        added = post(plane, "/channels", new, "admin")
        assert added.status_code == 201
        assert post(plane, "/channels", new, "admin").status_code == 409
        assert post(plane, "/channels", {**new, "name": "bad", "url": "x"}, "admin").status_code == 400
        tested = post(plane, "/channels/hook/test", {})
        assert (tested.json()["delivered"], tested.json()["error"]) == (True, "")
    assert [each["kind"] for each in receiver.bodies] == ["test"]
    tested = post(plane, "/channels/hook/test", {})
    assert tested.json()["delivered"] is False
    listed = get(plane, "/channels")
    assert [(each["name"], each["waiting"]) for each in listed.json()["channels"]] == [("hook", 0)]
    assert plane.client.delete("/api/v1/channels/hook", headers=plane.header("operator")).status_code == 403
    assert plane.client.delete("/api/v1/channels/hook", headers=plane.header("admin")).status_code == 204
    audit = get(plane, "/audit?subject=hook")
    assert [each["action"] for each in audit.json()["entries"]] == [
        "channel.remove", "channel.test", "channel.test", "channel.add",
    ]  # fmt: skip
    for answer in (added, tested, listed, audit):
        assert "s3cr3t" not in answer.text


def test_rules_are_applied_as_a_whole(plane: Any) -> None:
    def put(rules: Any, role: str = "operator") -> Any:
        return plane.client.put("/api/v1/alert-rules", headers=plane.header(role), json={"rules": rules})

    low = {"name": "low", "check": "accuracy", "below": 0.6}
    assert put([low], "viewer").status_code == put([low], "limited").status_code == 403
    assert put([low, {"name": "drift", "off": True}]).status_code == 200
    assert [each["name"] for each in get(plane, "/alert-rules").json()["rules"]] == ["drift", "low"]
    refused = put([{"name": "low"}])
    assert (refused.status_code, len(refused.json()["faults"])) == (400, 2)
    assert put([]).json() == get(plane, "/alert-rules").json() == {"rules": []}


def test_a_maintenance_window_is_written_listed_and_removed_by_who_may_operate_the_endpoint(
    plane: Any,
    incidents: dict[str, int],
) -> None:
    window = {"name": "import", "begins": "02:00", "ends": "04:00", "time_zone": "Europe/Berlin", "weekdays": ["sun"]}
    mine = window | {"endpoint": "wine", "name": "mine"}
    assert post(plane, "/maintenance-windows", mine, "limited").status_code == 201
    assert post(plane, "/maintenance-windows", window, "limited").status_code == 403
    assert post(plane, "/maintenance-windows", window).status_code == 201
    assert post(plane, "/maintenance-windows", window).status_code == 409
    assert post(plane, "/maintenance-windows", window | {"name": "x", "begins": "2"}).status_code == 400
    assert post(plane, "/maintenance-windows", window | {"name": "x", "endpoint": "gin"}).status_code == 404
    found = get(plane, "/maintenance-windows").json()["maintenance_windows"]
    assert [(each["name"], each["weekdays"], each["time_zone"]) for each in found] == [
        ("import", ["sun"], "Europe/Berlin"),
        ("mine", ["sun"], "Europe/Berlin"),
    ]
