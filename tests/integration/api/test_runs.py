from typing import Any

import pytest


def test_without_runs_there_is_an_empty_list(logged_plane: Any) -> None:
    assert logged_plane.client.get("/api/v1/runs", headers=logged_plane.header("viewer")).json() == {"runs": []}


def test_a_declaration_is_put_shown_and_taken_away(logged_plane: Any) -> None:
    path, operator = "/api/v1/endpoints/wine/retraining", logged_plane.header("operator")
    assert logged_plane.client.get(path, headers=operator).json()["retraining"] is None
    put = logged_plane.client.put(path, headers=operator, json={"mode": "blend", "window": {"days": 30}})
    assert put.status_code == 200, put.text
    shown = logged_plane.client.get(path, headers=operator).json()
    assert (shown["retraining"]["mode"], shown["retraining"]["window"]["days"]) == ("blend", 30.0)
    assert logged_plane.client.delete(path, headers=operator).status_code == 204
    assert logged_plane.client.delete(path, headers=operator).status_code == 404


@pytest.mark.parametrize(
    ("document", "said"),
    [
        ({"holdout": 2}, "holdout == 2, must be between 0 and 1"),
        ({"nonsense": 1}, "unknown field `nonsense`"),
        ({"release": {"strategy": "canary", "plan": {"alpha": 2}}}, "alpha == 2"),
        ({"release": {"strategy": "canary", "plan": {"steps": [0.5]}}}, "must end with 1"),
        ({"triggers": {"cron": "every monday"}}, "triggers.cron == 'every monday'"),
        ({"trainer": "python:a.b", "code": "/no/such/folder"}, "must be the absolute path of a folder"),
    ],
)
def test_a_wrong_declaration_is_refused_with_its_reason(logged_plane: Any, document: Any, said: str) -> None:
    answer = logged_plane.client.put(
        "/api/v1/endpoints/wine/retraining", headers=logged_plane.header("admin"), json=document
    )
    assert answer.status_code == 400
    assert said in answer.json()["detail"]


@pytest.mark.parametrize("document", [{"trainer": "python:a.b", "code": "/tmp"}, {"trust_pickle": True}])
def test_naming_code_needs_an_administrator(logged_plane: Any, document: Any) -> None:
    path = "/api/v1/endpoints/wine/retraining"
    answer = logged_plane.client.put(path, headers=logged_plane.header("operator"), json=document)
    assert answer.status_code == 403
    assert "needs role admin" in answer.json()["detail"]


@pytest.mark.parametrize(("role", "status"), [("scorer", 403), ("viewer", 403)])
def test_who_may_not_operate_may_not_ask(logged_plane: Any, role: str, status: int) -> None:
    answer = logged_plane.client.post("/api/v1/runs", headers=logged_plane.header(role), json={"endpoint": "wine"})
    assert answer.status_code == status


def test_a_key_of_another_endpoint_sees_and_starts_nothing(logged_plane: Any) -> None:
    answer = logged_plane.client.post("/api/v1/runs", headers=logged_plane.header("limited"), json={"endpoint": "new"})
    assert answer.status_code == 403


def test_what_is_not_there_is_404(logged_plane: Any) -> None:
    admin = logged_plane.header("admin")
    for method, path in (
        ("GET", "/runs/nope"), ("GET", "/runs/nope/log"), ("POST", "/runs/nope/cancel"), ("POST", "/runs/nope/rerun"),
        ("GET", "/endpoints/nope/retraining"), ("GET", "/models/m/versions/9/lineage"),
    ):  # fmt: skip
        assert logged_plane.client.request(method, f"/api/v1{path}", headers=admin).status_code == 404, path
    asked = logged_plane.client.post("/api/v1/runs", headers=admin, json={"endpoint": "nope"})
    assert asked.status_code == 404


def test_lineage_of_a_version_without_a_run_says_what_is_known(logged_plane: Any) -> None:
    found = logged_plane.client.get("/api/v1/models/m/versions/1/lineage", headers=logged_plane.header("viewer")).json()
    (only,) = found["lineage"]
    assert (only["version"], only["run"], only["releases"]) == ("m:1", None, [])
