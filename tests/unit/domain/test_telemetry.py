from datetime import UTC, datetime
from typing import Any

import pytest

from interlock.domain.errors import InvalidInputError
from interlock.domain.telemetry import Expectation, check_expectation

NOON = datetime(2026, 3, 1, 12, tzinfo=UTC)


def expect(**given: Any) -> Expectation:
    return Expectation(**{"device": "press-7", "sensor": "temperature", "created_at": NOON, **given})


def test_the_bounds_are_inside() -> None:
    wanted = expect(low=10.0, high=80.0)
    assert [wanted.is_outside(value) for value in (9.9, 10.0, 80.0, 80.1)] == [True, False, False, True]
    assert not expect(silent_after_seconds=5.0).is_outside(1e300)


def test_a_pattern_covers_devices_and_exactly_one_sensor() -> None:
    wanted = expect(device="press-*", high=1.0)
    assert wanted.covers("press-7", "temperature")
    assert not wanted.covers("pump-7", "temperature")
    assert not wanted.covers("press-7", "temperature.x")
    assert not wanted.is_of_one
    assert expect(high=1.0).is_of_one


def test_the_range_is_said_in_words() -> None:
    assert expect(low=1.0, high=2.5, unit="bar").range == "1 to 2.5 bar"
    assert expect(low=1.0).range == "at least 1"
    assert expect(high=80.0, unit="°C").range == "at most 80 °C"


@pytest.mark.parametrize(
    ("given", "fault"),
    [
        ({}, "nothing is expected"),
        ({"low": 2.0, "high": 1.0}, "low must not be above high"),
        ({"low": float("nan")}, "low == nan"),
        ({"high": float("inf")}, "high == inf"),
        ({"silent_after_seconds": 0.0}, "silent_after == 0 s"),
        ({"high": 1.0, "for_seconds": -1.0}, "for == -1 s"),
        ({"high": 1.0, "device": "a/b"}, "device == 'a/b'"),
        ({"high": 1.0, "sensor": ""}, "sensor == ''"),
        ({"high": 1.0, "unit": "x" * 33}, "unit has 33"),
    ],
)
def test_what_makes_no_sense_is_refused_by_name(given: dict[str, Any], fault: str) -> None:
    with pytest.raises(InvalidInputError, match=fault):
        check_expectation(expect(**given))
