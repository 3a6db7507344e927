"""Rules that tag rows of the log: what errors have in common, written down so that the next window is counted too."""

from datetime import datetime

import msgspec

from interlock.domain.row_condition import Condition, spell


class ErrorRule(msgspec.Struct, frozen=True, kw_only=True):
    """Rows for which all `conditions` hold have the tag. An endpoint has one rule for a tag."""

    endpoint: str
    tag: str
    conditions: tuple[Condition, ...]
    created_at: datetime
    created_by: str

    @property
    def where(self) -> str:
        """The conditions as text."""
        return spell(self.conditions)
