"""Who is asking, and what each role may do."""

from dataclasses import dataclass
from datetime import datetime
from typing import Literal

import msgspec

Role = Literal["scorer", "viewer", "operator", "approver", "admin"]

# What each role may do. `pinned`: ask a version by name. Roles do not simply include each other: a scorer may not read.
_MAY: dict[str, frozenset[str]] = {
    "scorer": frozenset({"predict", "label"}),
    "viewer": frozenset({"read"}),
    "operator": frozenset({"predict", "label", "read", "operate"}),
    "approver": frozenset({"predict", "label", "read", "operate", "approve"}),
    "admin": frozenset({"predict", "label", "read", "operate", "approve", "admin", "backdate"}),
}
APPROVERS = frozenset(role for role, may in _MAY.items() if "approve" in may)
"""Roles that may approve releases which others have started."""
ROLES: tuple[Role, ...] = ("scorer", "viewer", "operator", "approver", "admin")


class Key(msgspec.Struct, frozen=True, kw_only=True):
    """An access key as stored: never the key itself, only its SHA-256.

    Args:
        name: As shown in the audit log.
        role: See `ROLES`.
        digest: SHA-256 (hex) of the whole key.
        endpoints: Endpoints it is limited to; empty is all.
        allow: Extra permissions, e.g. `backdate` (may say when a prediction happened).
        owner: The person behind it.
    """

    name: str
    role: Role
    digest: str
    created_at: datetime
    owner: str = ""
    endpoints: tuple[str, ...] = ()
    allow: tuple[str, ...] = ()
    revoked_at: datetime | None = None

    def may(self, action: str, endpoint: str | None = None) -> bool:
        """Whether this key may do `action`, on `endpoint` if one is named."""
        if self.revoked_at is not None or (action not in _MAY[self.role] and action not in self.allow):
            return False
        return not self.endpoints or endpoint is None or endpoint in self.endpoints


@dataclass(frozen=True, slots=True)
class Act:
    """Who does something, and when."""

    actor: Key
    at: datetime
