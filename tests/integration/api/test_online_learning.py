from typing import Any

import msgspec
import pytest

from interlock import bootstrap
from interlock.domain.contract import Contract, Field
from interlock.domain.learner import Learner
from interlock.domain.traffic import TrafficPlan

PATH = "/api/v1/endpoints/learning/online-learning"
CONTRACT = Contract(
    inputs=(Field(name="x", datatype="FP64"),),
    outputs=(Field(name="label", datatype="BOOL"),),
    task="binary",
    classes=(False, True),
)


@pytest.fixture(scope="module")
def learning(logged_plane: Any) -> Any:
    """An endpoint whose model can learn. No process learns here."""
    store = logged_plane.app.state.services.store
    with store.transaction() as tx:
        there = tx.models.get("m:1")
        tx.models.add(msgspec.structs.replace(there, name="r", model_format="river", contract=CONTRACT))
        endpoint = msgspec.structs.replace(tx.endpoints.get("wine"), name="learning")
        tx.endpoints.add(endpoint)
        tx.plans.append(TrafficPlan(endpoint="learning", generation=1, champion="r:1"))
    return logged_plane


def test_a_learner_from_its_declaration_to_its_end(learning: Any) -> None:
    client, operator = learning.client, learning.header("operator")
    assert client.get(PATH, headers=operator).json()["online_learning"] is None
    assert client.get("/api/v1/learners/learning", headers=operator).status_code == 404
    put = client.put(PATH, headers=operator, json={"every_labels": 50})
    assert put.status_code == 200, put.text
    found = client.get("/api/v1/learners/learning", headers=learning.header("viewer")).json()
    assert (found["state"], found["good"], found["behind"], found["serves"]) == ("learning", "r:1", 0, True)
    assert found["declared"]["every_labels"] == 50
    assert found["progress"]["accuracy"] is None
    for verb, state in (("pause", "paused"), ("resume", "learning")):
        answer = client.post(f"/api/v1/learners/learning/{verb}", headers=operator)
        assert (answer.status_code, answer.json()["state"]) == (200, state)
    assert client.post("/api/v1/learners/learning/resume", headers=operator).status_code == 409
    back = client.post("/api/v1/learners/learning/back", headers=operator, json={})
    assert (back.status_code, "published nothing" in back.json()["detail"]) == (409, True)
    listed = client.get("/api/v1/learners", headers=operator).json()["learners"]
    assert [each["endpoint"] for each in listed] == ["learning"]
    assert client.delete(PATH, headers=operator).status_code == 204
    assert client.delete(PATH, headers=operator).status_code == 404
    actions = [entry["action"] for entry in client.get(
        "/api/v1/audit", headers=learning.header("admin"), params={"subject": "learning"}
    ).json()["entries"]]  # fmt: skip
    assert actions[::-1] == [
        "online_learning.declare", "learner.pause", "learner.resume", "online_learning.withdraw",
    ]  # fmt: skip


def test_only_an_administrator_lets_snapshots_serve(learning: Any) -> None:
    answer = learning.client.put(PATH, headers=learning.header("operator"), json={"serve": True})
    assert (answer.status_code, "needs role admin" in answer.json()["detail"]) == (403, True)
    assert learning.client.put(PATH, headers=learning.header("viewer"), json={}).status_code == 403


def test_a_version_that_is_no_snapshot_cannot_be_taught_again(learning: Any) -> None:
    answer = learning.client.post(
        "/api/v1/learners/replays", headers=learning.header("operator"), json={"version": "r:1"}
    )
    assert (answer.status_code, "no snapshot" in answer.json()["detail"]) == (400, True)


def test_a_key_of_another_endpoint_sees_no_learner(learning: Any) -> None:
    learner = Learner(id="new-learner-1", endpoint="new", number=1, base="r:1", good="r:1", started_at=bootstrap.now())
    with learning.app.state.services.store.transaction() as tx:
        tx.learners.begin(learner)
    answer = learning.client.get("/api/v1/learners/new", headers=learning.header("limited"))
    assert answer.status_code == 403
