"""Devices through a real broker and a running server, which is killed and whose broker dies."""

import json
import os
import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from paho.mqtt.client import Client
from paho.mqtt.enums import CallbackAPIVersion
from tests.e2e.product import Product, run
from tests.mosquitto import BINARY, Mosquitto

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(BINARY is None, reason="no Mosquitto: Debian has it in the package mosquitto"),
]

SECONDS = 90.0


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[Mosquitto]:
    folder = tmp_path / "broker"
    folder.mkdir()
    with Mosquitto(folder) as broker:
        yield broker


@pytest.fixture
def product(tmp_path: Path, broker: Mosquitto) -> Iterator[Product]:
    # By the environment, as its password would be.
    product = Product(tmp_path / "home", env={"INTERLOCK_MQTT": broker.url})
    try:
        yield product.wait_until_ready()
    finally:
        product.stop()


class Device:
    """A device that publishes, each message once for sure (QoS 1)."""

    def __init__(self, broker: Mosquitto) -> None:
        self._client = Client(CallbackAPIVersion.VERSION2, client_id="device", clean_session=False)
        self._client.reconnect_delay_set(1, 1)
        self._client.connect("127.0.0.1", broker.port)
        self._client.loop_start()

    def say(self, topic: str, message: Any, qos: int = 1) -> Any:
        return self._client.publish(topic, message if isinstance(message, bytes) else json.dumps(message), qos=qos)

    def close(self) -> None:
        self._client.disconnect()
        self._client.loop_stop()


@pytest.fixture
def device(broker: Mosquitto) -> Iterator[Device]:
    found = Device(broker)
    yield found
    found.close()


def until(ask: Callable[[], Any], condition: Callable[[Any], bool], seconds: float = SECONDS) -> Any:
    deadline, found = time.monotonic() + seconds, None
    while time.monotonic() < deadline:
        found = ask()
        if condition(found):
            return found
        time.sleep(0.3)
    raise AssertionError(f"it did not come: {found}")


def is_connected(product: Product, *, wanted: bool = True) -> Any:
    def ask() -> Any:
        return product.json("telemetry", "list")["broker"]

    return until(ask, lambda found: found is not None and found["connected"] is wanted)


def logged(product: Product, sensor: str = "count") -> list[float]:
    found = product.json("log", "sql", f"SELECT DISTINCT value FROM telemetry WHERE sensor = '{sensor}' ORDER BY value")
    return [row["value"] for row in found["rows"]]


def test_any_sensor_is_kept_and_bad_messages_are_counted_and_stop_nobody(product: Product, device: Device) -> None:
    is_connected(product)
    device.say("plant/press-7", {"temperature": 71.5, "magnetometer": {"x": 0.1, "y": 0.2, "z": 0.3}})
    device.say("plant/press-7/pressure", 3.25)
    for topic, message in (
        ("plant/press-7", b"\xff\x00nonsense"), ("plant/a/b/c", b"1"), ("plant/press-7/x", b'"hot"'), ("plant/", b"1"),
    ):  # fmt: skip
        device.say(topic, message)
    device.say("plant/press-7/pressure", {"value": 3.5, "at": "2026-03-01T12:00:00Z"}, qos=0)

    def ask() -> Any:
        return product.json("telemetry", "list")

    found = until(ask, lambda found: len(found["unread"]) == 4 and len(found["sensors"]) == 5)
    assert {each["reason"]: each["count"] for each in found["unread"]} == {
        "json": 1, "topic": 1, "value": 1, "device": 1,
    }  # fmt: skip
    values = {each["sensor"]: each["value"] for each in found["sensors"]}
    assert values == {
        "temperature": 71.5, "magnetometer.x": 0.1, "magnetometer.y": 0.2, "magnetometer.z": 0.3, "pressure": 3.25,
    }  # fmt: skip
    assert logged(product, "pressure") == [3.25, 3.5]


def test_nothing_acknowledged_is_lost_when_the_subscriber_is_killed(product: Product, device: Device) -> None:
    is_connected(product)
    sent = 0
    for _ in range(3):
        for _ in range(300):
            device.say("plant/counter/count", sent)
            sent += 1
        os.kill(product.parts()["telemetry"], signal.SIGKILL)
        time.sleep(0.5)
    until(lambda: logged(product), lambda found: len(found) == sent)
    assert logged(product) == [float(number) for number in range(sent)]


def test_a_broker_that_dies_is_told_of_and_tried_again(product: Product, broker: Mosquitto, device: Device) -> None:
    is_connected(product)
    device.say("plant/counter/count", 1).wait_for_publish(30)
    broker.stop()
    assert is_connected(product, wanted=False)["error"]
    broker.start()
    is_connected(product)
    device.say("plant/counter/count", 2).wait_for_publish(30)
    until(lambda: logged(product), lambda found: found == [1.0, 2.0])


def test_what_comes_while_the_server_is_down_is_kept_by_the_broker(
    product: Product, broker: Mosquitto, device: Device, tmp_path: Path
) -> None:
    is_connected(product)
    key = product.key
    assert product.stop() == 0
    for number in range(50):
        device.say("plant/counter/count", number).wait_for_publish(30)
    again = Product(tmp_path / "home", env={"INTERLOCK_MQTT": broker.url})
    try:
        again.key = key
        again.wait_until_ready()
        until(lambda: logged(again), lambda found: len(found) == 50)
    finally:
        again.stop()


def test_a_range_that_a_device_leaves_is_an_incident(product: Product, device: Device) -> None:
    is_connected(product)
    done = product.cli("telemetry", "expect", "press-*", "temperature", "--high", "80", "--unit", "°C")
    assert done.returncode == 0, done.stderr
    device.say("plant/press-7/temperature", 93.2)
    (alert,) = until(lambda: product.json("alert", "list")["alerts"], bool)
    assert alert["title"] == "server: temperature of device press-7 is 93.2 °C; expected at most 80 °C"
    with product.client() as client:
        assert client.telemetry("press-7", {"temperature": 60})["accepted"] == 1
    assert product.cli("telemetry", "send", "press-7", "temperature=hot").returncode == 2
    assert product.cli("telemetry", "expect", "press-7", "temperature").returncode == 2


def test_a_url_that_is_no_broker_is_refused_at_the_start(tmp_path: Path) -> None:
    done = run("up", "--home", str(tmp_path / "home"), "--port", "0", "--control-port", "0", "--mqtt", "http://me:pw@b")
    assert done.returncode == 2
    assert "must be like mqtt://" in done.stderr
    assert "pw" not in done.stderr
