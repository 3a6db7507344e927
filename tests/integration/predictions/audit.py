"""Compares what was acknowledged with what is in the log, the profiles and the counts."""

from collections import Counter
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from tests.integration.predictions.conftest import bins

from interlock.stats.profile import Profile

if TYPE_CHECKING:
    from tests.integration.predictions.conftest import Home

_EVER = (datetime(1970, 1, 1, tzinfo=UTC), datetime(2100, 1, 1, tzinfo=UTC))


@dataclass(frozen=True)
class Audit:
    """What the auditor found.

    Args:
        lost: Acknowledged, and not in the log.
        doubled: In the log more than once.
        unconfirmed: In the log, though nobody was told: a process may die between the append and the answer.
        log_rows, profiled_rows: Must be equal.
        log_requests, counted_units: Must be equal, all requests being without a key.
        sums_hold: Whether the system's own reconciliation holds.
    """

    lost: set[str]
    doubled: set[str]
    unconfirmed: set[str]
    log_rows: int
    profiled_rows: int
    log_requests: int
    counted_units: int
    sums_hold: bool

    @property
    def is_clean(self) -> bool:
        whole = (self.log_rows, self.log_requests) == (self.profiled_rows, self.counted_units)
        return not self.lost and not self.doubled and whole and self.sums_hold


def audit(home: "Home", side_file: Path) -> Audit:
    """Audit a home whose writers have stopped and whose spools are collected."""
    # The last line may be torn: its writer was killed.
    acknowledged = set(side_file.read_text().split("\n")[:-1])
    _, rows = home.reader.new_rows("wine", None)
    given = home.log.table("labels", "wine")
    logged = Counter(rows["prediction_id"].to_pylist())
    if given is not None:
        logged.update(f"label:{name}" for name in given.to_pyarrow_table()["prediction_id"].to_pylist())
    with home.store.read() as tx:
        profiles = [data for _, _, data in tx.profiles.between("wine", *_EVER)]
        units = sum(counts.units for counts in tx.gate_counts.list("r1"))
    return Audit(
        lost=acknowledged - set(logged),
        doubled={name for name, times in logged.items() if times > 1},
        unconfirmed=set(logged) - acknowledged,
        log_rows=rows.num_rows,
        profiled_rows=sum(Profile.from_bytes(bins(), data).rows for data in profiles),
        log_requests=len(set(rows["request_id"].to_pylist())),
        counted_units=units,
        sums_hold=home.sums().holds,
    )
