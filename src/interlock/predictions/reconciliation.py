"""The log's sums as the collector last made them, in a small file of the run folder.

Written by the collector, read by gateway workers for `GET /metrics`: their processes are spared what counting needs
(Arrow and Delta), so this module imports neither. A reader sees the old file or the new one.
"""

from datetime import datetime
from pathlib import Path

import msgspec

NAME = "reconciliation.json"


class Reconciliation(msgspec.Struct, frozen=True, kw_only=True):
    """Rows of one endpoint over all spools of this home.

    Args:
        acknowledged: Answered with a prediction id, ever.
        logged: In the log, ever; retention and `forget` do not lower it.
        waiting: In the spools, not yet in the log.
        quarantined: In damaged frames, or not fitting their contract; kept aside.
        unrecorded: Answered though not recorded, by endpoints that rather serve than refuse when the disk is full.
        holds: Whether the sum is right.
    """

    acknowledged: int
    logged: int
    waiting: int
    quarantined: int
    unrecorded: int
    holds: bool


class ReconciliationReport(msgspec.Struct, frozen=True, kw_only=True):
    """What the collector knew at one time.

    Args:
        written_at: Aware UTC.
        lag_seconds: Age of the oldest record that is not in the profiles and counts yet; 0 if there is none.
        endpoints: By name. Empty while too much waits to be counted again and again.
    """

    written_at: datetime
    lag_seconds: float
    endpoints: dict[str, Reconciliation]


def load(path: Path) -> ReconciliationReport | None:
    """The last report, or None before the first.

    Raises:
        OSError: The file cannot be read.
        msgspec.MsgspecError: It is damaged.
    """
    try:
        return msgspec.json.decode(path.read_bytes(), type=ReconciliationReport)
    except FileNotFoundError:
        return None


def save(path: Path, report: ReconciliationReport) -> None:
    """Replace the report. Not synced: it means nothing after the machine stopped.

    Raises:
        OSError: It cannot be written; the old one stays.
    """
    draft = path.with_suffix(".new")
    draft.write_bytes(msgspec.json.encode(report))
    draft.replace(path)
