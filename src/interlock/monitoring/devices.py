"""Devices for people: what was heard of them last, what is expected of them, what of their messages was not taken."""

import builtins
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any, Literal

import msgspec

from interlock.domain.access import Key
from interlock.domain.errors import InvalidInputError, NotFoundError
from interlock.domain.telemetry import Expectation, MessageFault, SensorState, check_expectation
from interlock.store.database import Store

SensorStatus = Literal["ok", "outside", "silent", "not_watched"]

_MOST_DAYS = 36_500


class Sensor(msgspec.Struct, frozen=True, kw_only=True):
    """A sensor beside what is expected of it. `expected` is None where nothing is."""

    device: str
    sensor: str
    status: SensorStatus
    value: float | None
    at: datetime | None
    received_at: datetime | None
    readings: int
    outside: int
    expected: Expectation | None


class Devices:
    """What the control plane knows of devices.

    Args:
        store: Where it is kept.
        clock: The time now, aware UTC.
    """

    def __init__(self, store: Store, clock: Callable[[], datetime]) -> None:
        self._store, self._clock = store, clock

    def list(self, device: str | None = None) -> builtins.list[Sensor]:
        """Sensors by device and name; also those that are expected and were never heard of.

        Args:
            device: Only of this one.

        Raises:
            NotFoundError: Nothing is known of this device.
        """
        with self._store.read() as tx:
            states, expected = tx.telemetry.list(device), tx.telemetry.expectations()
        known = {(each.device, each.sensor) for each in states}
        missed = [
            each
            for each in expected
            if each.is_of_one and (each.device, each.sensor) not in known and device in (None, each.device)
        ]
        now = self._clock()
        found = [*(_sensor(state, expected, now) for state in states), *(_missed(each, now) for each in missed)]
        if device is not None and not found:
            raise NotFoundError("device", device)
        return sorted(found, key=lambda each: (each.device, each.sensor))

    def expectations(self) -> builtins.list[Expectation]:
        """All that is expected, by device and sensor."""
        with self._store.read() as tx:
            return tx.telemetry.expectations()

    def faults(self) -> builtins.list[MessageFault]:
        """Messages, and readings in them, that could not be taken, by source and reason."""
        with self._store.read() as tx:
            return tx.telemetry.faults()

    def expect(self, wanted: Expectation, *, actor: Key) -> Expectation:
        """Say what is expected of a sensor, in the place of what was before.

        Raises:
            InvalidInputError: It makes no sense, and why.
        """
        check_expectation(wanted)
        details = {name: value for name, value in msgspec.to_builtins(wanted).items() if name != "created_at"}
        with self._store.transaction() as tx:
            tx.telemetry.expect(wanted)
            subject = f"{wanted.device}/{wanted.sensor}"
            tx.audit.append(self._clock(), actor.name, actor.role, "telemetry.expect", subject, details)
        return wanted

    def expect_nothing(self, device: str, sensor: str, *, actor: Key) -> None:
        """Expect nothing of a sensor any more.

        Raises:
            NotFoundError: Nothing was expected of it.
        """
        with self._store.transaction() as tx:
            if not tx.telemetry.expect_nothing(device, sensor):
                known = tuple(f"{each.device}/{each.sensor}" for each in tx.telemetry.expectations())
                raise NotFoundError("expectation", f"{device}/{sensor}", known)
            tx.audit.append(self._clock(), actor.name, actor.role, "telemetry.unexpect", f"{device}/{sensor}", {})

    def forget(self, device: str, sensor: str | None = None, *, actor: Key) -> int:
        """Forget a device that is gone, or one sensor of it, with what was expected of it. Its readings stay logged.

        Returns:
            How many sensors were forgotten.

        Raises:
            NotFoundError: Nothing is known of it.
        """
        self.list(device)
        subject = device if sensor is None else f"{device}/{sensor}"
        with self._store.transaction() as tx:
            forgotten = tx.telemetry.forget(device, sensor)
            tx.audit.append(self._clock(), actor.name, actor.role, "telemetry.forget", subject, {"sensors": forgotten})
        return forgotten

    def kept_days(self) -> int:
        """How many days the log keeps readings; 0 is for ever."""
        with self._store.read() as tx:
            return tx.telemetry.kept_days()

    def keep_days(self, days: int, *, actor: Key) -> None:
        """Keep readings in the log for so many days; 0 is for ever.

        Raises:
            InvalidInputError: There are no so many.
        """
        if not 0 <= days <= _MOST_DAYS:
            raise InvalidInputError(f"days == {days}, must be 0 (for ever) to {_MOST_DAYS}")
        with self._store.transaction() as tx:
            tx.telemetry.keep_days(days)
            tx.audit.append(self._clock(), actor.name, actor.role, "telemetry.retention", "devices", {"days": days})


def describe(sensor: Sensor) -> dict[str, Any]:
    """A sensor for scripts."""
    return dict(msgspec.to_builtins(sensor))


def _sensor(state: SensorState, expected: builtins.list[Expectation], now: datetime) -> Sensor:
    covering = [each for each in expected if each.covers(state.device, state.sensor)]
    # The one that names the device, if there is one, before patterns.
    nearest = min(covering, key=lambda each: not each.is_of_one, default=None)
    return Sensor(
        device=state.device,
        sensor=state.sensor,
        status=_status(state, covering, now),
        value=state.value,
        at=state.at,
        received_at=state.received_at,
        readings=state.readings,
        outside=state.outside,
        expected=nearest,
    )


def _status(state: SensorState, covering: builtins.list[Expectation], now: datetime) -> SensorStatus:
    if not covering:
        return "not_watched"
    if any(_is_silent(each, max(state.received_at, each.created_at), now) for each in covering):
        return "silent"
    return "outside" if any(each.is_outside(state.value) for each in covering) else "ok"


def _missed(wanted: Expectation, now: datetime) -> Sensor:
    return Sensor(
        device=wanted.device,
        sensor=wanted.sensor,
        status="silent" if _is_silent(wanted, wanted.created_at, now) else "ok",
        value=None,
        at=None,
        received_at=None,
        readings=0,
        outside=0,
        expected=wanted,
    )


def _is_silent(wanted: Expectation, since: datetime, now: datetime) -> bool:
    allowed = wanted.silent_after_seconds
    return allowed is not None and now - since > timedelta(seconds=allowed)
