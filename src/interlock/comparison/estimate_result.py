"""What is estimated of a model's quality, in the shape of `interlock estimate --json`."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Chunk:
    """One chunk of the current rows.

    Args:
        key: Rows `[first:last]`, or the value of the chunk column.
        rows: With a score and a prediction.
        estimate: Expected quality, None where it is not defined.
        lower: Of the interval that covers the realized value, while the estimate can be trusted.
        upper: Likewise.
        trusted: Whether nothing speaks against the estimate.
        reason: What does.
        alert: Whether the estimate lies outside the thresholds.
        realized: Quality with labels, None where there are none.
    """

    key: str
    rows: int
    estimate: float | None
    lower: float | None
    upper: float | None
    trusted: bool
    reason: str
    alert: bool
    realized: float | None

    def to_dict(self) -> dict[str, Any]:
        """`realized` only where it is known."""
        found: dict[str, Any] = {
            "key": self.key,
            "rows": self.rows,
            "estimate": self.estimate,
            "lower": self.lower,
            "upper": self.upper,
            "trusted": self.trusted,
            "reason": self.reason,
            "alert": self.alert,
        }
        return found if self.realized is None else found | {"realized": self.realized}


@dataclass(frozen=True)
class EstimateResult:
    """Estimated quality of every chunk.

    Args:
        metric: Its name.
        threshold: `lower` and `upper`: three standard deviations around what reference chunks realized.
        calibrated: Whether scores had to be calibrated.
        chunks: In order.
    """

    metric: str
    threshold: Mapping[str, float | None]
    calibrated: bool
    chunks: tuple[Chunk, ...]

    def to_dict(self) -> dict[str, Any]:
        """The document that `interlock estimate --json` prints."""
        return {
            "metric": self.metric,
            "threshold": dict(self.threshold),
            "calibrated": self.calibrated,
            "chunks": [chunk.to_dict() for chunk in self.chunks],
        }
