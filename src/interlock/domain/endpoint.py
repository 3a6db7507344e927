"""An endpoint: the name that callers use, whatever model answers behind it."""

from datetime import datetime

import msgspec


class Endpoint(msgspec.Struct, frozen=True, kw_only=True):
    """A served name.

    Args:
        name: As in the URL.
        deadline_ms: How long a model may take before the champion answers in its place, or the caller gets 504.
        created_at, created_by: When, and by whose key.
        retention_days: How many full days of events the log keeps; 0 to keep them for ever.
    """

    name: str
    created_at: datetime
    created_by: str
    deadline_ms: float = 1000.0
    retention_days: int = 0
