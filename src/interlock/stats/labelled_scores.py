"""Scores whose truth is known, in so few bytes that a version can carry them: they say what its later scores mean.

Written at registration, read by monitoring, which estimates quality from it before labels come.
"""

from base64 import b64decode, b64encode
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

MOST_ROWS = 5_000
"""Rows that are kept. The share of positives at a score is then known to about two points."""


@dataclass(frozen=True)
class LabelledScores:
    """One event a row, the chance that the model gave it, and whether it happened.

    Args:
        scores: From 0 to 1, shape (n,).
        happened: Shape (n,).
    """

    scores: NDArray[np.float64]
    happened: NDArray[np.bool_]

    def spread(self) -> Self:
        """At most `MOST_ROWS` of them, evenly spread over their order."""
        rows = len(self.scores)
        kept = np.unique(np.linspace(0, rows - 1, min(rows, MOST_ROWS)).astype(np.int64))
        return type(self)(self.scores[kept], self.happened[kept])

    def to_dict(self) -> dict[str, Any]:
        """Describe them in types that JSON has. Scores are rounded to 32 bits."""
        scores, happened = self.scores.astype("<f4").tobytes(), np.packbits(self.happened).tobytes()
        return {
            "rows": len(self.scores),
            "scores": b64encode(scores).decode(),
            "happened": b64encode(happened).decode(),
        }

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Self:
        """Read what `to_dict` wrote.

        Raises:
            ValueError, KeyError, TypeError: It is damaged.

        Examples:
            >>> known = LabelledScores(np.array([0.25, 0.5]), np.array([False, True]))
            >>> again = LabelledScores.from_dict(known.to_dict())
            >>> again.scores.tolist(), again.happened.tolist()
            ([0.25, 0.5], [False, True])
        """
        rows = int(data["rows"])
        scores = np.frombuffer(b64decode(data["scores"]), dtype="<f4").astype(np.float64)
        happened = np.unpackbits(np.frombuffer(b64decode(data["happened"]), dtype=np.uint8))[:rows].astype(np.bool_)
        if not len(scores) == len(happened) == rows:
            raise ValueError(f"{len(scores)} scores and {len(happened)} labels, must be {rows} of each")
        return cls(scores, happened)
