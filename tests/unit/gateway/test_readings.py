import math

import msgspec
import pytest

from interlock.gateway.readings import MOST_READINGS, BadMessageError, parse
from interlock.predictions.records import Reading

NOW_US = 1_780_000_000_000_000
NOON_US = 1_772_366_400_000_000  # 2026-03-01T12:00:00Z


def test_an_object_of_sensors_is_measured_now() -> None:
    heard = parse("press-7", b'{"temperature": 71.3, "open": true, "count": 3}', NOW_US)
    assert heard.readings == [
        Reading("press-7", "temperature", 71.3, NOW_US), Reading("press-7", "open", 1.0, NOW_US),
        Reading("press-7", "count", 3.0, NOW_US),
    ]  # fmt: skip
    assert heard.rejected == []


def test_axes_are_named_by_their_way() -> None:
    body = b'{"at": "2026-03-01T12:00:00Z", "readings": {"magnetometer": {"x": 1, "y": 2}, "axes": [3, 4]}}'
    assert [(each.sensor, each.value, each.at_us) for each in parse("d", body, NOW_US).readings] == [
        ("magnetometer.x", 1.0, NOON_US), ("magnetometer.y", 2.0, NOON_US), ("axes.0", 3.0, NOON_US),
        ("axes.1", 4.0, NOON_US),
    ]  # fmt: skip


def test_a_list_has_a_time_for_each() -> None:
    body = b'{"readings": [{"sensor": "t", "value": 1, "at": "2026-03-01T12:00:00Z"}, {"sensor": "t", "value": 2}]}'
    assert [(each.value, each.at_us) for each in parse("d", body, NOW_US).readings] == [(1.0, NOON_US), (2.0, NOW_US)]


@pytest.mark.parametrize(
    ("value", "reason"),
    [("null", "value"), ('"hot"', "value"), ("1e400", "json"), ("NaN", "json"), ("9223372036854775808", "value")],
)
def test_what_is_no_number_is_named_by_its_reason(value: str, reason: str) -> None:
    body = f'{{"good": 1, "bad": {value}}}'.encode()
    if reason == "json":
        with pytest.raises(BadMessageError) as failed:
            parse("d", body, NOW_US)
        assert failed.value.reason == "json"
        return
    heard = parse("d", body, NOW_US)
    assert [each.sensor for each in heard.readings] == ["good"]
    assert [sensor for sensor, _ in heard.rejected] == ["bad"]
    assert [(each.reason, each.count) for each in heard.unread.values()] == [(reason, 1)]


@pytest.mark.parametrize(
    ("device", "body", "reason"),
    [
        ("d", b"", "json"), ("d", b"[1]", "json"), ("d", b"{}", "json"), ("d", b'{"readings": 3}', "json"),
        ("d", b'{"readings": [{"value": 3}]}', "json"), ("d", b"\xff", "json"),
        ("../d", b'{"t": 1}', "device"), ("", b'{"t": 1}', "device"), ("d", b'{"at": "noon", "t": 1}', "time"),
        ("d", b'{"at": "2999-01-01T00:00:00Z", "t": 1}', "time"),
        ("d", b'{"a": ' * 3000 + b"1" + b"}" * 3000, "json"),
    ],
)  # fmt: skip
def test_a_message_of_which_nothing_can_be_taken_is_refused(device: str, body: bytes, reason: str) -> None:
    with pytest.raises(BadMessageError) as failed:
        parse(device, body, NOW_US)
    assert failed.value.reason == reason


def test_names_that_are_none_are_refused_beside_good_ones() -> None:
    heard = parse("d", msgspec.json.encode({"t": 1, "": 2, "x" * 200: 3, "a\nb": 4}), NOW_US)
    assert [each.sensor for each in heard.readings] == ["t"]
    assert heard.unread["sensor"].count == 3
    assert all(len(sensor) <= 128 for sensor, _ in heard.rejected)


def test_a_message_has_a_most() -> None:
    many = {"readings": {f"s{number}": 1 for number in range(MOST_READINGS + 1)}}
    with pytest.raises(BadMessageError, match="send them in several"):
        parse("d", msgspec.json.encode(many), NOW_US)


def test_no_value_is_ever_kept_that_is_not_finite() -> None:
    heard = parse("d", b'{"a": 1e308, "b": -1e308}', NOW_US)
    assert all(math.isfinite(each.value) for each in heard.readings)
