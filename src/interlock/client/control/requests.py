"""Requests to the control port, and their answers as plain dictionaries."""

from datetime import datetime
from typing import Any
from urllib.parse import urlencode

from interlock.client.transport import Transport


class ControlRequests:
    """What the methods of every noun share.

    Args:
        transport: To the control port.
    """

    def __init__(self, transport: Transport) -> None:
        self._control = transport

    @property
    def control(self) -> Transport:
        """Requests to that port."""
        return self._control

    def _get(self, path: str, **query: str | None) -> dict[str, Any]:
        given = {name: value for name, value in query.items() if value is not None}
        return dict(self._control.json("GET", f"/api/v1{path}{'?' + urlencode(given) if given else ''}"))

    def _post(self, path: str, body: dict[str, Any]) -> dict[str, Any]:
        return dict(self._control.json("POST", f"/api/v1{path}", body))


def iso(at: datetime | None) -> str | None:
    """A time as the API reads it."""
    return None if at is None else at.isoformat()
