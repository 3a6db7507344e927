"""What a new version may be made of, and who may say so."""

import sys
from typing import Any

import pytest
from tests.checks.runtimes.models import make_rows
from tests.checks.runtimes.v2_server import V2Server

SERVER = "http://127.0.0.1:1/v2/models/x"


@pytest.mark.parametrize("role", ["operator", "approver"])
@pytest.mark.parametrize(
    ("named", "what"),
    [
        ({"url": SERVER}, "name a server"),
        ({"source": "0" * 32, "python": sys.executable}, "name an interpreter"),
        ({"entry": "churn.Model", "trust_pickle": True}, "trust pickles"),
    ],
)
def test_addresses_programs_and_code_are_for_administrators(
    plane: Any, role: str, named: dict[str, Any], what: str
) -> None:
    answer = plane.client.post("/api/v1/models/x", headers=plane.header(role), json=named)
    assert answer.status_code == 403
    assert f"may not {what}; that needs role admin" in answer.json()["detail"]


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({}, "source is missing; give a file, a folder, a class or the address of a server"),
        ({"url": "ftp://x/v2/models/y"}, "must look like http://host:8000/v2/models/NAME"),
        ({"url": SERVER, "token_env": "PGPASSWORD"}, "begins with INTERLOCK_REMOTE_"),
        ({"url": SERVER, "source": "0" * 32}, "url is given beside source or entry"),
        ({"source": "0" * 32, "token_env": "INTERLOCK_REMOTE_X"}, "token_env is for sources like http"),
        ({"entry": "churn"}, "entry == 'churn', must look like module.Class"),
        ({"entry": "os;import.x", "trust_pickle": True}, "must look like module.Class"),
        ({"entry": "churn.Model"}, "python:churn.Model is code that the server would run; use --trust-pickle"),
        ({"entry": "churn.Model", "python": "python3", "trust_pickle": True}, "must be an absolute path"),
        ({"url": SERVER}, "cannot be reached"),
    ],
)
def test_what_is_wrong_with_a_source_is_told(plane: Any, given: dict[str, Any], said: str) -> None:
    answer = plane.client.post("/api/v1/models/x", headers=plane.header("admin"), json=given)
    assert answer.status_code == 400, answer.text
    assert said in answer.text


@pytest.mark.parametrize("given", [{"memory_bytes": 1000}, {"startup_seconds": 0}, {"startup_seconds": 1e9}])
def test_limits_that_nothing_could_run_in_are_refused(plane: Any, given: dict[str, Any]) -> None:
    body = {"source": "0" * 32, **given}
    answer = plane.client.post("/api/v1/models/x", headers=plane.header("operator"), json=body)
    assert answer.status_code in (400, 422)


def test_a_remote_model_is_registered_by_its_address(plane: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    import numpy as np

    monkeypatch.setenv("INTERLOCK_REMOTE_TEST", "s3cret")
    server = V2Server(
        lambda rows: np.column_stack([rows["visits"] / 100, 1 - rows["visits"] / 100]), ["visits"], token="s3cret"
    )
    try:
        reference = make_rows(50, 1)[["visits"]].assign(outcome=lambda rows: rows["visits"] > 20)
        upload = plane.client.post(
            "/api/v1/uploads?name=reference.csv",
            headers=plane.header("admin"),
            content=reference.to_csv(index=False).encode(),
        )
        body = {"url": server.url, "token_env": "INTERLOCK_REMOTE_TEST", "label": "outcome"}
        answer = plane.client.post(
            "/api/v1/models/away",
            headers=plane.header("admin"),
            json={**body, "reference": upload.json()["id"]},
        )
    finally:
        server.stop()
    assert answer.status_code == 201, answer.text
    found = answer.json()
    assert (found["placement"], found["model_format"], found["load_warnings"]) == ("remote", "remote", [])
    assert found["contract"]["classes"] == [False, True]
    assert found["has_profile"]
    assert "s3cret" not in answer.text
    audit = plane.client.get("/api/v1/audit", headers=plane.header("admin")).text
    assert server.url in audit
    assert "INTERLOCK_REMOTE_TEST" in audit
    assert "s3cret" not in audit
