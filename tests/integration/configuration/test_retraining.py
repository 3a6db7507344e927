from pathlib import Path
from typing import Any

import pytest
from tests.integration.configuration.conftest import OPERATOR, Plane

from interlock.client.config_file import ConfigFile
from interlock.client.config_text import render
from interlock.domain.errors import ForbiddenError, InvalidInputError
from interlock.domain.retraining import Retraining, Triggers

ENDPOINT: dict[str, Any] = {"endpoints": {"wine": {"model": "m:1"}}}
WEEKLY: dict[str, Any] = {"retraining": {"wine": {"triggers": {"every_hours": 168}, "mode": "blend"}}}


def _changes(found: Any) -> list[str]:
    return [f"{change.action} {change.place}" for change in found.changes]


def test_how_often_is_one_value_in_the_file(plane: Plane) -> None:
    assert _changes(plane.apply({**ENDPOINT, **WEEKLY})) == ["create endpoints.wine", "create retraining.wine"]
    daily = {"retraining": {"wine": {"triggers": {"every_hours": 24}, "mode": "blend"}}}
    (change,) = plane.apply(daily).changes
    assert [field.name for field in change.fields] == ["triggers"]
    with plane.store.read() as tx:
        assert tx.retrainings.get("wine") == Retraining(mode="blend", triggers=Triggers(every_hours=24))
    assert plane.diff(daily).changes == ()
    assert [action for action in plane.actions() if "retraining" in action] == ["retraining.declare wine by ann"] * 2


def test_what_is_exported_is_what_is_in_force(plane: Plane, tmp_path: Path) -> None:
    plane.apply({**ENDPOINT, **WEEKLY, "retraining": {"wine": {}}})
    documents: list[dict[str, Any]] = [
        WEEKLY,
        {"retraining": {"wine": {"release": None, "window": {"days": 30}}}},
        {"retraining": {"wine": {}}},
    ]
    for document in documents:
        plane.apply(document)
        path = tmp_path / "interlock.yaml"
        path.write_text(render({"retraining": plane.configurations.current().document["retraining"]}, {}))
        assert plane.diff(ConfigFile(path).document()).changes == ()


def test_faults_have_their_place(plane: Plane) -> None:
    plane.apply(ENDPOINT)
    wrong = {
        "wine": {"holdout": 2, "code": "learn", "trainer": "python:a.b", "release": {"plan": {"alpha": 3}}},
        "beer": {},
    }
    with pytest.raises(InvalidInputError) as refused:
        plane.diff({"retraining": wrong})
    said = "\n".join(refused.value.faults)
    assert "retraining.wine: holdout == 2, must be between 0 and 1" in said
    assert "retraining.wine: code == 'learn', must be the absolute path" in said
    assert "retraining.beer: endpoint 'beer' does not exist" in said


def test_the_endpoints_own_plan_is_the_one_that_is_checked(plane: Plane) -> None:
    released = {"wine": {"model": "m:1", "release": {"strategy": "blue_green", "plan": {"steps": [1]}}}}
    plane.apply({"endpoints": released})
    assert _changes(plane.diff({"retraining": {"wine": {}}})) == ["create retraining.wine"]


def test_it_needs_an_administrator(plane: Plane) -> None:
    plane.apply(ENDPOINT)
    with pytest.raises(ForbiddenError):
        plane.apply(WEEKLY, actor=OPERATOR)


def test_pruned_it_is_gone_also_with_its_endpoint(plane: Plane) -> None:
    plane.apply({**ENDPOINT, **WEEKLY})
    assert _changes(plane.apply({"retraining": {}}, prune=True)) == ["delete retraining.wine"]
    plane.apply(WEEKLY)
    plane.apply({"endpoints": {}, "retraining": {}}, prune=True)
    with plane.store.read() as tx:
        assert tx.retrainings.list() == {}
