"""What a comparison of two sets of rows found, in the shape of `interlock drift --json`."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

Kind = Literal["numeric", "categorical", "text", "embedding"]


@dataclass(frozen=True)
class Picture:
    """Shares per bin of both sides, for people. `edges` are those between numeric bins; labels name the bins."""

    labels: tuple[str, ...]
    reference: tuple[float, ...]
    current: tuple[float, ...]


@dataclass(frozen=True)
class ColumnDrift:
    """One column.

    Args:
        kind: How it was compared.
        drifted: Whether chance does not explain the difference, corrected over all columns, and it is large enough.
        severity: The Jensen-Shannon distance (base 2) beyond what chance shows, 0 to 1.
        p_value: Of this column alone, corrected over the tests that were made on it.
        missing: Share of rows without a value, of `reference` and `current`.
        measures: Distances and p-values by name; None where there are no values to compare.
        reason: What changed, in words; empty where nothing did.
        unseen: Share of current rows whose value lies outside the reference's range or levels.
        picture: What a report draws.
    """

    kind: Kind
    drifted: bool
    severity: float
    p_value: float
    missing: Mapping[str, float]
    measures: Mapping[str, float | None]
    reason: str
    unseen: float
    picture: Picture = field(repr=False)

    def to_dict(self) -> dict[str, Any]:
        """The column in types that JSON has, without its picture."""
        return {
            "kind": self.kind,
            "drifted": self.drifted,
            "severity": self.severity,
            "p_value": self.p_value,
            "missing": dict(self.missing),
            "unseen": self.unseen,
            "reason": self.reason,
            "measures": dict(self.measures),
        }


@dataclass(frozen=True)
class DriftResult:
    """Two sets of rows, compared.

    Args:
        drifted: Whether any column did.
        rows: Of `reference` and `current`.
        columns: By name, in the reference's order.
        alpha: Probability that any column is called drifted when none has.
        least_change: Smallest total variation that counts as drift.
        skipped: Columns that were not compared, and why.
    """

    drifted: bool
    rows: Mapping[str, int]
    columns: Mapping[str, ColumnDrift]
    alpha: float
    least_change: float
    skipped: Mapping[str, str]

    def to_dict(self) -> dict[str, Any]:
        """The document that `interlock drift --json` prints."""
        return {
            "drifted": self.drifted,
            "rows": dict(self.rows),
            "alpha": self.alpha,
            "least_change": self.least_change,
            "columns": {name: column.to_dict() for name, column in self.columns.items()},
            "skipped": dict(self.skipped),
        }
