"""Mergeable summary of the features that one version of an endpoint saw in one hour.

Called by the collector, once per batch of logged predictions to update, and by monitoring, once per look to merge up to
some 700 hourly profiles. It refuses to hold rows, and to merge profiles of different bins.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

from interlock.stats.profile_bins import Column, ProfileSpec, count_categories

# Columns of `Profile._moments`; sums are of the deviation from the feature's centre.
_FINITE, _SUM, _SUM_SQUARES, _MINIMUM, _MAXIMUM = range(5)
_NO_MOMENTS = (0.0, 0.0, 0.0, np.inf, -np.inf)


@dataclass(frozen=True, slots=True)
class FeatureSummary:
    """What a profile says about one feature; None where there is nothing to say.

    `rows` are those in which the feature was observed.
    `mean`, `std` (with n - 1), `minimum` and `maximum` are over finite values and exist for numeric features.
    `unseen_share`, the share of rows in no learnt category, exists for categorical ones.
    """

    rows: int
    missing_share: float | None
    mean: float | None
    std: float | None
    minimum: float | None
    maximum: float | None
    unseen_share: float | None


class Profile:
    """Counts per bin and moments per numeric feature, of any number of rows.

    Infinite values count in the outer bins, but not in mean, standard deviation, minimum and maximum.

    Args:
        spec: The bins.

    Examples:
        >>> from interlock.stats.profile_bins import learn
        >>> spec = learn({"age": [20.0, 30.0, 40.0]}, {"age": "numeric"})
        >>> monday, tuesday = Profile(spec), Profile(spec)
        >>> monday.update({"age": [20.0, 41.0, float("nan")]})
        >>> tuesday.update({"age": [44.0]})
        >>> monday.merge(tuesday)
        >>> monday.counts("age").tolist()
        [1, 0, 2, 1]
        >>> monday.summary("age").mean, monday.summary("age").missing_share
        (35.0, 0.25)
    """

    __slots__ = ("_counts", "_moments", "_rows", "spec")

    def __init__(self, spec: ProfileSpec) -> None:
        self.spec = spec
        self._rows = 0
        self._counts = np.zeros(spec.size, dtype=np.int64)
        self._moments = np.tile(np.array(_NO_MOMENTS), (len(spec.numeric), 1))

    @property
    def rows(self) -> int:
        """Rows seen."""
        return self._rows

    def update(
        self, columns: Mapping[str, Column], *, unobserved: Collection[str] = (), rows: int | None = None
    ) -> None:
        """Add rows.

        Args:
            columns: One equally long column per feature, as for `learn`; further columns are ignored.
            unobserved: Features of which nobody knows anything in these rows, not even that they are missing: nothing
                is counted for them, and they need no column.
            rows: How many there are, where no feature may be observed.

        Raises:
            ValueError: A feature has no column, or columns differ in length. Nothing is added then.
        """
        rows = self._count_rows(columns, unobserved, rows or 0)
        if unobserved:
            columns = {**columns, **dict.fromkeys(unobserved, np.full(rows, np.nan))}
        counts = self._bin_categories(columns)
        moments = np.empty((len(self.spec.numeric), len(_NO_MOMENTS)))
        # One feature after the other: its values stay in the processor's cache from the first look to the last.
        for row, bins in enumerate(self.spec.numeric):
            values = np.asarray(columns[bins.name], dtype=np.float64)
            counts[self._slice(bins.name)] = _bin_numbers(values, bins.edges)
            moments[row] = _measure(values, bins.centre)
        for name in unobserved:
            counts[self._slice(name)] = 0
        self._add(rows, counts, moments)

    def merge(self, other: "Profile") -> None:
        """Add the rows of another profile of the same bins.

        Raises:
            ValueError: The bins are not the same.
        """
        if other.spec is not self.spec and other.spec.fingerprint != self.spec.fingerprint:
            raise ValueError("other.spec differs from spec, must be the same bins; profile the rows again with these")
        self._add(other._rows, other._counts, other._moments)

    def counts(self, feature: str) -> NDArray[np.int64]:
        """Rows per bin of one feature.

        Raises:
            ValueError: There is no such feature.
        """
        return self._counts[self._slice(feature)].copy()

    def summary(self, feature: str) -> FeatureSummary:
        """Moments and shares of one feature.

        Raises:
            ValueError: There is no such feature.
        """
        counts = self._counts[self._slice(feature)].tolist()
        rows, other, missing = sum(counts), counts[-2], counts[-1]
        share = 1 / rows if rows else None
        missing_share = missing * share if share else None
        if (row := self.spec.numeric_rows.get(feature)) is not None:
            moments, centre = self._moments[row].tolist(), self.spec.numeric[row].centre
            return FeatureSummary(rows, missing_share, *_describe(moments, centre), unseen_share=None)
        unseen_share = other * share if share else None
        return FeatureSummary(rows, missing_share, None, None, None, None, unseen_share)

    def restricted(self, spec: ProfileSpec) -> "Profile":
        """The same of some of the features, without the others.

        Args:
            spec: Their bins, as in this profile's own.

        Raises:
            ValueError: There is no such feature.

        Examples:
            >>> from interlock.stats.profile_bins import learn
            >>> both = Profile(learn({"a": [1.0, 2.0], "b": ["x", "y"]}, {"a": "numeric", "b": "categorical"}))
            >>> both.update({"a": [1.0, 1.0, 2.0], "b": ["x", "x", "y"]})
            >>> both.restricted(ProfileSpec(both.spec.features[1:])).counts("b").tolist()
            [2, 1, 0, 0]
        """
        narrow = Profile(spec)
        narrow._rows = self._rows
        narrow._counts = np.concatenate([self.counts(bins.name) for bins in spec.features])
        places = [number for number, bins in enumerate(self.spec.numeric) if bins.name in spec.slices]
        narrow._moments = self._moments[places].copy()
        return narrow

    def to_bytes(self) -> bytes:
        """Write rows, counts and moments, little-endian, behind the fingerprint of the bins."""
        head = np.array([self.spec.fingerprint, self._rows], dtype="<i8")
        return head.tobytes() + self._counts.astype("<i8").tobytes() + self._moments.astype("<f8").tobytes()

    @classmethod
    def from_bytes(cls, spec: ProfileSpec, data: bytes) -> Self:
        """Read what `to_bytes` wrote.

        Raises:
            ValueError: The bytes are damaged, or were written with other bins.
        """
        _check(spec, data)
        split = 16 + 8 * spec.size
        head = np.frombuffer(data, dtype="<i8", count=2 + spec.size)
        profile = cls.__new__(cls)
        profile.spec = spec
        profile._rows = int(head[1])
        profile._counts = head[2:].astype(np.int64)
        profile._moments = (
            np.frombuffer(data, dtype="<f8", offset=split).astype(np.float64).reshape(-1, len(_NO_MOMENTS))
        )
        return profile

    def _slice(self, feature: str) -> slice:
        if feature not in self.spec.slices:
            raise ValueError(f"feature == {feature!r}, must be one of {list(self.spec.slices)}")
        return self.spec.slices[feature]

    def _count_rows(self, columns: Mapping[str, Column], unobserved: Collection[str], rows: int) -> int:
        observed = self.spec.slices.keys() - set(unobserved)
        absent = sorted(observed - columns.keys())
        if absent:
            raise ValueError(
                f"columns lack {absent}, must have one for each feature; fill a lost one with missing values"
            )
        lengths = {len(columns[name]) for name in observed}
        if len(lengths) > 1:
            raise ValueError(f"columns have {sorted(lengths)} rows, must be equally long")
        return lengths.pop() if lengths else rows

    def _bin_categories(self, columns: Mapping[str, Column]) -> NDArray[np.int64]:
        total = np.zeros(self.spec.size, dtype=np.int64)
        for name, bins in self.spec.category_bins.items():
            missing = self.spec.slices[name].stop - 1
            for category, count in count_categories(columns[name]).items():
                total[missing if category is None else bins.get(category, missing - 1)] += count
        return total

    def _add(self, rows: int, counts: NDArray[np.int64], moments: NDArray[np.float64]) -> None:
        self._rows += rows
        self._counts += counts
        mine = self._moments
        mine[:, :_MINIMUM] += moments[:, :_MINIMUM]
        np.minimum(mine[:, _MINIMUM], moments[:, _MINIMUM], out=mine[:, _MINIMUM])
        np.maximum(mine[:, _MAXIMUM], moments[:, _MAXIMUM], out=mine[:, _MAXIMUM])


def _bin_numbers(values: NDArray[np.float64], edges: Sequence[float]) -> NDArray[np.int64]:
    """Values in each bin; the last is of missing ones."""
    missing = np.count_nonzero(np.isnan(values))
    # Edges are few: to compare with each is ten times as fast as to look for each value's place.
    above = [len(values) - missing, *(np.count_nonzero(values > edge) for edge in edges), 0]
    return np.append(-np.diff(np.array(above, dtype=np.int64)), missing)


def _measure(values: NDArray[np.float64], centre: float) -> tuple[float, float, float, float, float]:
    """Moments of the values that are finite."""
    finite = np.isfinite(values)
    if not finite.all():
        values = values[finite]
    if not len(values):
        return _NO_MOMENTS
    deviations = values - centre
    with np.errstate(over="ignore"):
        squares = float(np.einsum("i,i->", deviations, deviations))
    return float(len(values)), float(deviations.sum()), squares, float(values.min()), float(values.max())


def _describe(moments: Sequence[float], centre: float) -> tuple[float | None, float | None, float | None, float | None]:
    finite = moments[_FINITE]
    if not finite:
        return None, None, None, None
    mean = moments[_SUM] / finite
    std = None
    if finite > 1:
        std = float(np.sqrt(max(0.0, moments[_SUM_SQUARES] - finite * mean * mean) / (finite - 1)))
    return centre + mean, std, moments[_MINIMUM], moments[_MAXIMUM]


def _check(spec: ProfileSpec, data: bytes) -> None:
    expected = 8 * (2 + spec.size + len(_NO_MOMENTS) * len(spec.numeric))
    if len(data) != expected:
        raise ValueError(f"data has {len(data)} bytes, must be {expected} for these bins")
    if int.from_bytes(data[:8], "little", signed=True) != spec.fingerprint:
        raise ValueError("data was written with other bins; read it with the spec it was written with")


def count_all(spec: ProfileSpec, blobs: Sequence[bytes]) -> NDArray[np.int64]:
    """Read the counts of stored profiles, and nothing else: hundreds of hours of hundreds of features are many bytes.

    Returns:
        Rows per bin of all features, in the order of `spec.slices`, shape (blobs, spec.size).

    Raises:
        ValueError: As `Profile.from_bytes`.
    """
    found = np.empty((len(blobs), spec.size), dtype=np.int64)
    for row, blob in zip(found, blobs, strict=True):
        _check(spec, blob)
        row[:] = np.frombuffer(blob, dtype="<i8", count=spec.size, offset=16)
    return found


def merge_all(spec: ProfileSpec, blobs: Iterable[bytes]) -> Profile:
    """Merge stored profiles of the same bins.

    Raises:
        ValueError: As `Profile.from_bytes`.
    """
    total = Profile(spec)
    for blob in blobs:
        total.merge(Profile.from_bytes(spec, blob))
    return total
