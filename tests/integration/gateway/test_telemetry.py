"""Readings of devices over a real server, on the disk before they are acknowledged."""

from typing import Any

import pytest

from interlock.predictions import segments
from interlock.predictions.records import TelemetryRecord


def records(world: Any) -> list[TelemetryRecord]:
    found = []
    for file in segments.listing(world.settings.spools / "gw0"):
        found += [each for each in segments.read(file.path).records if isinstance(each, TelemetryRecord)]
    return found


def test_good_readings_are_kept_and_bad_ones_named(server: Any, price_world: Any) -> None:
    answer = server.client.post("/telemetry/press-7", json={"temperature": 71.3, "state": "on", "axis": {"x": 1}})
    assert (answer.status_code, answer.json()["accepted"]) == (200, 2)
    assert answer.json()["rejected"] == [{"sensor": "state", "error": 'state == "on", must be a number'}]
    (record,) = records(price_world)
    assert [(each.device, each.sensor, each.value) for each in record.readings] == [
        ("press-7", "temperature", 71.3), ("press-7", "axis.x", 1.0),
    ]  # fmt: skip
    assert (record.source, [(each.reason, each.count) for each in record.unread]) == ("http", [("value", 1)])


@pytest.mark.parametrize(
    ("path", "content", "status"),
    [
        ("/telemetry/press-7", b"nonsense", 400),
        ("/telemetry/press-7", b"{}", 400),
        ("/telemetry/press%207", b'{"t": 1}', 400),
        ("/telemetry/a/b", b'{"t": 1}', 404),
        ("/telemetry", b'{"t": 1}', 404),
    ],
)
def test_what_cannot_be_taken_is_refused(server: Any, path: str, content: bytes, status: int) -> None:
    answer = server.client.post(path, content=content)
    assert answer.status_code == status
    assert answer.json()["error"]


def test_a_refused_message_is_counted_too(server: Any, price_world: Any) -> None:
    server.client.post("/telemetry/press-7", content=b"nonsense")
    (record,) = records(price_world)
    assert (record.readings, [each.reason for each in record.unread]) == ([], ["json"])
