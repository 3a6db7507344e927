"""Updates the profiles of what each version saw and answered, by hour of the event.

Called by the collector while it has the columns in memory, so that monitoring never reads rows. Features and bins are
those of the version's reference profile: inputs by name, outputs as `output.<name>`. Versions without one are skipped.
What a privacy rule dropped is not counted, neither as a value nor as missing. What it hashed is counted if it has
categories: their hashes are known here.
"""

import logging
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from interlock.domain.times import seconds
from interlock.predictions.hashing import Hasher
from interlock.predictions.parts import HASHED
from interlock.predictions.service_counting import HOUR_US, hour_at
from interlock.stats import image_descriptors
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


def by_hour(
    endpoint: str, version: str, rows: pa.Table, spec: ProfileSpec, hasher: Hasher | None = None
) -> Iterator[HourProfile]:
    """Profile rows that one version answered, an hour at a time.

    Args:
        endpoint, version: Whose.
        rows: As for the log.
        spec: The bins.
        hasher: What hashed columns were hashed with; None if there are none.
    """
    found: dict[int, Profile] = {}
    for same in _by_rule(rows):
        for hour, profile in _by_hour(same, spec, hasher):
            if hour in found:
                found[hour].merge(profile)
            else:
                found[hour] = profile
    for hour, profile in found.items():
        yield HourProfile(endpoint, version, hour_at(hour), profile)


def _by_hour(rows: pa.Table, spec: ProfileSpec, hasher: Hasher | None) -> Iterator[tuple[int, Profile]]:
    """Profiles by hour since 1970, of rows of which the same was withheld."""
    withheld = (rows["withheld"][0].as_py() if "withheld" in rows.column_names else None) or []
    hours = rows["event_at"].cast(pa.int64()).to_numpy() // HOUR_US
    unobserved = _unobserved(spec, withheld, rows, hasher)
    counted = features(rows, spec, hasher if withheld else None)
    columns = {name: column for name, column in counted.items() if name not in unobserved}
    if len(hours) and hours.min() == hours.max():
        profile = Profile(spec)
        profile.update(columns, unobserved=unobserved, rows=len(hours))
        yield int(hours[0]), profile
        return
    order = np.argsort(hours, kind="stable")
    columns = {name: column[order] for name, column in columns.items()}
    starts = np.flatnonzero(np.diff(hours[order], prepend=np.iinfo(np.int64).min))
    for start, stop in zip(starts, [*starts[1:], len(order)], strict=True):
        profile = Profile(spec)
        part = {name: column[start:stop] for name, column in columns.items()}
        profile.update(part, unobserved=unobserved, rows=int(stop - start))
        yield int(hours[order[start]]), profile


def _by_rule(rows: pa.Table) -> Iterator[pa.Table]:
    """Rows of which the same was withheld: nearly always all."""
    if "withheld" not in rows.column_names or rows["withheld"].null_count == rows.num_rows:
        yield rows
        return
    sets = rows["withheld"].to_pylist()
    for one in sorted({tuple(names or ()) for names in sets}):
        yield rows.filter(pa.array([tuple(names or ()) == one for names in sets]))


def _unobserved(spec: ProfileSpec, withheld: Collection[str], rows: pa.Table, hasher: Hasher | None) -> list[str]:
    found = []
    for bins in spec.features:
        column = next((name for name in withheld if is_made_of(bins.name, name)), None)
        is_counted = hasher is not None and bins.kind == "categorical" and f"{column}{HASHED}" in rows.column_names
        if column is not None and not is_counted:
            found.append(bins.name)
    return found


def is_made_of(feature: str, column: str) -> bool:
    """Whether a feature is made of a column: itself, or a part of it like `photo.brightness`."""
    made_of = column_of(feature)
    return made_of == column or made_of.removeprefix(f"{column}.") in image_descriptors.NAMES


def column_of(feature: str) -> str:
    """The log's column that a feature is made of, but for a part after the name (`photo.brightness`).

    Examples:
        >>> column_of("age"), column_of("output.score"), column_of("output.label")
        ('input.age', 'output.probabilities', 'output.label')
    """
    if feature == "output.score":
        return "output.probabilities"
    return feature if feature.startswith("output.") else f"input.{feature}"


def features(rows: pa.Table, spec: ProfileSpec, hasher: Hasher | None = None) -> Mapping[str, NDArray[Any]]:
    """The columns that a profile counts; one that the rows lack is all missing."""
    numeric = {bins.name: _numbers(_feature(rows, bins.name), rows.num_rows) for bins in spec.numeric}
    categorical = {bins.name: _values(_feature(rows, bins.name), rows.num_rows) for bins in spec.categorical}
    if hasher is not None:
        for bins in spec.categorical:
            hashed = f"{column_of(bins.name)}{HASHED}"
            if hashed in rows.column_names:
                known = {hasher.digest(category): category for category in bins.categories}
                values = [known.get(value, value) for value in rows[hashed].to_pylist()]
                categorical[bins.name] = _values(pa.chunked_array([pa.array(values, pa.string())]), rows.num_rows)
    return numeric | categorical


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
    if column is not None and (pa.types.is_timestamp(column.type) or pa.types.is_date(column.type)):
        return seconds(column.cast(pa.timestamp("us")).to_numpy())
    if column is None or not (_is_number(column.type) or pa.types.is_boolean(column.type)):
        return np.full(rows, np.nan)
    # Whole numbers beyond 2 ** 53 are rounded: a bin does not notice.
    numbers: NDArray[np.float64] = column.cast(pa.float64(), safe=False).to_numpy()
    return numbers


def _values(column: pa.ChunkedArray | None, rows: int) -> NDArray[np.object_]:
    values = np.full(rows, None, dtype=object)
    if column is not None and not pa.types.is_nested(column.type):
        values[:] = column.to_pylist()
    return values


def _is_number(kind: pa.DataType) -> bool:
    return bool(pa.types.is_integer(kind) or pa.types.is_floating(kind))
