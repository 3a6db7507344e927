"""Devices, their sensors, and what is expected of them."""

from typing import Any
from urllib.parse import quote, urlencode

from interlock.client.control.requests import ControlRequests


class Devices(ControlRequests):
    """Methods of the client, one a route."""

    def devices(self) -> dict[str, Any]:
        """Every sensor, what of messages could not be taken (`unread`), and the broker."""
        return self._get("/devices")

    def device(self, name: str) -> list[dict[str, Any]]:
        """A device's sensors, as they were heard of last."""
        return list(self._get(f"/devices/{quote(name, safe='')}")["sensors"])

    def expect(
        self,
        device: str,
        sensor: str,
        *,
        low: float | None = None,
        high: float | None = None,
        silent_after_seconds: float | None = None,
        for_seconds: float = 0.0,
        severity: str = "warning",
        unit: str = "",
    ) -> dict[str, Any]:
        """Say what is expected of a sensor.

        Args:
            device: Its device; `*` and `?` stand for any characters.
            sensor: Its name.
            low, high: The range of its values.
            silent_after_seconds: Something must be heard of it within this time.
            for_seconds: How long it must have been outside before anybody is told.
            severity: Of the incident.
            unit: For people.
        """
        body = {
            "device": device, "sensor": sensor, "low": low, "high": high,
            "silent_after_seconds": silent_after_seconds, "for_seconds": for_seconds, "severity": severity,
            "unit": unit,
        }  # fmt: skip
        return dict(self._control.json("PUT", "/api/v1/expectations", body))

    def expectations(self) -> list[dict[str, Any]]:
        """What is expected of sensors."""
        return list(self._get("/expectations")["expectations"])

    def expect_nothing(self, device: str, sensor: str) -> None:
        """Expect nothing of a sensor any more."""
        self._control.call("DELETE", f"/api/v1/expectations?{urlencode({'device': device, 'sensor': sensor})}")

    def forget_device(self, name: str, sensor: str | None = None) -> int:
        """Forget a device that is gone, or one sensor of it. Returns how many sensors."""
        path = f"/api/v1/devices/{quote(name, safe='')}{'?' + urlencode({'sensor': sensor}) if sensor else ''}"
        return int(self._control.json("DELETE", path)["sensors"])

    def keep_readings(self, days: int) -> None:
        """Keep readings in the log for so many days; 0 is for ever."""
        self._control.json("PUT", "/api/v1/devices", {"retention_days": days})
