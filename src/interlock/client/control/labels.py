"""Labels that are there, and rows for people to label."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any
from urllib.parse import quote

from interlock.client.control.requests import ControlRequests, iso


class Labels(ControlRequests):
    """Methods of the client, one a route."""

    def labels(
        self, endpoint: str, *, since: datetime | None = None, until: datetime | None = None, fresh: bool = True
    ) -> dict[str, Any]:
        """The account of labels, decisions and rewards: counts, what matches nothing, coverage and delay by day."""
        path = f"/endpoints/{quote(endpoint, safe='')}/labels"
        return self._get(path, since=iso(since), until=iso(until), fresh=str(fresh).lower())

    def label_history(self, endpoint: str, prediction_id: str, *, fresh: bool = True) -> list[dict[str, Any]]:
        """All that was ever said of one prediction."""
        path = f"/endpoints/{quote(endpoint, safe='')}/labels/{quote(prediction_id, safe='')}"
        return list(self._get(path, fresh=str(fresh).lower())["history"])

    def export_annotations(self, endpoint: str, budget: int, **options: Any) -> dict[str, Any]:
        """Draw rows for people to label, with known chances.

        Args:
            endpoint: Whose.
            budget: How many.
            options: `since` and `until` (ISO 8601; by default from where the last draw ended, to now), `random_share`
                (part of every chance that is the same for all), `seed`, `fresh`; `where` (a condition like `temp > 30`)
                and `predictions` (ids) say which rows are wanted most, in place of the usual criteria.

        Returns:
            `export`, `tasks` (with `prediction_id`, `inputs`, `weight`, ...), `question` and `overlaps`.
        """
        return self._post(f"/endpoints/{quote(endpoint, safe='')}/annotations/exports", {"budget": budget, **options})

    def annotation_export(self, endpoint: str, id: int) -> dict[str, Any]:
        """An earlier draw once more: `export`, `tasks` and `question`."""
        return self._get(f"/endpoints/{quote(endpoint, safe='')}/annotations/exports/{id}")

    def annotations(self, endpoint: str) -> dict[str, Any]:
        """Draws, how many of their rows have an answer, and how far annotators agree."""
        return self._get(f"/endpoints/{quote(endpoint, safe='')}/annotations")

    def record_answers(
        self, endpoint: str, answers: Sequence[Mapping[str, Any]], *, rule: str = "majority", fewest: int = 1
    ) -> dict[str, Any]:
        """Keep what annotators said; see `Client.annotate`, which also sends the labels that come of it."""
        body = {"answers": [dict(each) for each in answers], "rule": rule, "fewest": fewest}
        return self._post(f"/endpoints/{quote(endpoint, safe='')}/annotations/answers", body)
