"""A real Prometheus scrapes a running server, and a rule fires on a model that fails."""

import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml
from tests.e2e.conftest import Wine
from tests.e2e.product import Product

from interlock.domain.errors import InterlockError
from interlock.process.sockets import listen

PROMETHEUS = shutil.which("prometheus")
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(PROMETHEUS is None, reason="no prometheus: Debian has it in the package prometheus"),
]

_BREAKS = """
import numpy

class Breaks:
    inputs = {"x": "FP64"}

    def predict(self, columns):
        if (columns["x"] == 13).any():
            raise ValueError("13")
        return numpy.ones(len(columns["x"]))
"""


@pytest.fixture
def prometheus(product: Product, tmp_path: Path) -> Iterator[str]:
    """Its address. It scrapes each second, by a key in a file, as docs/config.md has it."""
    (tmp_path / "interlock.key").write_text(
        product.json("key", "create", "--role", "viewer", "--name", "scrape")["key"]
    )
    (tmp_path / "interlock.rules.yml").write_text(product.cli("export", "prometheus-rules").stdout)
    scrape = {
        "job_name": "interlock",
        "authorization": {"credentials_file": str(tmp_path / "interlock.key")},
        "static_configs": [{"targets": [product.gateway.removeprefix("http://")]}],
    }
    every_second = {"scrape_interval": "1s", "evaluation_interval": "1s"}
    config = {"global": every_second, "scrape_configs": [scrape], "rule_files": ["interlock.rules.yml"]}
    (tmp_path / "prometheus.yml").write_text(yaml.safe_dump(config))
    listener = listen("127.0.0.1", 0, option="--port")
    address = "{}:{}".format(*listener.getsockname())
    listener.close()
    process = subprocess.Popen(
        [
            str(PROMETHEUS), f"--config.file={tmp_path / 'prometheus.yml'}", f"--storage.tsdb.path={tmp_path / 'data'}",
            f"--web.listen-address={address}",
        ],
        stderr=subprocess.DEVNULL,
    )  # fmt: skip
    yield f"http://{address}"
    process.terminate()
    process.wait(timeout=30)


def until(prometheus: str, path: str, condition: Any, seconds: float = 60.0) -> Any:
    """Ask Prometheus until it is so."""
    deadline, found = time.monotonic() + seconds, None
    while time.monotonic() < deadline:
        with suppress(httpx.TransportError):
            found = httpx.get(f"{prometheus}/api/v1/{path}").json().get("data")
            if found and condition(found):
                return found
        time.sleep(0.2)
    raise AssertionError(f"it did not come: {found}")


def test_it_scrapes_with_a_key_and_tells_of_a_model_that_fails(
    product: Product, wine: Wine, prometheus: str, tmp_path: Path
) -> None:
    (tmp_path / "breaks.py").write_text(_BREAKS)
    with product.client() as client:
        client.register("breaks", "python:breaks.Breaks", code=tmp_path / "breaks.py", trust_pickle=True)
        client.create_endpoint("breaks", "breaks:1")
        client.predict("breaks", {"x": [1.0]})
        until(prometheus, "targets", lambda found: [each["health"] for each in found["activeTargets"]] == ["up"])
        (rules,) = until(prometheus, "rules", lambda found: found["groups"])["groups"]
        assert {rule["health"] for rule in rules["rules"]} <= {"ok", "unknown"}
        client.predict("wine", wine.heldout)
        deadline = time.monotonic() + 90
        while not (firing := _firing(prometheus)):
            assert time.monotonic() < deadline, "no rule fired"
            with suppress(InterlockError):
                client.predict("breaks", {"x": [13.0]})
    (alert,) = firing
    assert (alert["labels"]["alertname"], alert["labels"]["endpoint"], alert["labels"]["severity"]) == (
        "InterlockFailures", "breaks", "critical",
    )  # fmt: skip
    assert alert["annotations"]["summary"] == "breaks:1 fails more than 5 % of the requests of breaks"


def _firing(prometheus: str) -> list[dict[str, Any]]:
    found = httpx.get(f"{prometheus}/api/v1/alerts").json()["data"]["alerts"]
    return [alert for alert in found if alert["state"] == "firing"]
