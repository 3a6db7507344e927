from typing import Any

import pytest
from fastapi import FastAPI

from interlock.api.access import PUBLIC
from interlock.api.key_ring import new_secret

OPEN = {("GET", "/api/v1/health"), ("GET", "/api/v1/openapi.json"), ("GET", "/api/v1/docs")}
METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE")
ROLES = ("scorer", "viewer", "operator", "approver", "admin")


def _paths(app: FastAPI) -> list[str]:
    return [*app.openapi()["paths"], "/api/v1/docs", "/api/v1/openapi.json", "/api/v1/not/there", "/metrics"]


def _fill(path: str) -> str:
    for name, value in {
        "name": "wine", "version": "1", "other": "2", "endpoint": "wine", "id": "wine-1", "verb": "promote",
    }.items():  # fmt: skip
        path = path.replace(f"{{{name}}}", value)
    return path


def _promised(app: FastAPI) -> dict[tuple[str, str], dict[str, Any]]:
    return {
        (method.upper(), path): operation
        for path, operations in app.openapi()["paths"].items()
        for method, operation in operations.items()
    }


@pytest.mark.parametrize(
    "authorization",
    [None, "Bearer ilk_wrong", pytest.param(f"Bearer {new_secret()}", id="unknown"), "Basic x", "Bearer"],
)
def test_without_a_good_key_no_route_answers_to_any_method(plane: Any, authorization: str | None) -> None:
    headers = {} if authorization is None else {"Authorization": authorization}
    answered = {}
    for path in _paths(plane.app):
        for method in METHODS:
            # A body that is no JSON: the key is checked before anything is read.
            answer = plane.client.request(method, _fill(path), headers=headers, content=b"{", follow_redirects=False)
            if answer.status_code not in (401, 404, 405):
                answered[(method, path)] = answer.status_code
    assert answered.keys() == OPEN


def test_every_route_names_the_permission_it_needs(plane: Any) -> None:
    needed = {route: operation.get("x-interlock-permission") for route, operation in _promised(plane.app).items()}
    assert set(needed.values()) == {PUBLIC, "read", "operate", "approve", "admin", "predict", "label"}
    assert [route for route, permission in needed.items() if permission == PUBLIC] == [("GET", "/api/v1/health")]
    changing = {route: permission for route, permission in needed.items() if route[0] != "GET"}
    reading = {route for route, permission in changing.items() if permission == "read"}
    asking = ("log/sql", "log/commit", "releases/forecast", "releases/evaluation", "releases/backtest", "config/diff")
    assert reading == {("POST", f"/api/v1/{path}") for path in asking}


@pytest.mark.parametrize("role", ROLES)
def test_a_role_may_do_what_it_says_and_nothing_else(plane: Any, role: str) -> None:
    may = {
        "scorer": {"predict", "label"},
        "viewer": {"read"},
        "operator": {"read", "operate", "predict", "label"},
        "approver": {"read", "operate", "approve", "predict", "label"},
        "admin": {"read", "operate", "approve", "admin", "predict", "label"},
    }[role]
    for (method, path), operation in _promised(plane.app).items():
        answer = plane.client.request(method, _fill(path), headers=plane.header(role), content=b"{")
        permission = operation["x-interlock-permission"]
        allowed = permission == PUBLIC or permission in may
        assert (answer.status_code == 403) is not allowed, (method, path, answer.text)


def test_a_key_limited_to_endpoints_reaches_nothing_of_others(plane: Any) -> None:
    def status(method: str, path: str) -> int:
        return int(plane.client.request(method, f"/api/v1{path}", headers=plane.header("limited"), json={}).status_code)

    assert status("GET", "/endpoints/wine") == 404  # may ask; there is none
    assert status("GET", "/endpoints/other") == 403
    assert status("POST", "/endpoints/other/rollback") == 403
    assert status("POST", "/endpoints") == 403
    assert status("GET", "/audit") == 403
    assert status("POST", "/log/sql") == 403
    assert status("GET", "/keys") == 403
    assert status("GET", "/endpoints") == 200
    release = {"endpoint": "other", "candidate": "wine:2"}
    answer = plane.client.post("/api/v1/releases", headers=plane.header("limited"), json=release)
    assert answer.status_code == 403


def test_a_pickle_may_be_trusted_by_an_administrator_only(plane: Any) -> None:
    new = {"source": "0" * 32, "trust_pickle": True}
    answer = plane.client.post("/api/v1/models/wine", headers=plane.header("operator"), json=new)
    assert answer.status_code == 403
    assert "that needs role admin" in answer.json()["detail"]
    assert plane.client.post("/api/v1/models/wine", headers=plane.header("admin"), json=new).status_code == 404


def test_without_auth_everyone_on_loopback_is_administrator_but_foreign_pages_are_not(open_plane: Any) -> None:
    assert open_plane.client.get("/api/v1/keys").status_code == 200
    for headers in (
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
        {"Origin": "http://203.0.113.5"},
        {"Host": "evil.example"},
    ):
        assert open_plane.client.get("/api/v1/keys", headers=headers).status_code in (403, 421)
        assert open_plane.client.post("/api/v1/keys", headers=headers, json={}).status_code in (403, 421)
    same = {"Origin": "http://127.0.0.1:8081"}
    assert open_plane.client.get("/api/v1/keys", headers=same).status_code == 200
