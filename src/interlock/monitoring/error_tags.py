"""Tags by hand on predictions, to count what errors have in common. Called by the pages; the audit log has each act."""

from collections.abc import Callable, Sequence
from datetime import datetime

from interlock.domain.access import Key
from interlock.domain.errors import InvalidInputError
from interlock.domain.names import check_name
from interlock.store.database import Store

MOST_AT_ONCE = 1_000
_LONGEST_ID = 64
_NAMED = 20


class ErrorTags:
    """Tags of endpoints.

    Args:
        store: Where they are.
        clock: Aware UTC now.
    """

    def __init__(self, store: Store, clock: Callable[[], datetime]) -> None:
        self._store, self._clock = store, clock

    def of_endpoint(self, endpoint: str) -> dict[str, list[str]]:
        """Prediction ids by tag.

        Raises:
            NotFoundError: There is no such endpoint.
        """
        with self._store.read() as tx:
            tx.endpoints.get(endpoint)
            return tx.error_tags.of_endpoint(endpoint)

    def add(self, endpoint: str, tag: str, predictions: Sequence[str], *, actor: Key) -> int:
        """Put a tag on predictions.

        Returns:
            How many did not have it.

        Raises:
            InvalidInputError: The tag is no name, or they are none or too many.
            NotFoundError: There is no such endpoint.
        """
        _check(tag, predictions)
        at = self._clock()
        with self._store.transaction() as tx:
            tx.endpoints.get(endpoint)
            changed = tx.error_tags.add(endpoint, tag, predictions, at, actor.name)
            if changed:
                tx.audit.append(at, actor.name, actor.role, "error.tag", endpoint, _details(tag, predictions))
        return changed

    def remove(self, endpoint: str, tag: str, predictions: Sequence[str], *, actor: Key) -> int:
        """Take a tag away again. Returns and raises as `add`."""
        _check(tag, predictions)
        at = self._clock()
        with self._store.transaction() as tx:
            tx.endpoints.get(endpoint)
            changed = tx.error_tags.remove(endpoint, tag, predictions)
            if changed:
                tx.audit.append(at, actor.name, actor.role, "error.untag", endpoint, _details(tag, predictions))
        return changed


def _check(tag: str, predictions: Sequence[str]) -> None:
    check_name("tag", tag)
    if not 0 < len(predictions) <= MOST_AT_ONCE:
        raise InvalidInputError(f"{len(predictions)} rows are chosen, must be 1 to {MOST_AT_ONCE}")
    if any(not 0 < len(each) <= _LONGEST_ID for each in predictions):
        raise InvalidInputError(f"a prediction id has 1 to {_LONGEST_ID} characters")


def _details(tag: str, predictions: Sequence[str]) -> dict[str, object]:
    return {"tag": tag, "rows": len(predictions), "predictions": list(predictions[:_NAMED])}
