"""Devices: how each sensor was heard of last, what is expected of it, and what of messages could not be taken."""

import builtins
from collections.abc import Iterable, Sequence

import msgspec
from sqlalchemy import and_, delete, func, select

from interlock.domain.telemetry import DEVICES, MOST_SENSORS, Expectation, MessageFault, SensorState
from interlock.store.repository import Repository
from interlock.store.tables import cursors, expectations, sensors, telemetry_faults

# Values in one IN (...): well under the limits of both databases.
_CHUNK = 500
_RETENTION = f"retention:{DEVICES}"


class TelemetryRepository(Repository):
    """Sensors by device and name. States are put by the collector in the transaction of its cursor."""

    def states(self, keys: Iterable[tuple[str, str]]) -> dict[tuple[str, str], SensorState]:
        """Those of these sensors that were heard of."""
        wanted = set(keys)
        devices = sorted({device for device, _ in wanted})
        found: dict[tuple[str, str], SensorState] = {}
        for start in range(0, len(devices), _CHUNK):
            query = select(sensors.c.body).where(sensors.c.device.in_(devices[start : start + _CHUNK]))
            found |= {(state.device, state.sensor): state for state in self._connection.scalars(query)}
        return {key: state for key, state in found.items() if key in wanted}

    def list(self, device: str | None = None) -> builtins.list[SensorState]:
        """All, or those of one device, by device and sensor."""
        query = select(sensors.c.body).order_by(sensors.c.device, sensors.c.sensor)
        return list(self._connection.scalars(query if device is None else query.where(sensors.c.device == device)))

    def put(self, states: Sequence[SensorState]) -> None:
        """Put states in the place of those before. Of new sensors, as many as there is room for."""
        known = self.states((each.device, each.sensor) for each in states)
        room = MOST_SENSORS - (self._connection.scalar(select(func.count()).select_from(sensors)) or 0)
        new = [each for each in states if (each.device, each.sensor) not in known][: max(room, 0)]
        kept = [each for each in states if (each.device, each.sensor) in known] + new
        rows = [{"device": each.device, "sensor": each.sensor, "body": each} for each in kept]
        self._put_all(sensors, ("device", "sensor"), rows)

    def forget(self, device: str, sensor: str | None = None) -> int:
        """Forget a device, or one sensor of it, and what is expected of exactly these. Returns how many sensors."""
        forgotten = 0
        for table in (expectations, sensors):
            of_it = table.c.device == device
            where = of_it if sensor is None else and_(of_it, table.c.sensor == sensor)
            forgotten = self._connection.execute(delete(table).where(where)).rowcount
        return forgotten

    def expectations(self) -> builtins.list[Expectation]:
        """What is expected, by device and sensor."""
        query = select(expectations.c.body).order_by(expectations.c.device, expectations.c.sensor)
        return list(self._connection.scalars(query))

    def expect(self, wanted: Expectation) -> None:
        """Put an expectation in the place of the one before of the same device and sensor."""
        self._put(expectations, {"device": wanted.device, "sensor": wanted.sensor}, {"body": wanted})

    def expect_nothing(self, device: str, sensor: str) -> bool:
        """Forget what was expected. Returns whether anything was."""
        where = and_(expectations.c.device == device, expectations.c.sensor == sensor)
        return self._connection.execute(delete(expectations).where(where)).rowcount > 0

    def faults(self) -> builtins.list[MessageFault]:
        """What could not be taken, by source and reason."""
        query = select(telemetry_faults.c.body).order_by(telemetry_faults.c.source, telemetry_faults.c.reason)
        return list(self._connection.scalars(query))

    def add_fault(self, more: MessageFault) -> None:
        """Add messages to those of the same source and reason."""
        key = {"source": more.source, "reason": more.reason}
        where = and_(telemetry_faults.c.source == more.source, telemetry_faults.c.reason == more.reason)
        before: MessageFault | None = self._connection.scalar(select(telemetry_faults.c.body).where(where))
        count = more.count + (before.count if before is not None else 0)
        self._put(telemetry_faults, key, {"body": msgspec.structs.replace(more, count=count)})

    def keep_days(self, days: int) -> None:
        """Keep readings in the log for so many days; 0 is for ever. Upkeep asks for it as for endpoints'."""
        self._put(cursors, {"name": _RETENTION}, {"value": str(days)})

    def kept_days(self) -> int:
        """How many days the log keeps readings; 0 is for ever."""
        days = self._connection.scalar(select(cursors.c.value).where(cursors.c.name == _RETENTION))
        return int(days) if days is not None else 0
