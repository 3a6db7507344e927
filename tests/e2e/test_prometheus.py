"""A real Prometheus scrapes both ports of a running server, rules fire, and a real Alertmanager tells of them."""

import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import closing, suppress
from pathlib import Path
from typing import Any
from urllib.parse import quote

import httpx
import pytest
import yaml
from tests.e2e.conftest import Wine
from tests.e2e.product import Product
from tests.mail_server import Receiver

from interlock.domain.errors import InterlockError
from interlock.process.sockets import listen

PROMETHEUS = shutil.which("prometheus")
ALERTMANAGER = shutil.which("prometheus-alertmanager") or shutil.which("alertmanager")
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


def free_address() -> str:
    with closing(listen("127.0.0.1", 0, option="--port")) as listener:
        return "{}:{}".format(*listener.getsockname())


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with Receiver() as found:
        yield found


@pytest.fixture
def alertmanager(receiver: Receiver, tmp_path: Path) -> Iterator[str]:
    """Its address, which tells a webhook of everything at once; empty where there is none."""
    if ALERTMANAGER is None:
        yield ""
        return
    hook = {"name": "hook", "webhook_configs": [{"url": f"http://{receiver.address}/alerts"}]}
    route = {"receiver": "hook", "group_by": ["alertname"], "group_wait": "0s", "group_interval": "1s"}
    config = tmp_path / "alertmanager.yml"
    config.write_text(yaml.safe_dump({"route": route, "receivers": [hook]}))
    address = free_address()
    process = subprocess.Popen(
        [
            ALERTMANAGER, f"--config.file={config}", f"--storage.path={tmp_path / 'alerts'}",
            f"--web.listen-address={address}", "--cluster.listen-address=",
        ],
        stderr=subprocess.DEVNULL,
    )  # fmt: skip
    yield address
    process.terminate()
    process.wait(timeout=30)


@pytest.fixture
def prometheus(product: Product, alertmanager: str, tmp_path: Path) -> Iterator[str]:
    """Its address. It scrapes both ports each second, by a key in a file, as docs/config.md has it."""
    (tmp_path / "interlock.key").write_text(
        product.json("key", "create", "--role", "viewer", "--name", tmp_path.name)["key"]
    )
    (tmp_path / "interlock.rules.yml").write_text(product.cli("export", "prometheus-rules").stdout)
    scrape = {
        "job_name": "interlock",
        "authorization": {"credentials_file": str(tmp_path / "interlock.key")},
        "static_configs": [{"targets": [each.removeprefix("http://") for each in (product.gateway, product.control)]}],
    }
    every_second = {"scrape_interval": "1s", "evaluation_interval": "1s"}
    managers = [{"static_configs": [{"targets": [alertmanager]}]}] if alertmanager else []
    config = {
        "global": every_second, "scrape_configs": [scrape], "rule_files": ["interlock.rules.yml"],
        "alerting": {"alertmanagers": managers},
    }  # fmt: skip
    (tmp_path / "prometheus.yml").write_text(yaml.safe_dump(config))
    address = free_address()
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
        until(prometheus, "targets", lambda found: [each["health"] for each in found["activeTargets"]] == ["up"] * 2)
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


def test_it_scrapes_what_the_control_plane_knows_and_an_alertmanager_tells_of_it(
    product: Product, wine: Wine, prometheus: str, alertmanager: str, receiver: Receiver
) -> None:
    product.json("telemetry", "expect", "press-7", "temperature", "--high", "80")
    with product.client() as client:
        client.telemetry("press-7", {"temperature": 93.5})

    def value(query: str) -> Any:
        return until(prometheus, f"query?query={quote(query)}", lambda found: found["result"])["result"]

    (sensor,) = value('interlock_sensor_value{device="press-7"} > 90')
    assert sensor["value"][1] == "93.5"
    parts = {each["metric"]["part"] for each in value("interlock_process_resident_memory_bytes > 1e6")}
    assert {"gw0", "api", "controller", "collector", "scorer"} <= parts
    for name in (
        "interlock_process_cpu_seconds_total", "interlock_process_open_fds", "interlock_process_threads",
        "interlock_machine_cpu_seconds_total", "interlock_machine_memory_bytes", "interlock_disk_bytes",
        "interlock_network_bytes_total",
    ):  # fmt: skip
        assert all(float(each["value"][1]) >= 0 for each in value(name))
    assert value("sum(up) == 2"), "both ports are scraped"
    if not alertmanager:
        pytest.skip("no Alertmanager: Debian has it in the package prometheus-alertmanager")
    deadline = time.monotonic() + 60
    while not (told := _told(receiver)):
        assert time.monotonic() < deadline, "Alertmanager told nobody"
        time.sleep(0.2)
    assert told["InterlockDeviceRange"] == "temperature of device press-7 is out of its range"


def _told(receiver: Receiver) -> dict[str, str]:
    alerts = [alert for body in receiver.bodies for alert in body["alerts"]]
    return {
        each["labels"]["alertname"]: each["annotations"]["summary"] for each in alerts if each["status"] == "firing"
    }
