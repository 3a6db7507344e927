"""Who may ask what, and what is refused before it costs anything."""

import gzip
import socket
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest

INPUTS = {"inputs": [{"name": "m", "shape": [1, 2], "datatype": "FP64", "data": [1.0, 1]}]}
ROUTES = [
    ("GET", "/v2"),
    ("GET", "/v2/models/price"),
    ("GET", "/v2/models/price/ready"),
    ("POST", "/v2/models/price/infer"),
    ("GET", "/v2/models/price/versions/1"),
    ("POST", "/v2/models/price/versions/price:1/infer"),
    ("POST", "/endpoints/price/invocations"),
    ("POST", "/endpoints/price/labels"),
    ("POST", "/endpoints/price/decisions"),
    ("POST", "/endpoints/price/rewards"),
    ("POST", "/invocations"),
    ("POST", "/telemetry/press-7"),
    ("GET", "/metrics"),
    ("GET", "/v2/models"),
    ("GET", "/v2/models/stats"),
    ("GET", "/v2/models/price/stats"),
    ("GET", "/v2/models/price/config"),
    ("POST", "/v2/repository/index"),
    ("POST", "/v2/repository/models/price/load"),
    ("POST", "/v2/repository/models/nope/unload"),
    ("GET", "/v1/models"),
    ("GET", "/v1/models/price"),
    ("POST", "/v1/models/price:predict"),
    ("POST", "/v1/models/nope:predict"),
    ("GET", "/v2/models/nope"),
    ("POST", "/v2/models/nope/infer"),
    ("POST", "/endpoints/nope/invocations"),
]


@pytest.fixture
def locked(price_world: Any, start: Any) -> Iterator[Any]:
    """A server that wants keys."""
    with start(price_world, no_auth=False) as found:
        yield found


def test_every_route_but_health_wants_a_key(locked: Any) -> None:
    for method, path in ROUTES:
        for headers in ({}, {"Authorization": "Bearer wrong"}, {"Authorization": "Basic eDp5"}):
            answer = locked.client.request(method, path, headers=headers)
            assert answer.status_code == 401, path
            assert answer.headers["WWW-Authenticate"] == "Bearer"
            assert "price" not in answer.json()["error"]


def test_health_needs_no_key(locked: Any) -> None:
    for path in ("/v2/health/live", "/v2/health/ready", "/ping", "/health", "/version"):
        assert locked.client.get(path).status_code == 200


def test_roles_may_do_what_they_are_for(locked: Any, price_world: Any) -> None:
    scorer, viewer = price_world.key("scorer"), price_world.key("viewer")
    infer = "/v2/models/price/infer"
    assert locked.client.post(infer, json=INPUTS, headers=scorer).status_code == 200
    refused = locked.client.post(infer, json=INPUTS, headers=viewer)
    assert refused.status_code == 403
    assert refused.json()["error"] == "key 'viewer' has the role viewer, which may not predict"
    for headers in (scorer, viewer):
        assert locked.client.get("/v2/models/price", headers=headers).status_code == 200
        assert locked.client.get("/metrics", headers=headers).status_code == 200
    for noun in ("labels", "decisions", "rewards"):
        assert locked.client.post(f"/endpoints/price/{noun}", json={noun: []}, headers=viewer).status_code == 403
    assert locked.client.post("/telemetry/press-7", json={"t": 1}, headers=viewer).status_code == 403
    assert locked.client.post("/telemetry/press-7", json={"t": 1}, headers=scorer).status_code == 200


def test_key_limited_to_other_endpoints_is_refused(locked: Any, price_world: Any) -> None:
    headers = price_world.key("scorer", endpoints=("wine",))
    answer = locked.client.post("/v2/models/price/infer", json=INPUTS, headers=headers)
    assert answer.status_code == 403
    assert answer.json()["error"] == "key 'scorer' is limited to the endpoints wine"


def test_key_limited_to_other_endpoints_does_not_learn_their_names(locked: Any, price_world: Any) -> None:
    limited, every = price_world.key("scorer", endpoints=("wine",)), price_world.key("scorer", "every")
    for path in ("/v2/models/nope/infer", "/endpoints/nope/invocations"):
        answer = locked.client.post(path, json=INPUTS, headers=limited)
        assert answer.status_code == 404
        assert "none that key 'scorer' may ask is served" in answer.json()["error"]
        assert "price" in locked.client.post(path, json=INPUTS, headers=every).json()["error"]
    unknown_version = locked.client.get("/v2/models/price/versions/99", headers=limited)
    assert unknown_version.status_code == 403
    assert "price" not in unknown_version.json()["error"]


def test_new_key_works_at_once_and_a_revoked_one_soon_does_not(locked: Any, price_world: Any) -> None:
    headers = price_world.key("scorer", "short-lived")
    assert locked.client.get("/v2", headers=headers).status_code == 200
    with price_world.store.transaction() as tx:
        tx.keys.revoke("short-lived", datetime.now(UTC))
    locked.wait(lambda: locked.client.get("/v2", headers=headers).status_code == 401)


def test_event_time_needs_a_key_that_may_backdate(locked: Any, price_world: Any) -> None:
    plain, backdating = price_world.key("scorer"), price_world.key("scorer", "old", allow=("backdate",))
    body: dict[str, Any] = {**INPUTS, "parameters": {"event_at": "2013-04-01T10:00:00+02:00"}}
    refused = locked.client.post("/v2/models/price/infer", json=body, headers=plain)
    assert refused.status_code == 403
    assert "backdate" in refused.json()["error"]
    assert locked.client.post("/v2/models/price/infer", json=body, headers=backdating).status_code == 200
    body = {"instances": [[1.0, 1], [2.0, 2]], "params": {"event_at": ["2013-04-01T08:00:00Z", "2013-04-01T09:00:00Z"]}}
    assert locked.client.post("/invocations", json=body, headers=backdating).status_code == 200
    for wrong in ("2013-04-01T08:00:00", "2999-01-01T00:00:00Z", "soon", 5, ["2013-04-01T08:00:00Z"] * 3):
        body["params"] = {"event_at": wrong}
        assert locked.client.post("/invocations", json=body, headers=backdating).status_code == 400
    first, second = price_world.predictions()
    assert first.event_at_us == [1_364_803_200_000_000]
    assert second.event_at_us == [1_364_803_200_000_000, 1_364_806_800_000_000]


def test_unknown_paths_and_methods_are_refused(server: Any) -> None:
    for path in ("/docs", "/v2/repository", "/v3", "/endpoints/price", "/v2/models/price/nope"):
        assert server.client.get(path).status_code == 404
    for method, path in (("DELETE", "/v2/models/price"), ("GET", "/v2/models/price/infer"), ("PUT", "/metrics")):
        answer = server.client.request(method, path)
        assert answer.status_code == 405
        assert answer.headers["Allow"]
    unknown = server.client.post("/v2/models/nope/infer", json=INPUTS)
    assert unknown.status_code == 404
    assert unknown.json()["error"] == "Request for unknown model: 'nope' is not an endpoint here; there is: price"


@pytest.mark.parametrize("host", ["evil.example", "localhost.evil.example", "127.0.0.1.evil.example:80"])
def test_foreign_hosts_are_refused(shared: Any, host: str) -> None:
    answer = shared.client.get("/v2/health/live", headers={"Host": host})
    assert answer.status_code == 421
    assert "--allowed-host" in answer.json()["error"]


@pytest.mark.parametrize("host", ["localhost", "LOCALHOST:8080", "10.1.2.3:9", "[::1]:8080", "box.example"])
def test_own_hosts_are_accepted(price_world: Any, start: Any, host: str) -> None:
    with start(price_world, allowed_hosts=("box.example",)) as server:
        assert server.client.get("/v2/health/live", headers={"Host": host}).status_code == 200


def test_foreign_web_pages_are_refused(shared: Any) -> None:
    for origin in ("https://evil.example", "http://203.0.113.5", "null"):
        answer = shared.client.post("/v2/models/price/infer", json=INPUTS, headers={"Origin": origin})
        assert answer.status_code == 403
    own = {"Origin": shared.url}
    assert shared.client.post("/v2/models/price/infer", json=INPUTS, headers=own).status_code == 200


def test_large_body_is_refused_before_it_is_sent(shared: Any) -> None:
    head = b"POST /v2/models/price/infer HTTP/1.1\r\nHost: localhost\r\nContent-Length: 104857600\r\n\r\n"
    with socket.create_connection(shared.address, timeout=10) as connection:
        connection.sendall(head)
        assert connection.recv(4096).startswith(b"HTTP/1.1 413 ")


def test_client_that_sends_a_large_body_first_reads_its_413(price_world: Any, start: Any) -> None:
    with start(price_world, max_body_bytes=1000) as server:
        answer = server.client.post("/v2/models/price/infer", content=b"x" * 20_000_000)
        assert answer.status_code == 413
        assert answer.json()["error"] == "the body is larger than 1000 bytes; send fewer rows at once"
        chunks = (b"x" * 400 for _ in range(5))
        assert server.client.post("/v2/models/price/infer", content=chunks).status_code == 413
        assert server.price().status_code == 200


def test_packed_bomb_is_refused(price_world: Any, start: Any) -> None:
    with start(price_world, max_body_bytes=100_000) as server:
        bomb = gzip.compress(b" " * 50_000_000)
        answer = server.client.post("/v2/models/price/infer", content=bomb, headers={"Content-Encoding": "gzip"})
        assert answer.status_code == 413
        broken = server.client.post("/invocations", content=b"no", headers={"Content-Encoding": "gzip"})
        assert broken.status_code == 400
        unknown = server.client.post("/invocations", content=b"no", headers={"Content-Encoding": "br"})
        assert unknown.status_code == 415


def test_endless_headers_end_the_connection(shared: Any) -> None:
    with socket.create_connection(shared.address, timeout=10) as connection:
        connection.sendall(b"GET /v2 HTTP/1.1\r\nHost: localhost\r\nX: ")
        answer = b""
        try:
            for _ in range(200):
                connection.sendall(b"x" * 1024)
            while part := connection.recv(4096):
                answer += part
        except (ConnectionResetError, BrokenPipeError):
            return
        assert answer.startswith(b"HTTP/1.1 400 ")


def test_client_that_hangs_up_leaves_nothing_behind(server: Any, price_world: Any) -> None:
    half = b'POST /invocations HTTP/1.1\r\nHost: localhost\r\nContent-Length: 500\r\n\r\n{"instances": '
    for _ in range(20):
        with socket.create_connection(server.address, timeout=10) as connection:
            connection.sendall(half)
    assert server.price().status_code == 200
    assert len(price_world.predictions()) == 1
