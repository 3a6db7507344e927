"""Keys, what was done with them, and the state of the house."""

from typing import Any
from urllib.parse import quote

from interlock.client.control.requests import ControlRequests


class Access(ControlRequests):
    """Methods of the client, one a route."""

    def audit(self, *, limit: int = 100, subject: str | None = None) -> list[dict[str, Any]]:
        """The newest entries of the audit log."""
        return list(self._get("/audit", limit=str(limit), subject=subject)["entries"])

    def verify_audit(self) -> dict[str, Any]:
        """Whether the chain of the audit log holds."""
        return self._get("/audit/verify")

    def status(self) -> dict[str, Any]:
        """Addresses, processes, gateways."""
        return self._get("/status")

    def create_key(self, name: str, role: str, **options: Any) -> dict[str, Any]:
        """Make a key: `owner`, `endpoints` and `allow` are optional. The answer's `key` is shown only here."""
        return self._post("/keys", {"name": name, "role": role, **options})

    def keys(self) -> list[dict[str, Any]]:
        """All keys, never the keys themselves."""
        return list(self._get("/keys")["keys"])

    def revoke_key(self, name: str) -> None:
        """Make a key worthless."""
        self._control.call("DELETE", f"/api/v1/keys/{quote(name, safe='')}")
