"""Rows without an answer, counted by reason, with the first of them by id. Called by replays; memory is bounded."""

from collections import Counter
from collections.abc import Sequence

from interlock.domain.replay import RowExample, RowsWithReason

_MOST_EXAMPLES = 100
_MOST_SHOWN = 20
# A model that puts the row's values into its message has as many messages as rows.
_MOST_KEPT = 1000
_OTHER = "other reasons"


class RowReasons:
    """Counts rows of one kind."""

    def __init__(self) -> None:
        self.rows = 0
        self._reasons: Counter[str] = Counter()
        self._examples: list[RowExample] = []

    def add(self, prediction_id: str, status: str, error: str, reason: str | None = None) -> None:
        """Add a row.

        Args:
            prediction_id, status, error: What an example says.
            reason: What is counted; by default the error.
        """
        self.rows += 1
        self._count(reason or error, 1)
        if len(self._examples) < _MOST_EXAMPLES:
            self._examples.append(RowExample(prediction_id=prediction_id, status=status, error=error))

    def add_all(self, prediction_ids: Sequence[str], status: str, error: str) -> None:
        """Add rows with the same reason."""
        if not prediction_ids:
            return
        self.rows += len(prediction_ids)
        self._count(error, len(prediction_ids))
        for id in prediction_ids[: _MOST_EXAMPLES - len(self._examples)]:
            self._examples.append(RowExample(prediction_id=id, status=status, error=error))

    def result(self) -> RowsWithReason:
        """What it comes to."""
        return RowsWithReason(
            rows=self.rows, reasons=dict(self._reasons.most_common(_MOST_SHOWN)), examples=tuple(self._examples)
        )

    def _count(self, reason: str, rows: int) -> None:
        known = reason in self._reasons or len(self._reasons) < _MOST_KEPT
        self._reasons[reason if known else _OTHER] += rows
