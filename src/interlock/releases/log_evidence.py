"""The prediction log as releases see it: paired rows, rows as assigned, and whether anything new is there."""

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol

import pyarrow as pa

from interlock.predictions.delta_log import DeltaLog, Kind

_KINDS: tuple[Kind, ...] = ("predictions", "scores", "labels", "rewards")


class RowReader(Protocol):
    """What gives rows. `predictions.reader.LogReader` is the one there is."""

    def paired(self, endpoint: str, release_id: str) -> pa.Table:
        """Rows of the release that both versions scored, with the label where there is one."""

    def assigned(
        self,
        endpoint: str,
        *,
        release_id: str | None = None,
        since: datetime | None = None,
        rewards: Sequence[str] = (),
        answers: bool = False,
    ) -> pa.Table:
        """Rows as they were assigned, with rewards, and with answers and labels if they are asked for."""


class LogEvidence:
    """Evidence from the log's Delta tables.

    Args:
        log: For the versions of the tables.
        reader: For the rows.
    """

    def __init__(self, log: DeltaLog, reader: RowReader) -> None:
        self._log, self._reader = log, reader

    def evidence_version(self, endpoint: str) -> tuple[int | None, ...]:
        """Changes when any of the endpoint's tables has changed."""
        return tuple(self._log.version(kind, endpoint) for kind in _KINDS)

    def has_labels(self, endpoint: str) -> bool:
        """Whether a label ever arrived on the endpoint."""
        return self._log.version("labels", endpoint) is not None

    def paired(self, endpoint: str, release_id: str) -> pa.Table:
        """Rows of the release that both versions scored."""
        return self._reader.paired(endpoint, release_id)

    def assigned(self, endpoint: str, release_id: str, rewards: Sequence[str], *, answers: bool) -> pa.Table:
        """Rows of the release as they were assigned, with what came of them."""
        return self._reader.assigned(endpoint, release_id=release_id, rewards=rewards, answers=answers)
