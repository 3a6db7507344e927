"""Rows that the quality of versions is estimated from, read from the log: a sample of each window, and recent labels.

Made by the report for one window, and by the monitoring loop for the days that it judges together: the labels of all of
them are read once.
"""

from datetime import datetime
from functools import cached_property

import pyarrow as pa
import pyarrow.compute as pc

from interlock.monitoring import estimate, quality
from interlock.monitoring.estimate import Window
from interlock.predictions.reader import LogReader


class ScoredRows:
    """Reads for windows of one endpoint between two times.

    Args:
        reader: The log.
        endpoint: Whose.
        start, end: Of all windows together.
    """

    def __init__(self, reader: LogReader, endpoint: str, start: datetime, end: datetime) -> None:
        self._reader, self._endpoint, self._start, self._end = reader, endpoint, start, end

    def window(self, ref: str, start: datetime, end: datetime, alpha: float) -> Window:
        """What is known of one version's window; `alpha` as of `estimate.Window`."""
        most, seed = estimate.MOST_ROWS, estimate.SEED
        rows = self._reader.sample(self._endpoint, ref, since=start, until=end, most=most, seed=seed)
        at = self._labelled["event_at"]
        recent = pc.and_(pc.greater_equal(at, start - estimate.LABELS_OF), pc.less(at, end))
        return Window(rows, self._labelled.filter(pc.and_(recent, pc.equal(self._labelled["version"], ref))), alpha)

    @cached_property
    def _labelled(self) -> pa.Table:
        since = self._start - estimate.LABELS_OF
        return self._reader.labelled(self._endpoint, since=since, until=self._end, columns=quality.COLUMNS)
