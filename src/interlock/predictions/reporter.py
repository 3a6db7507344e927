"""Tells gateway workers every few seconds where acknowledged rows are, and how far behind the collector is.

Called by the collector between its batches, in its thread: nothing is deleted meanwhile. To count rows is to read every
segment that waits, so the reporter pauses by what its last report took, and leaves the sums out while a backlog is
worked off; how far behind the collector is costs one segment for each spool, and is always told.
"""

import logging
import time
from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import Path

from interlock.predictions import reconciliation, segments, spool_state
from interlock.predictions.reconcile import Reconciler
from interlock.predictions.reconciliation import Reconciliation, ReconciliationReport
from interlock.predictions.segments import Segment, SegmentFile
from interlock.store.database import Store

_log = logging.getLogger(__name__)

_PAUSE_SECONDS = 2.0
# Reports take at most a twentieth of the collector's time.
_PAUSES_PER_COST = 20
# After one that failed (a full disk, a store that is away): the gauge of the report's age tells.
_RETRY_SECONDS = 30.0
# About 1.5 s of reading, measured with rows of 160 bytes (13 us each). 100,000 rows: some 20 s of 5000 rows a second.
_MOST_WAITING_BYTES = 16 * 1024 * 1024


class Reporter:
    """Writes the report when it is due.

    Args:
        path: The report's file.
        spools: Holds one folder for each gateway slot.
        log: Root of the prediction log.
        store: Where cursors and counts are.
        clock: Aware UTC.
    """

    def __init__(self, path: Path, spools: Path, log: Path, store: Store, clock: Callable[[], datetime]) -> None:
        self._path, self._spools, self._store, self._clock = path, spools, store, clock
        self._reconciler = Reconciler(spools, log, store)
        self._due = time.monotonic()

    def step(self) -> None:
        """Report if it is time. Never fails: collecting goes on without."""
        began = time.monotonic()
        if began < self._due:
            return
        try:
            self.report()
        except Exception:
            _log.warning("where rows are could not be reported; it is tried again", exc_info=True)
            self._due = time.monotonic() + _RETRY_SECONDS
        else:
            ended = time.monotonic()
            self._due = ended + max(_PAUSE_SECONDS, _PAUSES_PER_COST * (ended - began))

    def report(self) -> None:
        """Count and write now."""
        # The time first: what is counted is at least as new as the report says.
        now = self._clock()
        found = ReconciliationReport(written_at=now, lag_seconds=self._lag_seconds(now), endpoints=self._count())
        reconciliation.save(self._path, found)

    def _count(self) -> dict[str, Reconciliation]:
        waiting = sum(path.stat().st_size for path in self._spools.glob("*/*.sealed"))
        return self._reconciler.count() if waiting <= _MOST_WAITING_BYTES else {}

    def _lag_seconds(self, now: datetime) -> float:
        oldest_us = min(self._oldest_us(), default=None)
        # A record may be written between the clock's reading and this one's.
        return max(0.0, now.timestamp() - oldest_us / 1e6) if oldest_us is not None else 0.0

    def _oldest_us(self) -> Iterator[int]:
        """When the first record of each spool came that is not counted."""
        for folder in self._spools.glob("[!.]*/"):
            state = spool_state.load(folder)
            if state is not None:
                with self._store.read() as tx:
                    last = tx.spools.last(state.id)
                yield from _first_times_us(folder, last)


def _first_times_us(folder: Path, counted: int) -> list[int]:
    """Times of the records of the first segment after `counted` that has any."""
    for file in segments.listing(folder):
        if file.sequence > counted and (records := _read(file).records):
            return [record.at_us for record in records]
    return []


def _read(file: SegmentFile) -> Segment:
    try:
        return segments.read(file.path)
    except FileNotFoundError:  # sealed since it was listed
        return segments.read(segments.sealed_path(file.path.parent, file.sequence))
