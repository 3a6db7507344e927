from typing import Any

import pytest

from interlock.api.edge import MAX_BODY_BYTES


def _check(answer: Any, status: int) -> dict[str, Any]:
    assert answer.status_code == status, answer.text
    assert answer.headers["content-type"] == "application/problem+json"
    body: dict[str, Any] = answer.json()
    assert body["status"] == status
    assert body["title"]
    assert body["instance"].startswith("urn:uuid:")
    for internal in ("Traceback", "interlock.", "sqlalchemy", "pydantic", 'File "'):
        assert internal not in answer.text
    return body


@pytest.mark.parametrize(
    ("method", "path", "content", "status", "said"),
    [
        ("GET", "/not/there", None, 404, "there is no /api/v1/not/there"),
        ("DELETE", "/models", None, 405, "DELETE is not possible"),
        ("GET", "/models/wine", None, 404, "model 'wine' does not exist"),
        ("GET", "/models/wine/versions/1", None, 404, "model version 'wine:1' does not exist"),
        ("GET", "/models/wine/versions/x", None, 400, "version: "),
        ("GET", "/endpoints/wine", None, 404, "endpoint 'wine' does not exist"),
        ("GET", "/endpoints/wine/monitor", None, 404, "endpoint 'wine' does not exist"),
        ("GET", "/endpoints/wine/monitor?window=soon", None, 400, "window == 'soon'"),
        ("GET", "/endpoints/wine/monitor?since=2013-01-01T00:00:00", None, 400, "must have a time zone"),
        ("GET", "/endpoints/wine/quality", None, 404, "endpoint 'wine' does not exist"),
        ("GET", "/releases/wine-1", None, 404, "release 'wine-1' does not exist"),
        ("POST", "/endpoints", b"{", 400, "JSON"),
        ("POST", "/endpoints", b"{}", 400, "name: Field required"),
        ("POST", "/endpoints", b'{"name": "w", "model": "w:1", "nonsense": 1}', 400, "nonsense"),
        ("POST", "/endpoints", b'{"name": "W!", "model": "w:1"}', 400, "endpoint name == 'W!'"),
        ("POST", "/endpoints", b'{"name": "w", "model": "w"}', 400, "NAME:VERSION"),
        ("POST", "/endpoints", b'{"name": "w", "model": "w:1"}', 404, "w:1"),
        ("POST", "/models/Wine", b'{"source": "x"}', 400, "model name == 'Wine'"),
        ("POST", "/models/wine", b'{"source": "../../etc/passwd"}', 404, "upload"),
        (
            "POST",
            "/releases",
            b'{"endpoint": "w", "candidate": "w:1", "plan": {"stepz": 1}}',
            400,
            "plan has no 'stepz'",
        ),
        ("POST", "/releases", b'{"endpoint": "w", "candidate": "w:1", "plan": {"alpha": "x"}}', 400, "plan: "),
        (
            "POST",
            "/releases",
            b'{"endpoint": "w", "candidate": "w:1", "strategy": "green"}',
            400,
            "strategy == 'green', must be one of shadow, canary, blue_green",
        ),
        ("POST", "/releases", b'{"endpoint": "w", "candidate": "w:1"}', 404, "endpoint 'w' does not exist"),
        ("POST", "/releases/w-1/explode", b"{}", 400, "verb"),
        ("POST", "/keys", b'{"name": "x", "role": "king"}', 400, "role"),
        ("DELETE", "/keys/nobody", None, 404, "live key 'nobody' does not exist"),
        ("GET", "/audit?limit=0", None, 400, "limit"),
    ],
)
def test_every_error_is_a_problem_document_with_one_clear_sentence(
    plane: Any, method: str, path: str, content: bytes | None, status: int, said: str
) -> None:
    headers = plane.header("admin") | ({"Content-Type": "application/json"} if content else {})
    answer = plane.client.request(method, f"/api/v1{path}", headers=headers, content=content)
    assert said in _check(answer, status)["detail"]


def test_a_large_body_is_refused_before_it_is_read(plane: Any) -> None:
    headers = plane.header("admin") | {"Content-Type": "application/json"}
    body = b'{"name": "' + b"x" * MAX_BODY_BYTES + b'"}'
    _check(plane.client.post("/api/v1/keys", headers=headers, content=body), 413)
    # Without a length it is counted while it is read.
    _check(plane.client.post("/api/v1/keys", headers=headers, content=iter([body])), 413)


def test_what_fails_inside_shows_an_id_and_no_internals(
    plane: Any, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise RuntimeError("secret detail")

    monkeypatch.setattr(type(plane.app.state.services.registry), "list", fail)
    body = _check(plane.client.get("/api/v1/models", headers=plane.header("admin")), 500)
    assert "secret" not in str(body)
    assert body["instance"] in caplog.text
    assert "secret detail" in caplog.text


@pytest.mark.parametrize("host", ["evil.example", "evil.example:8081", "", "127.0.0.1.evil.example"])
def test_a_foreign_host_name_is_refused_also_without_a_key(plane: Any, host: str) -> None:
    _check(plane.client.get("/api/v1/health", headers={"Host": host}), 421)


@pytest.mark.parametrize("host", ["localhost:1", "127.0.0.1", "[::1]:8081", "BOX.example:80", "192.168.0.7"])
def test_names_that_are_ours_are_served(plane: Any, host: str) -> None:
    assert plane.client.get("/api/v1/health", headers={"Host": host}).status_code == 200
