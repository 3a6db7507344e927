"""A request and its answer, without any transport: what every handler takes and gives.

The ASGI shell builds requests from HTTP; tests build them by hand.
"""

from dataclasses import dataclass, field

from interlock.domain.access import Key

Headers = list[tuple[bytes, bytes]]

JSON = (b"content-type", b"application/json")


@dataclass(slots=True)
class Request:
    """One request whose sender is known and may ask it.

    Args:
        headers: By lower-case name.
        body: Complete and decompressed.
        key: Who asks.
        began_ns: Monotonic time at which the body was complete; latency counts from here.
    """

    headers: dict[bytes, bytes]
    body: bytes
    key: Key
    began_ns: int


@dataclass(slots=True)
class Answer:
    """Status, body, and headers except the length."""

    body: bytes = b""
    status: int = 200
    headers: Headers = field(default_factory=lambda: [JSON])
