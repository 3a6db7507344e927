"""The prediction log as releases see it: paired rows, rows as assigned, and whether anything new is there."""

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol

import pyarrow as pa
import pyarrow.compute as pc

from interlock.predictions.delta_log import DeltaLog, Kind

_KINDS: tuple[Kind, ...] = ("predictions", "scores", "labels", "rewards")


class RowReader(Protocol):
    """What gives rows. `predictions.reader.LogReader` is the one there is."""

    def paired(self, endpoint: str, release_id: str, slices: Sequence[str] = ()) -> pa.Table:
        """Rows of the release that both versions scored, with the label where there is one, and inputs as slices."""

    def label_delay(self, endpoint: str, before: datetime) -> float | None:
        """Seconds within which nearly all labels came of predictions before that time; None without any."""

    def assigned(
        self,
        endpoint: str,
        *,
        release_id: str | None = None,
        since: datetime | None = None,
        rewards: Sequence[str] = (),
        answers: bool = False,
        inputs: Sequence[str] = (),
    ) -> pa.Table:
        """Rows as they were assigned, with rewards and inputs, and with answers and labels if they are asked for."""


class LogEvidence:
    """Evidence from the log's Delta tables.

    Args:
        log: For the versions of the tables.
        reader: For the rows.
    """

    def __init__(self, log: DeltaLog, reader: RowReader) -> None:
        self._log, self._reader = log, reader
        self._delays: dict[str, float | None] = {}

    def evidence_version(self, endpoint: str) -> tuple[int | None, ...]:
        """Changes when any of the endpoint's tables has changed."""
        return tuple(self._log.version(kind, endpoint) for kind in _KINDS)

    def has_labels(self, endpoint: str) -> bool:
        """Whether a label ever arrived on the endpoint."""
        return self._log.version("labels", endpoint) is not None

    def paired(self, endpoint: str, release_id: str, slices: Sequence[str] = ()) -> pa.Table:
        """Rows of the release that both versions scored, with what labels took before it in `usual_delay_seconds`.

        A release that began an hour ago knows only labels that take less: where the others say something else, rows
        would be judged by a selection that nothing in them shows.
        """
        rows = self._reader.paired(endpoint, release_id, slices)
        if rows.num_rows == 0:
            return rows
        if release_id not in self._delays:
            self._delays[release_id] = self._reader.label_delay(endpoint, pc.min(rows["event_at"]).as_py())
        delay = pa.scalar(self._delays[release_id], pa.float64())
        return rows.append_column("usual_delay_seconds", pa.repeat(delay, rows.num_rows))

    def assigned(
        self, endpoint: str, release_id: str, rewards: Sequence[str], *, answers: bool, inputs: Sequence[str] = ()
    ) -> pa.Table:
        """Rows of the release as they were assigned, with what came of them."""
        return self._reader.assigned(endpoint, release_id=release_id, rewards=rewards, answers=answers, inputs=inputs)
