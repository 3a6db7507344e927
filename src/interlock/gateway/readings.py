"""What devices say, as readings: one form for HTTP and for MQTT.

A message is an object of sensors (`{"temperature": 71.3}`), or says when (`{"at": ..., "readings": {...}}`), or is a
list with a time each (`{"readings": [{"sensor", "value", "at"?}]}`). What is nested is named by its way: the axes of
`{"magnetometer": {"x": 1}}` are `magnetometer.x`. Each reading is judged alone: a bad one does not cost the others.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import msgspec

from interlock.domain.errors import InvalidInputError
from interlock.domain.telemetry import check_device, check_sensor
from interlock.gateway.event_times import plausible
from interlock.gateway.faults import shown
from interlock.gateway.feedback import number
from interlock.predictions.records import Reading, UnreadMessages

MOST_READINGS = 10_000
"""Of one message."""

_DEEPEST = 4
_LONGEST_EXAMPLE = 300

_decoder = msgspec.json.Decoder()


class BadMessageError(InvalidInputError):
    """A message, or a reading, that cannot be taken, and why in one word."""

    def __init__(self, reason: str, fault: str) -> None:
        super().__init__(fault)
        self.reason = reason


@dataclass(slots=True)
class Heard:
    """What a message held.

    Args:
        readings: Those that were good.
        rejected: Sensor and error of those that were not.
        unread: The same, by reason.
    """

    readings: list[Reading] = field(default_factory=list)
    rejected: list[tuple[str, str]] = field(default_factory=list)
    unread: dict[str, UnreadMessages] = field(default_factory=dict)

    def refuse(self, sensor: str, error: BadMessageError, what: str) -> None:
        """Note a reading, or a message, that cannot be taken."""
        self.rejected.append((sensor, str(error)))
        so_far = self.unread.get(error.reason)
        count = 1 + (so_far.count if so_far is not None else 0)
        self.unread[error.reason] = UnreadMessages(error.reason, count, f"{what}: {error}"[:_LONGEST_EXAMPLE])


def parse(device: str, body: bytes, now_us: int) -> Heard:
    """Read a message of a device.

    Args:
        device: Whose.
        body: JSON.
        now_us: When it came: the time of readings that do not say one.

    Raises:
        BadMessageError: Nothing of it can be taken.
    """
    named(device)
    found = decode(body)
    if not isinstance(found, dict):
        raise BadMessageError("json", f"the message is {shown(found)}, must be an object of sensors and numbers")
    at_us = _time(found["at"], now_us) if found.get("at") is not None else now_us
    given = found.get("readings", {name: value for name, value in found.items() if name != "at"})
    heard = Heard()
    for sensor, value, own_at in _each(given):
        try:
            reading_at = at_us if own_at is None else _time(own_at, now_us)
            heard.readings.append(reading(device, sensor, value, reading_at))
        except BadMessageError as error:
            heard.refuse(str(sensor)[:128], error, device)
    if not heard.readings and not heard.rejected:
        raise BadMessageError("json", "the message holds no readings")
    return heard


def named(device: str) -> str:
    """A device's name. Raises BadMessageError if it is none."""
    try:
        return check_device(device)
    except InvalidInputError as error:
        raise BadMessageError("device", str(error)) from error


def reading(device: str, sensor: Any, value: Any, at_us: int) -> Reading:
    """One reading. Raises BadMessageError if it is none."""
    try:
        name = check_sensor(sensor if isinstance(sensor, str) else shown(sensor))
    except InvalidInputError as error:
        raise BadMessageError("sensor", str(error)) from error
    try:
        measured = float(value) if isinstance(value, bool) else float(number(name, value))
    except InvalidInputError as error:
        raise BadMessageError("value", str(error)) from error
    return Reading(device, name, measured, at_us)


def decode(body: bytes) -> Any:
    """JSON. Raises BadMessageError if it is none."""
    try:
        return _decoder.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise BadMessageError("json", f"it is not JSON: {error}") from error


def _time(text: Any, now_us: int) -> int:
    try:
        return plausible("at", text, now_us)
    except InvalidInputError as error:
        raise BadMessageError("time", str(error)) from error


def _each(given: Any) -> Iterator[tuple[Any, Any, Any]]:
    """Sensor, value and its own time, of every reading in a message."""
    if isinstance(given, list):
        found = [_of_entry(entry) for entry in given[: MOST_READINGS + 1]]
    elif isinstance(given, dict):
        found = [(name, value, None) for name, value in _flat("", given, 0)]
    else:
        raise BadMessageError("json", f"readings == {shown(given)}, must be an object or a list")
    if len(found) > MOST_READINGS:
        raise BadMessageError("json", f"the message has more than {MOST_READINGS} readings; send them in several")
    yield from found


def _of_entry(entry: Any) -> tuple[Any, Any, Any]:
    if not isinstance(entry, dict) or set(entry) - {"at"} != {"sensor", "value"}:
        raise BadMessageError("json", f"reading == {shown(entry)}, must have sensor and value, and may have at")
    return entry["sensor"], entry["value"], entry.get("at")


def _flat(name: str, given: Any, depth: int) -> Iterator[tuple[str, Any]]:
    if isinstance(given, dict | list) and depth < _DEEPEST:
        parts = given.items() if isinstance(given, dict) else enumerate(given)
        for key, value in parts:
            yield from _flat(f"{name}.{key}" if name else str(key), value, depth + 1)
    else:
        yield name, given
