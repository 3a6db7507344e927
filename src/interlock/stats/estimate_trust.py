"""Whether an estimate of quality without labels can be believed: do its scores lie where their meaning was learnt, and
do labels, where they came, agree with it?

Called for each chunk of a file and each day of an endpoint. What a score means was learnt from the reference, so it
holds only where the reference has rows, and only as long as labels do not contradict it.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import chdtrc

Floats = NDArray[np.float64]

# Share of rows that may lie where the reference has none.
_MOST_OUTSIDE = 0.02
_FEWEST_OUTSIDE = 5

# The reference rows that say anything about a chunk's scores, as a share of all: below, the meaning of its scores rests
# on a corner of the reference.
_LEAST_SUPPORT = 0.1
_SCORE_BINS = 20

# Labels contradict the calibration from this p-value on. One chunk in fifty loses its trust by chance.
_CONTRADICTION = 0.02
FEWEST_LABELS = 50
"""Fewer labels neither contradict nor confirm."""

_LABEL_BINS = 5


@dataclass(frozen=True)
class ScoreSupport:
    """What the reference holds of scores.

    Args:
        edges: Inner edges of bins of equal share of the reference's scores, with its range at both ends.
        counts: Reference rows per bin.
    """

    edges: Floats
    counts: Floats

    @classmethod
    def learn(cls, scores: Floats) -> "ScoreSupport":
        """Learn from the scores of the reference; at least one."""
        inner = np.unique(np.quantile(scores, np.arange(1, _SCORE_BINS) / _SCORE_BINS))
        inner = inner[(inner > scores.min()) & (inner <= scores.max())]
        counts = np.bincount(inner.searchsorted(scores, side="right"), minlength=len(inner) + 1).astype(np.float64)
        return cls(np.concatenate(([scores.min()], inner, [scores.max()])), counts)

    def doubt(self, scores: Floats) -> str:
        """Why scores are too unlike the reference's; empty if they are not."""
        beyond = int(((scores < self.edges[0]) | (scores > self.edges[-1])).sum())
        if too_many(beyond, len(scores)):
            return f"{beyond / len(scores):.1%} of the scores lie outside the reference's"
        shares = np.bincount(self.edges[1:-1].searchsorted(scores, side="right"), minlength=len(self.counts))
        informing = 1 / float((np.square(shares / shares.sum()) / self.counts).sum())
        if informing < _LEAST_SUPPORT * self.counts.sum():
            return (
                f"its scores lie where the reference has few rows ({informing:,.0f} of {self.counts.sum():,.0f} speak)"
            )
        return ""


def contradiction(labels: Floats, chances: Floats, reference_rows: int) -> str:
    """Why labels that arrived speak against the calibration; empty if they do not, or are too few to say.

    The sums of label minus chance in five bins of the chances, each with its variance: Hosmer and Lemeshow's test, with
    the calibration's own sampling error.
    """
    if len(labels) < FEWEST_LABELS:
        return ""
    parts = np.array_split(np.argsort(chances, kind="stable"), _LABEL_BINS)
    away = np.array([(labels[part] - chances[part]).sum() for part in parts])
    variance = np.array([(chances[part] * (1 - chances[part])).sum() for part in parts])
    # Under one expected event the normal distribution says nothing; half a row keeps a bin of certain rows in play.
    variance = np.maximum(variance, 0.5) * (1 + len(labels) / reference_rows)
    if float(chdtrc(_LABEL_BINS, (away**2 / variance).sum())) >= _CONTRADICTION:
        return ""
    return f"{len(labels):,} labels show {labels.mean():.1%} positives where {chances.mean():.1%} were expected"


def too_many(rows: int, of: int) -> bool:
    """Whether so many rows outside the reference are more than a few strays."""
    return rows >= _FEWEST_OUTSIDE and rows > _MOST_OUTSIDE * of
