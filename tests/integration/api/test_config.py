"""Releases as code over HTTP: what is there, what would change, and who may change it."""

from typing import Any

import jsonschema

RULES = {"alert_rules": [{"name": "low", "check": "accuracy", "below": 0.6}]}
TEAM = {"channels": {"team": {"url": "https://hooks.example.org/s3cret"}}}


def ask(plane: Any, path: str, body: dict[str, Any], role: str = "operator") -> Any:
    return plane.client.post(f"/api/v1/config/{path}", headers=plane.header(role), json=body)


def test_the_schema_is_published_and_what_is_there_fits_it(plane: Any) -> None:
    schema = plane.client.get("/api/v1/config/schema", headers=plane.header("viewer")).json()
    found = plane.client.get("/api/v1/config", headers=plane.header("viewer")).json()
    jsonschema.validate(found["document"], schema)
    assert set(found["document"]) == set(schema["$defs"]["Configuration"]["properties"])


def test_a_viewer_compares_an_operator_applies_and_channels_are_an_administrators(plane: Any) -> None:
    for document in (RULES, TEAM):
        compared = ask(plane, "diff", {"document": document}, "viewer")
        assert (compared.status_code, len(compared.json()["changes"])) == (200, 1)
        assert "s3cret" not in compared.text
    assert ask(plane, "apply", {"document": RULES}, "viewer").status_code == 403
    refused = ask(plane, "apply", {"document": RULES | TEAM})
    assert (refused.status_code, "may not change channels" in refused.json()["detail"]) == (403, True)
    assert plane.client.get("/api/v1/alert-rules", headers=plane.header("viewer")).json() == {"rules": []}
    assert ask(plane, "apply", {"document": RULES}).status_code == 200
    assert ask(plane, "apply", {"document": RULES | TEAM}, "admin").status_code == 200
    gone: dict[str, Any] = {"alert_rules": [], "channels": {}}
    pruned = ask(plane, "apply", {"document": gone, "prune": True}, "admin").json()
    assert [change["action"] for change in pruned["changes"]] == ["delete", "delete"]


def test_a_key_that_is_limited_to_endpoints_puts_nothing_in_force(plane: Any) -> None:
    assert ask(plane, "apply", {"document": {}}, "limited").status_code == 403


def test_faults_come_one_by_one_with_their_places(plane: Any) -> None:
    answer = ask(plane, "diff", {"document": {"endpoint": {}, "channels": {"team": {"url": 5}}}})
    assert answer.status_code == 400
    assert answer.json()["faults"] == [
        "endpoint: is not known; did you mean endpoints?",
        "channels.team.url: must be text",
    ]
