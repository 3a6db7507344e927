"""The bins of a profile: how rows are counted, learnt once from reference data and then fixed, so that counts add up.

Called by the registry, which learns them, and by everything that reads or writes a profile. They never adapt: a profile
of other bins is another profile.
"""

import zlib
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
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

MOST_CATEGORIES = 1_000
"""A chi-square test over more levels than this needs more rows than an hour has."""


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
        categories: Distinct, at most 1,000. Empty for a numeric feature.

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
        if len(set(self.categories)) < len(self.categories) or len(self.categories) > MOST_CATEGORIES:
            raise ValueError(f"categories of {self.name!r} must be distinct, and at most {MOST_CATEGORIES}")

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
    def numeric_rows(self) -> dict[str, int]:
        """Place of each numeric feature among them."""
        return {feature.name: row for row, feature in enumerate(self.numeric)}

    @cached_property
    def categorical(self) -> tuple[FeatureBins, ...]:
        """The categorical features, in order."""
        return tuple(feature for feature in self.features if feature.kind == "categorical")

    @cached_property
    def category_bins(self) -> dict[str, dict[str, int]]:
        return {
            feature.name: {
                category: self.slices[feature.name].start + i for i, category in enumerate(feature.categories)
            }
            for feature in self.categorical
        }

    def to_dict(self) -> dict[str, Any]:
        """Describe the bins in types that JSON has."""
        # By hand: `asdict` copies every edge, and this is asked with every look.
        names = [field.name for field in fields(FeatureBins)]
        return {"features": [{name: getattr(feature, name) for name in names} for feature in self.features]}

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


def learn(columns: Mapping[str, Column], kinds: Mapping[str, str]) -> ProfileSpec:
    """Learn bins from reference data.

    Args:
        columns: One equally long array or list per feature: numbers with nan as missing, or strings, booleans and None.
        kinds: "numeric", "moving" or "categorical" per feature, in the order wanted; other columns are left out. Moving
            is a number that always moves on (a date): all its values share one bin, so only what is missing can drift.

    Returns:
        For a numeric feature the deciles of its finite values, or the midpoints between its values if those are at most
        ten, or a bin for "exactly this value" if there is one only. For a categorical one its 1,000 most frequent
        values.

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
    if kind == "moving":
        return FeatureBins(name, "numeric")
    if kind == "categorical":
        return FeatureBins(name, "categorical", categories=_learn_categories(column))
    raise ValueError(f"kind of {name!r} == {kind!r}, must be 'numeric', 'moving' or 'categorical'")


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
    counts = count_categories(column)
    counts.pop(None, None)
    frequent = sorted(counts.items(), key=lambda item: (-item[1], item[0] or ""))
    return tuple(category for category, _ in frequent[:MOST_CATEGORIES] if category is not None)


def count_categories(column: Column) -> Counter[str | None]:
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
