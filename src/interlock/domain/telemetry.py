"""Devices and their sensors: what is expected of each, and how it was heard of last."""

import re
from datetime import datetime
from fnmatch import fnmatchcase
from math import isfinite

import msgspec

from interlock.domain.alert import Severity
from interlock.domain.errors import InvalidInputError

DEVICES = "DEVICES"
"""The log's table of readings: no endpoint can be called so."""

MOST_SENSORS = 20_000
"""Of all devices together. Readings of further ones are logged, and not watched."""

# Serial numbers and addresses of the network are written in capitals and with colons.
_DEVICE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:-]{0,127}")
_SENSOR = re.compile(r"[A-Za-z0-9_][A-Za-z0-9 ._:/%-]{0,127}")
_PATTERN = re.compile(r"[A-Za-z0-9*?][A-Za-z0-9._:*?-]{0,127}")
_LONGEST_SECONDS = 366 * 86_400.0


def check_device(name: str) -> str:
    """Return `name` if a device may be called so.

    Raises:
        InvalidInputError: It may not.

    Examples:
        >>> check_device("00:1B:44:11:3A:B7")
        '00:1B:44:11:3A:B7'
    """
    if not _DEVICE.fullmatch(name):
        raise InvalidInputError(
            f"device == {name[:60]!r}, must be 1 to 128 of letters, digits and . _ : - and start with a letter or digit"
        )
    return name


def check_sensor(name: str) -> str:
    """Return `name` if a sensor may be called so.

    Raises:
        InvalidInputError: It may not.
    """
    if not _SENSOR.fullmatch(name):
        raise InvalidInputError(
            f"sensor == {name[:60]!r}, must be 1 to 128 of letters, digits, blanks and . _ : / % - "
            "and start with a letter, a digit or _"
        )
    return name


class Expectation(msgspec.Struct, frozen=True, kw_only=True):
    """What is expected of a sensor.

    Args:
        device: Its device; `*` and `?` stand for any characters.
        sensor: Its name.
        low, high: The range of its values, both inside; None is no bound.
        silent_after_seconds: Something must be heard of it within this time; None: it may be silent.
        for_seconds: How long it must have been outside before anybody is told.
        severity: Of the incident.
        unit: For people: `°C`.
        created_at: When it was said: a sensor that was never heard of is silent from then on.
    """

    device: str
    sensor: str
    created_at: datetime
    low: float | None = None
    high: float | None = None
    silent_after_seconds: float | None = None
    for_seconds: float = 0.0
    severity: Severity = "warning"
    unit: str = ""

    def covers(self, device: str, sensor: str) -> bool:
        """Whether it is about a sensor of a device."""
        return sensor == self.sensor and fnmatchcase(device, self.device)

    @property
    def is_of_one(self) -> bool:
        """Whether it names one device, which is then missed though it was never heard of."""
        return not set("*?") & set(self.device)

    def is_outside(self, value: float) -> bool:
        """Whether a value is out of the range."""
        return (self.low is not None and value < self.low) or (self.high is not None and value > self.high)

    @property
    def range(self) -> str:
        """The range in words."""
        unit = f" {self.unit}" if self.unit else ""
        if self.low is not None and self.high is not None:
            return f"{self.low:g} to {self.high:g}{unit}"
        if self.low is not None:
            return f"at least {self.low:g}{unit}"
        return f"at most {self.high:g}{unit}" if self.high is not None else "any"


def check_expectation(wanted: Expectation) -> Expectation:
    """Return it if it makes sense.

    Raises:
        InvalidInputError: Every fault.
    """
    faults = [*_name_faults(wanted), *_range_faults(wanted), *_time_faults(wanted)]
    if faults:
        raise InvalidInputError(*faults)
    return wanted


def _name_faults(wanted: Expectation) -> list[str]:
    faults = []
    if not _PATTERN.fullmatch(wanted.device):
        faults.append(f"device == {wanted.device[:60]!r}, must be a device's name, in which * and ? stand for any")
    try:
        check_sensor(wanted.sensor)
    except InvalidInputError as error:
        faults.append(str(error))
    if len(wanted.unit) > 32:
        faults.append(f"unit has {len(wanted.unit)} characters, must have at most 32")
    return faults


def _range_faults(wanted: Expectation) -> list[str]:
    low, high = wanted.low, wanted.high
    faults = [
        f"{name} == {value}, must be a finite number"
        for name, value in (("low", low), ("high", high))
        if value is not None and not isfinite(value)
    ]
    if low is not None and high is not None and low > high:
        faults.append(f"low == {low:g} and high == {high:g}, low must not be above high")
    if low is None and high is None and wanted.silent_after_seconds is None:
        faults.append("nothing is expected: give low, high or silent_after")
    return faults


def _time_faults(wanted: Expectation) -> list[str]:
    faults = []
    silent = wanted.silent_after_seconds
    if silent is not None and not 1.0 <= silent <= _LONGEST_SECONDS:
        faults.append(f"silent_after == {silent:g} s, must be 1 second to 366 days")
    if not 0.0 <= wanted.for_seconds <= _LONGEST_SECONDS:
        faults.append(f"for == {wanted.for_seconds:g} s, must be 0 seconds to 366 days")
    return faults


class SensorState(msgspec.Struct, frozen=True, kw_only=True):
    """How a sensor was heard of last.

    Args:
        device, sensor: Which.
        value: Of its newest reading, by the device's clock.
        at: When that was measured.
        received_at: When anything was heard of it last, by the server's clock.
        readings: How many there were ever.
        outside: How many of them were out of the range that was expected when they came.
        outside_value, outside_received_at: Of the last of these.
    """

    device: str
    sensor: str
    value: float
    at: datetime
    received_at: datetime
    readings: int = 0
    outside: int = 0
    outside_value: float | None = None
    outside_received_at: datetime | None = None


class MessageFault(msgspec.Struct, frozen=True, kw_only=True):
    """Messages, or readings in them, that could not be taken for one reason.

    Args:
        source: `http` or `mqtt`.
        reason: In one word: `json`, `topic`, `device`, `sensor`, `value`, `time`, `lost`.
        count: How many ever.
        example: What was said of the last one.
        last_at: When that came.
    """

    source: str
    reason: str
    count: int
    example: str
    last_at: datetime
