"""A pin: a version of an endpoint's log that stays as it is, so that a model can say what it was trained on."""

from datetime import datetime

import msgspec

from interlock.domain.errors import InvalidInputError
from interlock.domain.names import check_name


class PinnedTable(msgspec.Struct, frozen=True, kw_only=True):
    """One table of a pin.

    Args:
        version: Version of the log's Delta table that was pinned.
        rows, files: What it holds.
        digest: SHA-256 (hex) over the content of its files.
    """

    version: int
    rows: int
    files: int
    digest: str


class Pin(msgspec.Struct, frozen=True, kw_only=True):
    """A pinned version.

    Args:
        endpoint, name: A name is used once for each endpoint.
        tables: By kind: `predictions`, `labels`, ... Those that existed.
        redacted_at: When rows of a unit were last deleted from it; since then it is not what was pinned.
    """

    endpoint: str
    name: str
    created_at: datetime
    created_by: str
    tables: dict[str, PinnedTable]
    redacted_at: datetime | None = None

    @property
    def ref(self) -> str:
        return f"{self.endpoint}@{self.name}"


def split_pin(ref: str) -> tuple[str, str]:
    """Split `endpoint@name`.

    Raises:
        InvalidInputError: It is not of that form.

    Examples:
        >>> split_pin("wine@training-v4")
        ('wine', 'training-v4')
    """
    endpoint, separator, name = ref.partition("@")
    if not separator:
        raise InvalidInputError(f"pin == {ref!r}, must be ENDPOINT@NAME like wine@training-v4")
    return check_name("endpoint", endpoint), check_name("pin", name)
