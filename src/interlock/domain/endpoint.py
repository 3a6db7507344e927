"""An endpoint: the name that callers use, whatever model answers behind it."""

from datetime import datetime

import msgspec

from interlock.domain.contract import PrivacyRule


class Endpoint(msgspec.Struct, frozen=True, kw_only=True):
    """A served name.

    Args:
        name: As in the URL.
        deadline_ms: How long a model may take before the champion answers in its place, or the caller gets 504.
        created_at, created_by: When, and by whose key.
        privacy: What the log gets of a column (`input.age`, `output.label`, `unit`), before what contracts say.
        image_share: Share of images that the log keeps, 0 to 1; None leaves it to the contracts.
    """

    name: str
    created_at: datetime
    created_by: str
    deadline_ms: float = 1000.0
    privacy: dict[str, PrivacyRule] = {}
    image_share: float | None = None
