"""Devices, as metrics: the newest reading of every sensor, how it stands to what is expected, and the broker."""

from collections.abc import Iterable, Iterator

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric

from interlock.domain.mqtt import MqttState
from interlock.domain.telemetry import MessageFault
from interlock.monitoring.devices import Sensor

_LABELS = ("device", "sensor")


def of_devices(sensors: Iterable[Sensor], faults: Iterable[MessageFault], broker: MqttState | None) -> Iterator[Metric]:
    """Every sensor, what of messages could not be taken, and whether the broker answers."""
    yield from _of_sensors(sensors)
    unread = CounterMetricFamily(
        "interlock_telemetry_rejected", "Messages, or readings in them, that could not be taken",
        labels=("source", "reason"),
    )  # fmt: skip
    for fault in faults:
        unread.add_metric((fault.source, fault.reason), float(fault.count))
    yield unread
    if broker is not None:
        yield GaugeMetricFamily("interlock_mqtt_connected", "Whether the broker answers", float(broker.connected))


def _of_sensors(sensors: Iterable[Sensor]) -> Iterator[Metric]:
    value = GaugeMetricFamily("interlock_sensor_value", "The newest reading", labels=_LABELS)
    heard = GaugeMetricFamily(
        "interlock_sensor_received_timestamp_seconds", "When anything was heard of it last", labels=_LABELS
    )
    status = GaugeMetricFamily(
        "interlock_sensor_status", "1 for how it stands to what is expected: ok, outside, silent, not_watched",
        labels=(*_LABELS, "status"),
    )  # fmt: skip
    readings = CounterMetricFamily("interlock_sensor_readings", "Readings ever", labels=_LABELS)
    outside = CounterMetricFamily(
        "interlock_sensor_outside", "Readings out of the range that was expected when they came", labels=_LABELS
    )
    for each in sensors:
        labels = (each.device, each.sensor)
        status.add_metric((*labels, each.status), 1.0)
        readings.add_metric(labels, float(each.readings))
        outside.add_metric(labels, float(each.outside))
        if each.value is not None and each.received_at is not None:
            value.add_metric(labels, each.value)
            heard.add_metric(labels, each.received_at.timestamp())
    yield from (value, heard, status, readings, outside)
