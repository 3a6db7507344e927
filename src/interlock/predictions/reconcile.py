"""Checks the log's sums: acknowledged = logged + waiting + quarantined + unrecorded, in rows, for each endpoint.

Used by the control API, `/metrics` and tests. Each side is counted on its own: what was acknowledged by the spools' own
counters, what is logged by the rows that the store counted up to each table's transaction, what waits by reading the
files that the table has not got.
"""

import functools
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path

import msgspec

from interlock.predictions import contents, segments, spool_state
from interlock.predictions.delta_log import DeltaLog
from interlock.predictions.segments import Segment
from interlock.predictions.spool_state import SpoolState
from interlock.predictions.version_facts import KnownVersions
from interlock.settings import Settings
from interlock.store.database import Store
from interlock.store.spools import SegmentRows

# Segments move on while they are counted; then everything is counted again.
_ATTEMPTS = 20


class Reconciliation(msgspec.Struct, frozen=True, kw_only=True):
    """Rows of one endpoint over all spools of this home.

    Args:
        acknowledged: Answered with a prediction id, ever.
        logged: In the log, ever; retention and `forget` do not lower it.
        waiting: In the spools, not yet in the log.
        quarantined: In damaged frames, or not fitting their contract; kept aside.
        unrecorded: Answered though not recorded: 0, since an answer that cannot be recorded is refused.
        holds: Whether the sum is right.
    """

    acknowledged: int
    logged: int
    waiting: int
    quarantined: int
    unrecorded: int
    holds: bool


@dataclass(slots=True)
class _Sums:
    acknowledged: int = 0
    logged: int = 0
    waiting: int = 0
    quarantined: int = 0

    def result(self) -> Reconciliation:
        return Reconciliation(
            acknowledged=self.acknowledged,
            logged=self.logged,
            waiting=self.waiting,
            quarantined=self.quarantined,
            unrecorded=0,
            holds=self.acknowledged == self.logged + self.waiting + self.quarantined,
        )


def reconcile(settings: Settings, store: Store) -> dict[str, Reconciliation]:
    """Count every endpoint's rows while everything goes on.

    Returns:
        By endpoint. `holds` is False only if the sums were wrong each time that they were made.
    """
    log, versions = DeltaLog(settings.log), KnownVersions(store)
    found: dict[str, Reconciliation] = {}
    for _ in range(_ATTEMPTS):
        try:
            found = _count(settings.spools, log, store, versions)
        except FileNotFoundError:
            continue
        if all(endpoint.holds for endpoint in found.values()):
            break
    return found


def _count(spools: Path, log: DeltaLog, store: Store, versions: KnownVersions) -> dict[str, Reconciliation]:
    sums: dict[str, _Sums] = defaultdict(_Sums)
    for folder in sorted(path for path in spools.glob("*/") if not path.name.startswith(".")):
        stored = spool_state.load(folder)
        if stored is not None:
            _add_spool(sums, folder, stored, log, store, versions)
    return {endpoint: found.result() for endpoint, found in sums.items()}


def _add_spool(
    sums: dict[str, _Sums], folder: Path, stored: SpoolState, log: DeltaLog, store: Store, versions: KnownVersions
) -> None:
    """Add what one spool acknowledged, and where it is now."""
    # Every file is read once: what is appended meanwhile is on neither side.
    files, read = segments.listing(folder), functools.cache(segments.read)
    state = spool_state.current(stored, files, read)
    found = [read(file.path) for file in files]
    with store.read() as tx:
        last = min(tx.spools.last(stored.id), state.sequence)
        for endpoint, acknowledged in state.acknowledged.items():
            logged = min(last, log.transaction_version("predictions", endpoint, stored.id))
            into = sums[endpoint]
            into.acknowledged += acknowledged
            into.logged += tx.spools.rows_upto(stored.id, endpoint, logged).predictions
            into.quarantined += tx.spools.rows_upto(stored.id, endpoint, last).quarantined
            into.waiting += _waiting(found, endpoint, logged, last, versions)


def _waiting(found: list[Segment], endpoint: str, logged: int, counted: int, versions: KnownVersions) -> int:
    """Rows in segments that the table has not got; of counted ones without what was quarantined."""
    waiting = 0
    for segment in found:
        if logged < segment.sequence <= counted:
            waiting += contents.convert(segment, versions.types).counted.get(endpoint, SegmentRows()).predictions
        elif segment.sequence > counted:
            waiting += segment.rows[endpoint]
    return waiting
