"""The data plane against its own OpenAPI document: requests made from it, good and bad, by schemathesis."""

import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from tests.integration.gateway import conftest as gateways

from interlock.gateway import catalogue
from interlock.settings import Settings
from interlock.store.database import Store

pytest.importorskip("schemathesis")

ROW = {"area": 50.0, "rooms": 3}
# What the document cannot say: the contract of this endpoint.
BODIES = {
    "inference_request": {
        "id": "42",
        "inputs": [
            {"name": "area", "shape": [1], "datatype": "FP64", "data": [50.0]},
            {"name": "rooms", "shape": [1, 1], "datatype": "INT64", "data": [[3]]},
        ],
        "outputs": [{"name": "prediction"}],
    },
    "invocation": {"dataframe_records": [ROW], "params": {"output": "all"}},
    "index_request": {"ready": True},
}


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    settings = Settings(home=tmp_path_factory.mktemp("home"))
    store = Store.open(settings.database_url)
    world = gateways.World(settings, store)
    world.plan("price", world.register("price:1", gateways.PRICE, gateways.price_model()))
    with gateways.running(world) as found:
        found.client.headers = world.key("operator")
        yield found
    store.close()


@pytest.fixture(scope="module")
def document() -> dict[str, Any]:
    found: dict[str, Any] = json.loads(catalogue._openapi())
    return found


def test_document_is_served_to_everyone(server: Any, document: dict[str, Any]) -> None:
    assert httpx.get(f"{server.url}/v2/openapi.json").json() == document


def test_every_route_is_in_the_document(server: Any, document: dict[str, Any], tmp_path: Path) -> None:
    """Ask each path with each method that it has: what is missing is 404 or 405."""
    for path, methods in document["paths"].items():
        asked = path.replace("{model_name}", "price").replace("{model_version}", "1")
        for method in methods:
            assert server.client.request(method, asked).status_code not in (404, 405), path


def with_examples(document: dict[str, Any]) -> dict[str, Any]:
    """The document with an endpoint that there is."""
    found: dict[str, Any] = json.loads(json.dumps(document))
    for name, value in {"model_name": ["price"], "model_version": ["1", "price:1"]}.items():
        found["components"]["parameters"][name]["schema"] = {"type": "string", "enum": value}
    for name, body in BODIES.items():
        found["components"]["schemas"][name]["example"] = body
    return found


@pytest.mark.slow
def test_requests_made_from_the_document_are_answered_as_it_says(
    server: Any, document: dict[str, Any], tmp_path: Path
) -> None:
    (tmp_path / "openapi.json").write_text(json.dumps(with_examples(document)))
    # A caller in too much of a hurry is told so.
    (tmp_path / "schemathesis.toml").write_text(
        '[checks.not_a_server_error]\nexpected-statuses = ["2xx", "4xx", 504]\n'
    )
    key = f"Authorization: {server.client.headers['Authorization']}"
    # A body may keep to the document and not to the contract of the endpoint, which the document does not know.
    checks = ["--checks", "all", "--exclude-checks", "positive_data_acceptance"]
    done = subprocess.run(
        [
            sys.executable, "-m", "schemathesis.cli", "run", "openapi.json", "--url", server.url, "-H", key,
            "--phases", "examples,coverage,fuzzing", "--max-examples", "15", "--seed", "1", "--continue-on-failure",
            "--warnings", "off", "--no-color", *checks,
        ],
        cwd=tmp_path, capture_output=True, text=True, timeout=600, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout[-20_000:] + done.stderr[-2000:]
    assert server.world.predictions()
