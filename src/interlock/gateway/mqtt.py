"""Readings of devices over MQTT: subscribes to a broker, and acknowledges a message when it is on the disk.

A process of its own, so that a flood of messages slows no prediction. It writes to a spool of its own, which the
collector takes as those of gateways. A message of QoS 1 or 2 that it has not acknowledged comes again, also after it
was killed: nothing acknowledged is lost, and something may come twice. A broker that is dead is tried again for ever,
under the same client id, so that it keeps what comes meanwhile.

`PREFIX/DEVICE` takes what `POST /telemetry/DEVICE` takes; `PREFIX/DEVICE/SENSOR` a number, or `{"value", "at"?}`.
"""

import logging
import queue
import socket
import threading
import time
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from interlock.domain.errors import UnrecordedError
from interlock.domain.mqtt import Broker, MqttState
from interlock.gateway import readings
from interlock.gateway.readings import BadMessageError, Heard
from interlock.predictions.records import TelemetryRecord, UnreadMessages, encoder
from interlock.predictions.spool import Spool

if TYPE_CHECKING:
    from paho.mqtt.client import MQTTMessage

_log = logging.getLogger(__name__)

# Seals and reports as often as a gateway does.
_KEEP_SECONDS = 0.25
_RETRY_SECONDS = 1.0
_SHORTEST_PAUSE, _LONGEST_PAUSE = 1, 30
_KEEP_ALIVE_SECONDS = 30
# Records of about this many messages: one wait for the disk for all of them.
_MOST_TOGETHER = 1000
# Messages of QoS 0 have no acknowledgement to hold them back: beyond this they are lost, and counted.
_MOST_WAITING = 50_000
_MOST_BYTES = 1024 * 1024


class Subscriber:
    """Takes messages of one broker.

    Args:
        broker: Which.
        spool: Open; its identity is the client's.
        state: File in which it says how the connection is.
    """

    def __init__(self, broker: Broker, spool: Spool, state: Path) -> None:
        self._broker, self._spool, self._state_path = broker, spool, state
        self._waiting: queue.Queue[MQTTMessage] = queue.Queue(_MOST_WAITING)
        self._lost = 0
        self._lock = threading.Lock()
        self._state = MqttState(broker=broker.shown, connected=False, since=_now(), written_at=_now())
        self._client = self._make_client()

    def run(self, stop: threading.Event) -> None:
        """Take messages until told to stop. What is not acknowledged by then stays with the broker."""
        self._client.connect_async(self._broker.host, self._broker.port, _KEEP_ALIVE_SECONDS)
        self._client.loop_start()
        try:
            due = 0.0
            while not stop.is_set():
                self._keep(self._next(), stop)
                if time.monotonic() >= due:
                    due = time.monotonic() + _KEEP_SECONDS
                    self._tend()
        finally:
            self._client.disconnect()
            self._client.loop_stop()
            self._say(connected=False)

    def _make_client(self) -> Any:
        # Here, since only who has a broker has the library.
        from paho.mqtt.client import Client, MQTTv311
        from paho.mqtt.enums import CallbackAPIVersion

        client = Client(
            CallbackAPIVersion.VERSION2, client_id=f"interlock-{self._spool.id}", clean_session=False,
            protocol=MQTTv311, manual_ack=True,
        )  # fmt: skip
        if self._broker.user:
            client.username_pw_set(self._broker.user, self._broker.password)
        if self._broker.tls:
            client.tls_set()
        client.reconnect_delay_set(_SHORTEST_PAUSE, _LONGEST_PAUSE)
        client.on_connect, client.on_disconnect = self._on_connect, self._on_disconnect
        client.on_connect_fail, client.on_message = self._on_connect_fail, self._on_message
        return client

    def _on_connect(self, client: Any, data: Any, flags: Any, reason: Any, properties: Any) -> None:  # noqa: ARG002
        if reason.is_failure:
            self._say(connected=False, error=f"the broker refused: {reason}")
            return
        client.subscribe(f"{self._broker.prefix}/#", qos=1)
        self._say(connected=True)

    def _on_disconnect(self, client: Any, data: Any, flags: Any, reason: Any, properties: Any) -> None:  # noqa: ARG002
        self._say(connected=False, error=self._state.error or f"the connection ended: {reason}")

    def _on_connect_fail(self, client: Any, data: Any) -> None:  # noqa: ARG002
        self._say(connected=False, error=_why_not(self._broker))

    def _on_message(self, client: Any, data: Any, message: "MQTTMessage") -> None:  # noqa: ARG002
        try:
            self._waiting.put_nowait(message)
        except queue.Full:
            # Of QoS 1 there are never so many: the broker waits for acknowledgements.
            with self._lock:
                self._lost += 1

    def _next(self) -> "list[MQTTMessage]":
        """Messages that wait, at least one if one comes soon."""
        found: list[MQTTMessage] = []
        try:
            found.append(self._waiting.get(timeout=_KEEP_SECONDS))
            while len(found) < _MOST_TOGETHER:
                found.append(self._waiting.get_nowait())
        except queue.Empty:
            pass
        return found

    def _keep(self, messages: "list[MQTTMessage]", stop: threading.Event) -> None:
        """Bring messages to the disk, for as long as it takes, and only then acknowledge them."""
        record = self._record(messages)
        if record is None:
            return
        while True:
            try:
                self._spool.append(encoder.encode(record), rows=0, endpoint="", to_be_synced=True)
                self._spool.sync()
                break
            except UnrecordedError as error:
                self._say(connected=self._state.connected, error=str(error))
                _log.warning("%d message(s) could not be written; it is tried again: %s", len(messages), error)
                self._tend()
                if stop.wait(_RETRY_SECONDS):
                    return
        for message in messages:
            if message.qos:
                self._client.ack(message.mid, message.qos)
        with self._lock:
            self._state = msgspec.structs.replace(
                self._state,
                messages=self._state.messages + len(messages),
                rejected=self._state.rejected + sum(each.count for each in record.unread),
            )

    def _record(self, messages: "list[MQTTMessage]") -> TelemetryRecord | None:
        now_us, together = time.time_ns() // 1000, Heard()
        for message in messages:
            _take(together, self._broker.prefix, message, now_us)
        with self._lock:
            lost, self._lost = self._lost, 0
        if lost:
            together.unread["lost"] = UnreadMessages("lost", lost, f"more than {_MOST_WAITING} messages waited")
        if not together.readings and not together.unread:
            return None
        return TelemetryRecord(now_us, "mqtt", together.readings, [*together.unread.values()])

    def _tend(self) -> None:
        """Hand the segment to the collector as it comes of age, and say how it is."""
        try:
            self._spool.seal()
        except OSError:
            _log.warning("the spool's segment could not be sealed; it goes on", exc_info=True)
        self._write()

    def _say(self, *, connected: bool, error: str = "") -> None:
        with self._lock:
            since = self._state.since if connected == self._state.connected else _now()
            self._state = msgspec.structs.replace(self._state, connected=connected, since=since, error=error)
        self._write()

    def _write(self) -> None:
        draft = self._state_path.with_suffix(f".{threading.get_ident()}")
        try:
            draft.write_bytes(msgspec.json.encode(msgspec.structs.replace(self._state, written_at=_now())))
            draft.rename(self._state_path)
        except OSError:
            _log.warning("%s could not be written", self._state_path, exc_info=True)


def _take(together: Heard, prefix: str, message: "MQTTMessage", now_us: int) -> None:
    """Add a message's readings, or why there are none."""
    topic, body = _topic(message), bytes(message.payload)
    try:
        if len(body) > _MOST_BYTES:
            raise BadMessageError("json", f"the message has {len(body)} bytes, may have {_MOST_BYTES}")
        heard = _heard(topic, prefix, body, now_us)
    except BadMessageError as error:
        together.refuse("", error, topic)
        return
    together.readings += heard.readings
    for reason, unread in heard.unread.items():
        before = together.unread.get(reason)
        count = unread.count + (before.count if before is not None else 0)
        together.unread[reason] = UnreadMessages(reason, count, unread.example)


def _topic(message: "MQTTMessage") -> str:
    try:
        return str(message.topic)
    except UnicodeDecodeError:
        return "a topic that is no text"


def _heard(topic: str, prefix: str, body: bytes, now_us: int) -> Heard:
    match topic.removeprefix(f"{prefix}/").split("/"):
        case [device]:
            return readings.parse(device, body, now_us)
        case [device, sensor]:
            return _of_sensor(device, sensor, body, now_us)
    raise BadMessageError("topic", f"topics must be {prefix}/DEVICE or {prefix}/DEVICE/SENSOR")


def _of_sensor(device: str, sensor: str, body: bytes, now_us: int) -> Heard:
    given = readings.decode(body)
    entry: dict[str, Any] = {"sensor": sensor, **(given if isinstance(given, dict) else {"value": given})}
    return readings.parse(device, msgspec.json.encode({"readings": [entry]}), now_us)


def _why_not(broker: Broker) -> str:
    """The library does not say why it could not connect: try once, to tell."""
    try:
        socket.create_connection((broker.host, broker.port), timeout=2.0).close()
    except OSError as error:
        return f"{broker.shown} does not answer: {error.strerror or error}"
    return f"{broker.shown} answers, but not as a broker"


def run(broker: Broker, folder: Path, state: Path, stop: threading.Event) -> None:
    """Subscribe until told to stop.

    Args:
        broker: Which.
        folder: Of the spool.
        state: File in which it says how the connection is.
        stop: Set to end it.
    """
    with Spool(folder) as spool:
        Subscriber(broker, spool, state).run(stop)


def _now() -> datetime:
    return datetime.now(UTC)
