"""A broker of MQTT that devices speak to, and how the subscription to it is."""

from datetime import datetime
from urllib.parse import unquote, urlsplit

import msgspec

from interlock.domain.errors import InvalidInputError

_PORTS = {"mqtt": 1883, "mqtts": 8883}
_PREFIX = "telemetry"
_RULE = "must be like mqtt://USER:PASSWORD@HOST:1883/PREFIX, or mqtts:// for TLS"


class Broker(msgspec.Struct, frozen=True, kw_only=True):
    """Where a broker is.

    Args:
        host, port: Its address.
        tls: Whether it is spoken to over TLS.
        user, password: Empty where none is needed.
        prefix: Topics are `PREFIX/DEVICE` and `PREFIX/DEVICE/SENSOR`.
    """

    host: str
    port: int
    tls: bool = False
    user: str = ""
    password: str = ""
    prefix: str = _PREFIX

    @property
    def shown(self) -> str:
        """It without its secrets."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{'mqtts' if self.tls else 'mqtt'}://{host}:{self.port}/{self.prefix}"


def parse_broker(url: str) -> Broker:
    """Read a broker's URL.

    Raises:
        InvalidInputError: It is none. The URL itself is not repeated: it holds a password.

    Examples:
        >>> parse_broker("mqtt://me:secret@broker.example/plant/7").shown
        'mqtt://broker.example:1883/plant/7'
    """
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError as error:
        raise InvalidInputError(f"mqtt {_RULE}") from error
    if parts.scheme not in _PORTS or not parts.hostname or "#" in url or "?" in url or port == 0:
        raise InvalidInputError(f"mqtt {_RULE}")
    prefix = unquote(parts.path).strip("/") or _PREFIX
    if any(each in prefix for each in "+#\0") or prefix.startswith("$"):
        raise InvalidInputError(f"mqtt prefix == {prefix!r}, must not hold + or # nor begin with $")
    return Broker(
        host=parts.hostname,
        port=port or _PORTS[parts.scheme],
        tls=parts.scheme == "mqtts",
        user=unquote(parts.username or ""),
        password=unquote(parts.password or ""),
        prefix=prefix,
    )


class MqttState(msgspec.Struct, frozen=True, kw_only=True):
    """How the subscription is.

    Args:
        broker: Where, without secrets.
        connected: Whether there is a connection, and `since` when that is so.
        error: Why there is none, or why messages cannot be written.
        messages: How many were taken since the start.
        rejected: How many messages, or readings in them, could not be.
        written_at: When this was written.
    """

    broker: str
    connected: bool
    since: datetime
    written_at: datetime
    error: str = ""
    messages: int = 0
    rejected: int = 0
