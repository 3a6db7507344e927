"""Mergeable summary of the features that one version of an endpoint saw in one hour.

Called by monitoring: once per batch of logged predictions to update, once per look to merge up to some 700 hourly
profiles. Bins are learnt once from reference data and then fixed, so that profiles add up. It refuses to hold rows, to
adapt its bins, and to merge profiles of different bins.
"""

import zlib
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import cached_property
from json import dumps
from typing import Any, Literal, Self, TypeAlias

import numpy as np
from numpy.typing import NDArray

Kind: TypeAlias = Literal["numeric", "categorical"]
Column: TypeAlias = NDArray[Any] | Sequence[Any]

# Ten bins of equal reference share: the field's habit for stability indices, and enough rows in each for a chi-square
# test.
_DECILES = np.arange(1, 10) / 10

# Up to as many distinct values as there are bins, every value has a bin of its own.
_FEW_DISTINCT = 10

# A chi-square test over more levels than this needs more rows than an hour has.
_MOST_CATEGORIES = 200

# Columns of `Profile._moments`; sums are of the deviation from the feature's centre.
_FINITE, _SUM, _SUM_SQUARES, _MINIMUM, _MAXIMUM = range(5)
_NO_MOMENTS = (0.0, 0.0, 0.0, np.inf, -np.inf)


@dataclass(frozen=True, slots=True)
class FeatureBins:
    """Bins of one feature, learnt from reference data.

    A numeric feature has a bin `(edges[i - 1], edges[i]]` for each gap between edges, both outer ones unbounded, then
    one for missing values. A categorical feature has a bin per category, then one for every other value, then one for
    missing values.

    Args:
        name: The feature's column.
        kind: Which of `edges` and `categories` is meant.
        edges: Strictly increasing and finite. Empty for a categorical feature.
        categories: Distinct, at most 200. Empty for a numeric feature.

    Raises:
        ValueError: The kind is unknown, or edges or categories break the rules above.
    """

    name: str
    kind: Kind
    edges: tuple[float, ...] = ()
    categories: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if self.kind not in ("numeric", "categorical"):
            raise ValueError(f"kind of {self.name!r} == {self.kind!r}, must be 'numeric' or 'categorical'")
        if not np.all(np.isfinite(self.edges)) or any(a >= b for a, b in zip(self.edges, self.edges[1:], strict=False)):
            raise ValueError(f"edges of {self.name!r} == {self.edges}, must be finite and strictly increasing")
        if len(set(self.categories)) < len(self.categories) or len(self.categories) > _MOST_CATEGORIES:
            raise ValueError(f"categories of {self.name!r} must be distinct, and at most {_MOST_CATEGORIES}")

    @property
    def size(self) -> int:
        """Number of bins, with those of other and of missing values."""
        return len(self.edges) + 2 if self.kind == "numeric" else len(self.categories) + 2

    @property
    def centre(self) -> float:
        """Value from which moments are measured, near the data so that the variance keeps its digits."""
        return self.edges[len(self.edges) // 2] if self.edges else 0.0


@dataclass(frozen=True)
class ProfileSpec:
    """The bins of all features, in the order in which a profile stores them.

    Raises:
        ValueError: Two features have the same name.
    """

    features: tuple[FeatureBins, ...]

    def __post_init__(self) -> None:
        names = [feature.name for feature in self.features]
        if len(set(names)) < len(names):
            raise ValueError(f"features == {names}, names must be distinct")

    @cached_property
    def size(self) -> int:
        """Number of bins of all features together."""
        return sum(feature.size for feature in self.features)

    @cached_property
    def fingerprint(self) -> int:
        """CRC-32 of the bins; profiles merge only where it is the same."""
        return zlib.crc32(dumps(self.to_dict()).encode())

    @cached_property
    def slices(self) -> dict[str, slice]:
        """Where the bins of each feature lie among all bins."""
        stops = np.cumsum([feature.size for feature in self.features]).tolist()
        return {f.name: slice(stop - f.size, stop) for f, stop in zip(self.features, stops, strict=True)}

    @cached_property
    def numeric(self) -> tuple[FeatureBins, ...]:
        """The numeric features, in order."""
        return tuple(feature for feature in self.features if feature.kind == "numeric")

    @cached_property
    def categorical(self) -> tuple[FeatureBins, ...]:
        """The categorical features, in order."""
        return tuple(feature for feature in self.features if feature.kind == "categorical")

    @cached_property
    def _numeric_edges(self) -> list[tuple[NDArray[np.float64], int, int]]:
        starts = (self.slices[feature.name].start for feature in self.numeric)
        return [(np.asarray(f.edges), start, start + f.size - 1) for f, start in zip(self.numeric, starts, strict=True)]

    @cached_property
    def _centres(self) -> NDArray[np.float64]:
        return np.array([feature.centre for feature in self.numeric]).reshape(-1, 1)

    @cached_property
    def _category_bins(self) -> dict[str, dict[str, int]]:
        return {
            feature.name: {
                category: self.slices[feature.name].start + i for i, category in enumerate(feature.categories)
            }
            for feature in self.categorical
        }

    def to_dict(self) -> dict[str, Any]:
        """Describe the bins in types that JSON has."""
        return {"features": [asdict(feature) for feature in self.features]}

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Self:
        """Read what `to_dict` wrote, before or after a round trip through JSON."""
        return cls(
            tuple(
                FeatureBins(
                    name=feature["name"],
                    kind=feature["kind"],
                    edges=tuple(float(edge) for edge in feature["edges"]),
                    categories=tuple(feature["categories"]),
                )
                for feature in data["features"]
            )
        )


@dataclass(frozen=True, slots=True)
class FeatureSummary:
    """What a profile says about one feature; None where there is nothing to say.

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


def learn(columns: Mapping[str, Column], kinds: Mapping[str, str]) -> ProfileSpec:
    """Learn bins from reference data.

    Args:
        columns: One equally long array or list per feature: numbers with nan as missing, or strings, booleans and None.
        kinds: "numeric" or "categorical" per feature, in the order wanted; other columns are left out.

    Returns:
        For a numeric feature the deciles of its finite values, or the midpoints between its values if those are at most
        ten, or a bin for "exactly this value" if there is one only. For a categorical one its 200 most frequent values.

    Raises:
        ValueError: A feature has no column, or its kind is unknown.

    Examples:
        >>> columns = {"age": np.arange(81.0), "plan": ["free", "pro", "free"]}
        >>> spec = learn(columns, {"age": "numeric", "plan": "categorical"})
        >>> spec.features[0].edges
        (8.0, 16.0, 24.0, 32.0, 40.0, 48.0, 56.0, 64.0, 72.0)
        >>> spec.features[1].categories
        ('free', 'pro')

    References:
        Siddiqi (2006), Credit Risk Scorecards, chapter 7: stability measured over reference deciles.
    """
    absent = sorted(kinds.keys() - columns.keys())
    if absent:
        raise ValueError(f"columns lack {absent}, must have one for each feature in kinds")
    return ProfileSpec(tuple(_learn_bins(name, kind, columns[name]) for name, kind in kinds.items()))


def _learn_bins(name: str, kind: str, column: Column) -> FeatureBins:
    if kind == "numeric":
        return FeatureBins(name, "numeric", edges=_learn_edges(np.asarray(column, dtype=np.float64)))
    if kind == "categorical":
        return FeatureBins(name, "categorical", categories=_learn_categories(column))
    raise ValueError(f"kind of {name!r} == {kind!r}, must be 'numeric' or 'categorical'")


def _learn_edges(values: NDArray[np.float64]) -> tuple[float, ...]:
    values = values[np.isfinite(values)]
    distinct = np.unique(values)
    if len(distinct) == 0:
        return ()
    if len(distinct) == 1:
        return (float(np.nextafter(distinct[0], -np.inf)), float(distinct[0]))
    few = len(distinct) <= _FEW_DISTINCT
    edges = distinct[:-1] / 2 + distinct[1:] / 2 if few else np.quantile(values, _DECILES, method="inverted_cdf")
    # An edge at the maximum would leave the last bin empty.
    return tuple(np.unique(edges[edges < distinct[-1]]).tolist())


def _learn_categories(column: Column) -> tuple[str, ...]:
    counts = _count_categories(column)
    counts.pop(None, None)
    frequent = sorted(counts.items(), key=lambda item: (-item[1], item[0] or ""))
    return tuple(category for category, _ in frequent[:_MOST_CATEGORIES] if category is not None)


def _count_categories(column: Column) -> Counter[str | None]:
    values = column.tolist() if isinstance(column, np.ndarray) else column
    # Distinct values are counted at C speed first, then named: columns repeat few values.
    counts: Counter[str | None] = Counter()
    for value, count in Counter(values).items():
        counts[value if isinstance(value, str) else _category(value)] += count
    return counts


def _category(value: Any) -> str | None:
    if value is None or value != value:  # noqa: PLR0124 (nan of any type, without importing its package)
        return None
    return str(value).lower() if isinstance(value, bool) else str(value)


class Profile:
    """Counts per bin and moments per numeric feature, of any number of rows.

    Infinite values count in the outer bins, but not in mean, standard deviation, minimum and maximum.

    Args:
        spec: The bins.

    Examples:
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

    def update(self, columns: Mapping[str, Column]) -> None:
        """Add rows.

        Args:
            columns: One equally long column per feature, as for `learn`; further columns are ignored.

        Raises:
            ValueError: A feature has no column, or columns differ in length. Nothing is added then.
        """
        rows = self._count_rows(columns)
        values = np.empty((len(self.spec.numeric), rows))
        for row, feature in zip(values, self.spec.numeric, strict=True):
            row[:] = columns[feature.name]
        counts = self._bin_numbers(values) + self._bin_categories(columns)
        self._add(rows, counts, self._measure(values))

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
        *_, other, missing = self._counts[self._slice(feature)].tolist()
        share = 1 / self._rows if self._rows else None
        missing_share = missing * share if share else None
        for bins, moments in zip(self.spec.numeric, self._moments.tolist(), strict=True):
            if bins.name == feature:
                return FeatureSummary(self._rows, missing_share, *_describe(moments, bins.centre), unseen_share=None)
        unseen_share = other * share if share else None
        return FeatureSummary(self._rows, missing_share, None, None, None, None, unseen_share)

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
        split = 16 + 8 * spec.size
        expected = split + 8 * len(_NO_MOMENTS) * len(spec.numeric)
        if len(data) != expected:
            raise ValueError(f"data has {len(data)} bytes, must be {expected} for these bins")
        head = np.frombuffer(data, dtype="<i8", count=2 + spec.size)
        if head[0] != spec.fingerprint:
            raise ValueError("data was written with other bins; read it with the spec it was written with")
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

    def _count_rows(self, columns: Mapping[str, Column]) -> int:
        absent = sorted(self.spec.slices.keys() - columns.keys())
        if absent:
            raise ValueError(
                f"columns lack {absent}, must have one for each feature; fill a lost one with missing values"
            )
        lengths = {len(columns[name]) for name in self.spec.slices}
        if len(lengths) > 1:
            raise ValueError(f"columns have {sorted(lengths)} rows, must be equally long")
        return lengths.pop() if lengths else 0

    def _bin_numbers(self, values: NDArray[np.float64]) -> NDArray[np.int64]:
        bins = np.empty(values.shape, dtype=np.int64)
        missing = np.isnan(values)
        for target, row, gone, (edges, start, missing_bin) in zip(
            bins, values, missing, self.spec._numeric_edges, strict=True
        ):
            np.add(edges.searchsorted(row), start, out=target)
            target[gone] = missing_bin
        return np.bincount(bins.ravel(), minlength=self.spec.size)

    def _bin_categories(self, columns: Mapping[str, Column]) -> NDArray[np.int64]:
        total = np.zeros(self.spec.size, dtype=np.int64)
        for name, bins in self.spec._category_bins.items():
            missing = self.spec.slices[name].stop - 1
            for category, count in _count_categories(columns[name]).items():
                total[missing if category is None else bins.get(category, missing - 1)] += count
        return total

    def _measure(self, values: NDArray[np.float64]) -> NDArray[np.float64]:
        finite = np.isfinite(values)
        deviations = np.where(finite, values - self.spec._centres, 0.0)
        with np.errstate(over="ignore"):
            squares = np.einsum("ij,ij->i", deviations, deviations)
        return np.column_stack(
            (
                finite.sum(axis=1),
                deviations.sum(axis=1),
                squares,
                np.where(finite, values, np.inf).min(axis=1, initial=np.inf),
                np.where(finite, values, -np.inf).max(axis=1, initial=-np.inf),
            )
        )

    def _add(self, rows: int, counts: NDArray[np.int64], moments: NDArray[np.float64]) -> None:
        self._rows += rows
        self._counts += counts
        mine = self._moments
        mine[:, :_MINIMUM] += moments[:, :_MINIMUM]
        np.minimum(mine[:, _MINIMUM], moments[:, _MINIMUM], out=mine[:, _MINIMUM])
        np.maximum(mine[:, _MAXIMUM], moments[:, _MAXIMUM], out=mine[:, _MAXIMUM])


def _describe(moments: Sequence[float], centre: float) -> tuple[float | None, float | None, float | None, float | None]:
    finite = moments[_FINITE]
    if not finite:
        return None, None, None, None
    mean = moments[_SUM] / finite
    std = None
    if finite > 1:
        std = float(np.sqrt(max(0.0, moments[_SUM_SQUARES] - finite * mean * mean) / (finite - 1)))
    return centre + mean, std, moments[_MINIMUM], moments[_MAXIMUM]


def merge_all(spec: ProfileSpec, blobs: Iterable[bytes]) -> Profile:
    """Merge stored profiles of the same bins.

    Raises:
        ValueError: As `Profile.from_bytes`.
    """
    total = Profile(spec)
    for blob in blobs:
        total.merge(Profile.from_bytes(spec, blob))
    return total
