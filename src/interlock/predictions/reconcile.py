"""Checks the log's sums: acknowledged = logged + waiting + quarantined + unrecorded, in rows, for each endpoint.

Used by the control API, `interlock doctor`, the collector's reporter for `/metrics`, and tests. Each side is counted on
its own: what was acknowledged by the spools' own counters, what is logged by the rows that the store counted up to each
table's transaction, what waits by reading the files that the table has not got.
"""

import functools
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from interlock.predictions import contents, segments, spool_state, unrecorded
from interlock.predictions.delta_log import DeltaLog
from interlock.predictions.reconciliation import Reconciliation
from interlock.predictions.segments import Segment
from interlock.predictions.spool_state import SpoolState
from interlock.predictions.version_facts import KnownVersions
from interlock.settings import Settings
from interlock.store.database import Store

# Segments move on while they are counted; then everything is counted again.
_ATTEMPTS = 20


@dataclass(slots=True)
class _Sums:
    acknowledged: int = 0
    logged: int = 0
    waiting: int = 0
    quarantined: int = 0
    unrecorded: int = 0

    def result(self) -> Reconciliation:
        return Reconciliation(
            acknowledged=self.acknowledged,
            logged=self.logged,
            waiting=self.waiting,
            quarantined=self.quarantined,
            unrecorded=self.unrecorded,
            holds=self.acknowledged == self.logged + self.waiting + self.quarantined + self.unrecorded,
        )


class Reconciler:
    """Counts again and again; what never changes is read once.

    Args:
        spools: Holds one folder for each gateway slot.
        log: Root of the prediction log.
        store: Where cursors and counts are.
    """

    def __init__(self, spools: Path, log: Path, store: Store) -> None:
        self._spools, self._store = spools, store
        self._log, self._versions = DeltaLog(log), KnownVersions(store)

    def count(self) -> dict[str, Reconciliation]:
        """Count every endpoint's rows while everything goes on.

        Returns:
            By endpoint. `holds` is False only if the sums were wrong each time that they were made.
        """
        found: dict[str, Reconciliation] = {}
        for _ in range(_ATTEMPTS):
            try:
                found = self._count()
            except FileNotFoundError:
                continue
            if all(endpoint.holds for endpoint in found.values()):
                break
        return found

    def _count(self) -> dict[str, Reconciliation]:
        sums: dict[str, _Sums] = defaultdict(_Sums)
        for folder in sorted(path for path in self._spools.glob("*/") if not path.name.startswith(".")):
            stored = spool_state.load(folder)
            if stored is not None:
                self._add_spool(sums, folder, stored)
        return {endpoint: found.result() for endpoint, found in sums.items()}

    def _add_spool(self, sums: dict[str, _Sums], folder: Path, stored: SpoolState) -> None:
        """Add what one spool acknowledged, and where it is now."""
        # An open file is read once: what is appended meanwhile is on neither side. It is the newest, or the one before
        # while the newest has no header; all others are sealed. Kept are no more, since a backlog may be large.
        files, read = segments.listing(folder), functools.lru_cache(maxsize=2)(segments.read)
        state = spool_state.current(stored, files, read)
        logged: dict[str, int] = {}
        with self._store.read() as tx:
            last = min(tx.spools.last(stored.id), state.sequence)
            for endpoint, acknowledged in state.acknowledged.items():
                upto = min(last, self._log.transaction_version("predictions", endpoint, stored.id))
                into, logged[endpoint] = sums[endpoint], upto
                into.acknowledged += acknowledged
                into.logged += tx.spools.rows_upto(stored.id, endpoint, upto).predictions
                into.quarantined += tx.spools.rows_upto(stored.id, endpoint, last).quarantined
        for endpoint, rows in unrecorded.load(folder).items():
            sums[endpoint].acknowledged += rows
            sums[endpoint].unrecorded += rows
        for file in reversed(files):
            if file.sequence > min(logged.values(), default=last):
                self._add_waiting(sums, read(file.path), logged, last)

    def _add_waiting(self, sums: dict[str, _Sums], segment: Segment, logged: dict[str, int], counted: int) -> None:
        """Add the rows that tables have not got; of a counted segment without what was quarantined."""
        rows: Mapping[str, int] = segment.rows
        if segment.sequence <= counted:
            found = contents.convert(segment, self._versions.types).counted
            rows = {endpoint: each.predictions for endpoint, each in found.items()}
        for endpoint, upto in logged.items():
            if segment.sequence > upto:
                sums[endpoint].waiting += rows.get(endpoint, 0)


def reconcile(settings: Settings, store: Store) -> dict[str, Reconciliation]:
    """Count every endpoint's rows once, as `Reconciler.count` does."""
    return Reconciler(settings.spools, settings.log, store).count()
