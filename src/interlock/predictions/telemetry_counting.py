"""Counts readings by sensor for who watches devices, and what of their messages could not be taken.

Called by the collector, whose transaction it joins. Whether a reading is outside is judged when it comes, by what is
expected then: who changes a range does not change what was.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from interlock.domain.telemetry import Expectation, MessageFault, SensorState
from interlock.predictions.records import Reading, TelemetryRecord
from interlock.store.transaction import Transaction

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

SensorKey = tuple[str, str]
"""Device and sensor."""


@dataclass(slots=True)
class _Heard:
    """What a batch holds of one sensor. Times are microseconds since 1970."""

    newest: Reading
    received_us: int
    values: list[tuple[float, int]] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class TelemetryCounting:
    """What a batch of segments brought."""

    sensors: dict[SensorKey, _Heard]
    faults: dict[tuple[str, str], MessageFault]

    def add_to(self, tx: Transaction) -> None:
        """Add it to the store."""
        if self.sensors:
            before = tx.telemetry.states(self.sensors)
            expected = tx.telemetry.expectations()
            tx.telemetry.put([_advanced(before.get(key), key, heard, expected) for key, heard in self.sensors.items()])
        for fault in self.faults.values():
            tx.telemetry.add_fault(fault)


def count(records: Iterable[TelemetryRecord]) -> TelemetryCounting:
    """Add up records."""
    sensors: dict[SensorKey, _Heard] = {}
    faults: dict[tuple[str, str], MessageFault] = {}
    for record in records:
        for reading in record.readings:
            heard = sensors.setdefault((reading.device, reading.sensor), _Heard(reading, record.at_us))
            heard.newest = reading if reading.at_us >= heard.newest.at_us else heard.newest
            heard.received_us = max(heard.received_us, record.at_us)
            heard.values.append((reading.value, record.at_us))
        for unread in record.unread:
            key = record.source, unread.reason
            so_far = faults[key].count if key in faults else 0
            faults[key] = MessageFault(
                source=record.source, reason=unread.reason, count=so_far + unread.count, example=unread.example,
                last_at=_time(record.at_us),
            )  # fmt: skip
    return TelemetryCounting(sensors, faults)


def _advanced(
    before: SensorState | None, key: SensorKey, heard: _Heard, expected: Iterable[Expectation]
) -> SensorState:
    device, sensor = key
    ranges = [each for each in expected if each.covers(device, sensor)]
    outside = [(value, at) for value, at in heard.values if any(each.is_outside(value) for each in ranges)]
    newest, at = heard.newest.value, _time(heard.newest.at_us)
    received_at = _time(heard.received_us)
    if before is not None and before.at > at:  # readings that waited in the device
        newest, at = before.value, before.at
    last = (outside[-1][0], _time(outside[-1][1])) if outside else None
    known = (before.outside_value, before.outside_received_at) if before is not None else (None, None)
    outside_value, outside_received_at = last or known
    return SensorState(
        device=device,
        sensor=sensor,
        value=newest,
        at=at,
        received_at=received_at if before is None else max(received_at, before.received_at),
        readings=(before.readings if before is not None else 0) + len(heard.values),
        outside=(before.outside if before is not None else 0) + len(outside),
        outside_value=outside_value,
        outside_received_at=outside_received_at,
    )


def _time(microseconds: int) -> datetime:
    return _EPOCH + timedelta(microseconds=microseconds)
