"""Releases as code: a file against what is there."""

from collections.abc import Mapping, Sequence
from typing import Any

from interlock.client.control.requests import ControlRequests


class Configuration(ControlRequests):
    """Methods of the client, one a route."""

    def config(self) -> dict[str, Any]:
        """What is there, as `document` of a file, and `notes` on it by place."""
        return self._get("/config")

    def config_schema(self) -> dict[str, Any]:
        """The JSON Schema of a file."""
        return self._get("/config/schema")

    def diff_config(self, document: Mapping[str, Any], *, prune: bool = False) -> dict[str, Any]:
        """What a file would change: `changes`, `unmanaged`, `notes` and `conflicts`.

        Args:
            document: The file's content; each model's version with the `digest` of its content.
            prune: Whether what is not in the file would be deleted, in the sections that it has.
        """
        return self._post("/config/diff", {"document": dict(document), "prune": prune})

    def apply_config(
        self, document: Mapping[str, Any], *, prune: bool = False, deletes: Sequence[str] | None = None
    ) -> dict[str, Any]:
        """Put a file in force whose models are registered; answers as `diff_config` did.

        Args:
            document: As of `diff_config`.
            prune: As there.
            deletes: Places of what may be deleted; None is all that is found.
        """
        agreed = None if deletes is None else list(deletes)
        return self._post("/config/apply", {"document": dict(document), "prune": prune, "deletes": agreed})
