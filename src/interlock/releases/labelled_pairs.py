"""Rows that both versions scored and whose label is ripe, as arrays: what the quality gate computes losses from.

The delay of a label may depend on the label (late flights land late), so that among fresh rows the labelled ones are a
flattering selection. Only rows old enough that nearly all labels due have come are used: by what labels took in the
release, and before it, as a young release has met only the quick ones. How many of those have none is reported.
"""

from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

# Age at which a row counts: the delay that all but one in a hundred labels keep.
_RIPE_QUANTILE = 0.99


@dataclass(frozen=True, slots=True)
class LabelledPairs:
    """Ripe rows with a label on which both versions answered.

    Args:
        rows: Those rows, columns as in the paired table.
        ripe: Rows old enough that both versions answered, with a label or not.
        maturity_seconds: The age asked for; None before any label.
    """

    rows: pa.Table
    ripe: pa.Table
    maturity_seconds: float | None

    @property
    def ripe_rows(self) -> int:
        return int(self.ripe.num_rows)

    @property
    def coverage(self) -> float:
        """Share of the ripe rows that can be used."""
        return self.rows.num_rows / self.ripe_rows if self.ripe_rows else 0.0

    @property
    def units(self) -> NDArray[np.int64]:
        """Number of each row's unit, from 0."""
        return np.asarray(self.rows["unit"].combine_chunks().dictionary_encode().indices.to_numpy(), dtype=np.int64)

    @property
    def event_seconds(self) -> NDArray[np.float64]:
        """When each row's event was, in seconds since 1970."""
        return _microseconds(self.rows["event_at"]) / 1e6


def ripe(paired: pa.Table, age_hours: float | None = None) -> LabelledPairs:
    """Keep the rows old enough, and of those the ones with a label and two answers.

    Args:
        paired: As `LogReader.paired` gives them; with `usual_delay_seconds`, what labels took before the release.
        age_hours: The age from which rows count, where somebody knows it; else what labels take says.
    """
    if paired.num_rows == 0:
        return LabelledPairs(paired, paired, None)
    answered = paired.filter(
        pc.and_(pc.equal(paired["champion_status"], "ok"), pc.equal(paired["challenger_status"], "ok"))
    )
    labelled = pc.is_valid(answered["observed_at"])
    observed = _microseconds(answered["observed_at"].filter(labelled))
    if len(observed) == 0:
        return LabelledPairs(answered.slice(0, 0), answered.slice(0, 0), None)
    delays = np.maximum(observed - _microseconds(answered["event_at"].filter(labelled)), 0)
    maturity = max(float(np.quantile(delays, _RIPE_QUANTILE)), _usual(answered) * 1e6)
    if age_hours is not None:
        maturity = age_hours * 3600e6
    old_enough = pa.array(_microseconds(answered["event_at"]) <= observed.max() - maturity)
    rows = answered.filter(pc.and_(old_enough, labelled))
    return LabelledPairs(rows, answered.filter(old_enough), maturity / 1e6)


def _usual(paired: pa.Table) -> float:
    """Seconds that labels took before the release; 0 where nobody knows."""
    if "usual_delay_seconds" not in paired.column_names:
        return 0.0
    known = pc.max(paired["usual_delay_seconds"]).as_py()
    return 0.0 if known is None else float(known)


def _microseconds(times: pa.ChunkedArray) -> NDArray[np.int64]:
    return np.asarray(pc.cast(times, pa.timestamp("us", tz="UTC")).to_numpy().astype("datetime64[us]").astype(np.int64))
