"""Application tests over the API: who may, what is refused, and what is stored. The test itself is tested elsewhere."""

import dataclasses
import hashlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
from tests.integration.api.conftest import Plane, _keys, _serving
from tests.unit.releases.world import application_test, furnish

from interlock import bootstrap
from interlock.api.app import create_app
from interlock.domain.application_tests import Findings
from interlock.domain.endpoint import ReleaseDefaults
from interlock.domain.errors import UnloadableModelError
from interlock.process.home import prepare
from interlock.registry.application_tests import ApplicationTests, Job
from interlock.settings import Settings

PATH = "/api/v1/models/wine/versions/2/tests"


class Runs:
    """What was asked to be run, and what is found."""

    def __init__(self) -> None:
        self.jobs: list[Job] = []
        self.breaks = False

    def __call__(self, job: Job) -> Findings:
        self.jobs.append(job)
        assert Path(job.data).read_text() == "x,y\n1,0\n"
        if self.breaks:
            raise UnloadableModelError("no memory")
        return application_test(failed_rows=2).findings


@pytest.fixture
def runs() -> Runs:
    return Runs()


@pytest.fixture
def wine(tmp_path: Path, runs: Runs) -> Iterator[Plane]:
    """A control plane over `wine`, whose tests find what they are told to find."""
    settings = Settings(home=tmp_path)
    prepare(settings)
    bootstrap.migrate(settings)
    services = bootstrap.build_services(settings)
    furnish(services.store)
    tests = ApplicationTests(services.store, settings.artifacts, services.clock, runs)
    app = create_app(dataclasses.replace(services, application_tests=tests))
    with _serving(app) as client:
        yield Plane(app, client, _keys(settings))


def post(plane: Plane, role: str = "operator", **more: Any) -> Any:
    header = plane.header(role)
    sent = plane.client.post("/api/v1/uploads?name=held.csv", headers=header, content=b"x,y\n1,0\n")
    upload = sent.json().get("id", "0" * 32)
    return plane.client.post(PATH, headers=header, json={"data": upload, **more})


def test_a_test_is_run_judged_stored_and_audited(wine: Plane, runs: Runs) -> None:
    answer = post(wine, label="y", endpoint="wine", slices=["x"], gates={"max_error_share": 0.5})
    assert answer.status_code == 201, answer.text
    (job,) = runs.jobs
    assert (job.candidate.ref, job.data_name, job.label, job.slices) == ("wine:2", "held.csv", "y", ("x",))
    assert job.champion is not None
    assert job.champion.ref == "wine:1"
    found = answer.json()
    assert (found["passed"], found["number"], found["champion"], found["by"]) == (True, 1, "wine:1", "operator")
    assert found["data_sha256"] == hashlib.sha256(b"x,y\n1,0\n").hexdigest()
    assert not Path(job.data).exists()
    again = post(wine).json()
    assert (again["number"], again["passed"], again["endpoint"]) == (2, False, "")
    listed = wine.client.get(PATH, headers=wine.header("viewer")).json()["tests"]
    assert [test["number"] for test in listed] == [2, 1]
    audit = wine.client.get("/api/v1/audit?subject=wine:2", headers=wine.header("admin")).json()
    assert [entry["action"] for entry in audit["entries"]] == ["model.test", "model.test"]


def test_without_bounds_it_is_held_against_the_plan_that_waits_for_it(wine: Plane) -> None:
    """Two of 100 rows fail: too many by default, few enough for the endpoint's plan, too many for the release."""
    header = wine.header("admin")
    store = wine.app.state.services.store
    assert post(wine, endpoint="wine").json()["passed"] is False
    with store.transaction() as tx:
        defaults = ReleaseDefaults(strategy="canary", plan={"test": {"max_error_share": 0.05}})
        tx.endpoints.update(msgspec.structs.replace(tx.endpoints.get("wine"), release_defaults=defaults))
    assert post(wine, endpoint="wine").json()["passed"] is True
    assert post(wine).json()["passed"] is False
    strict = {"endpoint": "wine", "candidate": "wine:2", "plan": {"test": {"max_error_share": 0.01}}}
    assert wine.client.post("/api/v1/releases", headers=header, json=strict).status_code == 201
    assert post(wine, endpoint="wine").json()["gates"]["max_error_share"] == 0.01


def test_what_is_wrong_is_told_and_nothing_is_stored(wine: Plane, runs: Runs) -> None:
    for more, said in (
        ({"gates": {"max_error_share": 7}}, "test.max_error_share == 7, must be between 0 and 1"),
        ({"gates": {"most_errors": 0}}, "most_errors"),
        ({"gates": {"max_error_share": "none"}}, "gates: Expected `float`"),
    ):
        answer = post(wine, **more)
        assert (answer.status_code, said in answer.text) == (400, True), answer.text
    assert post(wine, endpoint="beer").status_code == 404
    assert runs.jobs == []
    runs.breaks = True
    assert "no memory" in post(wine).text
    assert wine.client.get(PATH, headers=wine.header("viewer")).json() == {"tests": []}


def test_who_only_looks_may_not_test(wine: Plane, runs: Runs) -> None:
    assert wine.client.post(PATH, headers=wine.header("viewer"), json={"data": "0" * 32}).status_code == 403
    assert wine.client.post(PATH, headers=wine.header("operator"), json={"data": "0" * 32}).status_code == 404
    missing = wine.client.get("/api/v1/models/wine/versions/9/tests", headers=wine.header("viewer"))
    assert missing.status_code == 404
    assert runs.jobs == []


def test_a_release_that_asks_for_a_test_says_so(wine: Plane) -> None:
    body = {
        "endpoint": "wine",
        "candidate": "wine:2",
        "plan": {"require_test": True, "test": {"max_error_share": 0.01}},
    }
    header = wine.header("operator")
    post(wine)
    refused = wine.client.post("/api/v1/releases", headers=header, json=body)
    assert refused.status_code == 409
    assert "application test 1 of wine:2" in refused.json()["detail"]
    bad = {**body, "plan": {"require_test": True, "test": {"max_error_share": 2}}}
    assert wine.client.post("/api/v1/releases", headers=header, json=bad).status_code == 400


def test_breaking_changes_are_let_through_by_an_approver_only(wine: Plane) -> None:
    body = {"endpoint": "wine", "candidate": "wine:2", "override": ["x"], "reason": "because"}
    assert wine.client.post("/api/v1/releases", headers=wine.header("operator"), json=body).status_code == 403
    harmless = wine.client.post("/api/v1/releases", headers=wine.header("approver"), json=body)
    assert harmless.status_code == 400
    assert "override == 'x', that breaks nobody" in harmless.text
