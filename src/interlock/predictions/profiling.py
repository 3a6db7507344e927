"""Updates the profiles of what each version saw and answered, by hour of the event.

Called by the collector while it has the columns in memory, so that monitoring never reads rows. Features and bins are
those of the version's reference profile: inputs by name, outputs as `output.<name>`. Versions without one are skipped.
"""

import logging
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from interlock.predictions.service_counting import HOUR_US, hour_at
from interlock.stats.profile import Profile
from interlock.stats.profile_bins import ProfileSpec

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class HourProfile:
    """What one version of an endpoint saw in one hour."""

    endpoint: str
    version: str
    hour: datetime
    profile: Profile

    def merged_with(self, present: bytes | None) -> bytes:
        """Add to a stored profile, if there is one."""
        if present is None:
            return self.profile.to_bytes()
        try:
            merged = Profile.from_bytes(self.profile.spec, present)
        except ValueError:
            # Only a database put together by hand has other bins here, and it must not stop the collector.
            _log.exception(
                "the profile of %s %s at %s cannot be read and starts anew", self.endpoint, self.version, self.hour
            )
            return self.profile.to_bytes()
        merged.merge(self.profile)
        return merged.to_bytes()


def by_hour(endpoint: str, version: str, rows: pa.Table, spec: ProfileSpec) -> Iterator[HourProfile]:
    """Profile rows that one version answered, an hour at a time."""
    hours = rows["event_at"].cast(pa.int64()).to_numpy() // HOUR_US
    columns = features(rows, spec)
    if len(hours) and hours.min() == hours.max():
        profile = Profile(spec)
        profile.update(columns)
        yield HourProfile(endpoint, version, hour_at(int(hours[0])), profile)
        return
    order = np.argsort(hours, kind="stable")
    columns = {name: column[order] for name, column in columns.items()}
    starts = np.flatnonzero(np.diff(hours[order], prepend=np.iinfo(np.int64).min))
    for start, stop in zip(starts, [*starts[1:], len(order)], strict=True):
        profile = Profile(spec)
        profile.update({name: column[start:stop] for name, column in columns.items()})
        yield HourProfile(endpoint, version, hour_at(int(hours[order[start]])), profile)


def features(rows: pa.Table, spec: ProfileSpec) -> Mapping[str, NDArray[Any]]:
    """The columns that a profile counts; one that the rows lack is all missing."""
    numeric = {bins.name: _numbers(_feature(rows, bins.name), rows.num_rows) for bins in spec.numeric}
    return numeric | {bins.name: _values(_feature(rows, bins.name), rows.num_rows) for bins in spec.categorical}


def _feature(rows: pa.Table, name: str) -> pa.ChunkedArray | None:
    column = name if name.startswith("output.") else f"input.{name}"
    if column in rows.column_names:
        return rows[column]
    if name == "output.score" and "output.probabilities" in rows.column_names:
        return pa.chunked_array([_scores(rows["output.probabilities"])])
    return None


def _scores(probabilities: pa.ChunkedArray) -> pa.Array:
    """Of two classes the probability of the last, of more the largest."""
    flat = probabilities.combine_chunks()
    rows, values = len(flat), np.asarray(flat.flatten().to_numpy(zero_copy_only=False), dtype=np.float64)
    if rows == 0 or len(values) == 0 or len(values) % rows or flat.null_count:
        return pa.nulls(rows, pa.float64())
    by_class = values.reshape(rows, -1)
    return pa.array(by_class[:, -1] if by_class.shape[1] == 2 else by_class.max(axis=1))


def _numbers(column: pa.ChunkedArray | None, rows: int) -> NDArray[np.float64]:
    if column is None or not (_is_number(column.type) or pa.types.is_boolean(column.type)):
        return np.full(rows, np.nan)
    numbers: NDArray[np.float64] = column.cast(pa.float64()).to_numpy()
    return numbers


def _values(column: pa.ChunkedArray | None, rows: int) -> NDArray[np.object_]:
    values = np.full(rows, None, dtype=object)
    if column is not None and not pa.types.is_nested(column.type):
        values[:] = column.to_pylist()
    return values


def _is_number(kind: pa.DataType) -> bool:
    return bool(pa.types.is_integer(kind) or pa.types.is_floating(kind))
