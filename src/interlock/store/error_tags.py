"""Tags that people put on predictions while they look for what errors have in common."""

from collections.abc import Collection, Iterable
from datetime import datetime

from sqlalchemy import and_, delete, insert, select

from interlock.store.repository import Repository
from interlock.store.tables import error_tags

# Values in one IN (...): well under the limits of both databases.
_CHUNK = 500


class ErrorTagRepository(Repository):
    """Tags by endpoint and prediction. The rows themselves are in the log."""

    def add(self, endpoint: str, tag: str, predictions: Iterable[str], at: datetime, actor: str) -> int:
        """Put a tag on predictions. Returns how many did not have it."""
        there = set(self.of_endpoint(endpoint).get(tag, ()))
        rows = [
            {"endpoint": endpoint, "prediction_id": each, "tag": tag, "at": at, "actor": actor}
            for each in dict.fromkeys(predictions)
            if each not in there
        ]
        if rows:
            self._connection.execute(insert(error_tags), rows)
        return len(rows)

    def remove(self, endpoint: str, tag: str, predictions: Iterable[str]) -> int:
        """Take a tag from predictions. Returns how many had it."""
        ids, removed = list(dict.fromkeys(predictions)), 0
        for start in range(0, len(ids), _CHUNK):
            these = error_tags.c.prediction_id.in_(ids[start : start + _CHUNK])
            where = and_(error_tags.c.endpoint == endpoint, error_tags.c.tag == tag, these)
            removed += self._connection.execute(delete(error_tags).where(where)).rowcount
        return removed

    def forget(self, endpoint: str, predictions: Collection[str]) -> None:
        """Delete every tag of some predictions."""
        ids = list(predictions)
        for start in range(0, len(ids), _CHUNK):
            these = error_tags.c.prediction_id.in_(ids[start : start + _CHUNK])
            self._connection.execute(delete(error_tags).where(and_(error_tags.c.endpoint == endpoint, these)))

    def of_endpoint(self, endpoint: str) -> dict[str, list[str]]:
        """Prediction ids by tag, both in order."""
        query = select(error_tags.c.tag, error_tags.c.prediction_id).where(error_tags.c.endpoint == endpoint)
        found: dict[str, list[str]] = {}
        for tag, prediction in self._connection.execute(query.order_by(error_tags.c.tag, error_tags.c.prediction_id)):
            found.setdefault(tag, []).append(prediction)
        return found
