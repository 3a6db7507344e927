"""Errors of an endpoint: rows, tags, rules that tag, slices."""

from collections.abc import Sequence
from typing import Any
from urllib.parse import quote

from interlock.client.control.requests import ControlRequests


class Errors(ControlRequests):
    """Methods of the client, one a route."""

    def errors(self, endpoint: str, *, window: str = "7d", limit: int = 50, **options: Any) -> dict[str, Any]:
        """Wrong or unsure rows of a window, with their tags.

        Args:
            endpoint: Whose.
            window: Up to the newest event.
            limit: At most so many rows.
            options: `show` (wrong, unsure, labelled), `below` (of unsure), `where` (a condition like `temp > 30 and
                origin = EWR`), `label`, `answer`, `version`, `tag`, `sort`, `offset`, `fresh`.
        """
        given = {name: str(value).lower() if isinstance(value, bool) else str(value) for name, value in options.items()}
        return self._get(_path(endpoint), window=window, limit=str(limit), **given)

    def error_tags(self, endpoint: str, *, window: str = "7d", version: str = "") -> dict[str, Any]:
        """What each tag explains of a window: rows, wrong ones, share of all errors, gain if mended."""
        return self._get(f"{_path(endpoint)}/tags", window=window, version=version)

    def tag_errors(self, endpoint: str, tag: str, predictions: Sequence[str]) -> int:
        """Put a tag on predictions; returns how many did not have it."""
        return int(self._post(f"{_path(endpoint)}/tags/{quote(tag, safe='')}", _ids(predictions))["changed"])

    def untag_errors(self, endpoint: str, tag: str, predictions: Sequence[str]) -> int:
        """Take a tag from predictions; returns how many had it by hand."""
        return int(self._post(f"{_path(endpoint)}/tags/{quote(tag, safe='')}/remove", _ids(predictions))["changed"])

    def error_rules(self, endpoint: str) -> list[dict[str, Any]]:
        """Rules that tag rows, by tag."""
        return list(self._get(f"{_path(endpoint)}/rules")["rules"])

    def put_error_rule(self, endpoint: str, tag: str, where: str) -> dict[str, Any]:
        """Tag rows for which a condition holds, in every window; in the place of an earlier rule of the tag."""
        path = f"/api/v1{_path(endpoint)}/rules/{quote(tag, safe='')}"
        return dict(self._control.json("PUT", path, {"where": where}))

    def remove_error_rule(self, endpoint: str, tag: str) -> None:
        """Forget a rule. Tags by hand stay."""
        self._control.call("DELETE", f"/api/v1{_path(endpoint)}/rules/{quote(tag, safe='')}")

    def error_slices(
        self, endpoint: str, *, window: str = "7d", version: str = "", where: str = "", seed: int = 1
    ) -> dict[str, Any]:
        """Slices in which errors concentrate, found on half of a sample and proven on the other half."""
        return self._get(f"{_path(endpoint)}/slices", window=window, version=version, where=where, seed=str(seed))


def _path(endpoint: str) -> str:
    return f"/endpoints/{quote(endpoint, safe='')}/errors"


def _ids(predictions: Sequence[str]) -> dict[str, Any]:
    return {"predictions": list(predictions)}
