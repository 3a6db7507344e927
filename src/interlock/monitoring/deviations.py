"""How restless single aspects of a column are: one bin, the mean, the width, each in units of independent rows.

Called by drift checks. One cause may move a column's mean every hour and leave its missing values alone, so each aspect
has a design effect of its own. From a dozen pieces a single one is a poor guess; it is drawn towards the common one,
the more so the more alike all aspects are.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

# With fewer rows expected in each piece, squares of counts scatter far more than those of normal values.
_DENSE = 5.0

# From fewer pieces nobody can say how alike the factors are.
_TELLING, _LITTLE = 8.0, 4.0


@dataclass(frozen=True, slots=True)
class Deviations:
    """Pieces of traffic beside what is usual of them.

    Args:
        rows: Of each piece and bin, how far its share or count is away, shape (pieces, bins).
        shares: Usual share of each bin.
        offset, slope: Make design effects of mean squares.
        piece_rows: Rows of a piece, on average.
    """

    rows: Floats
    shares: Floats
    offset: float
    slope: float
    piece_rows: float

    def are_dense(self, contrasts: Floats) -> NDArray[np.bool_]:
        """For which contrasts pieces hold enough rows that their squares say how alike the factors are."""
        return np.asarray(self.shares @ (contrasts != 0) * self.piece_rows >= _DENSE, dtype=np.bool_)

    def factors(self, contrasts: Floats) -> Floats:
        """The design effect of each contrast, shape (contrasts,); nan where its pieces show nothing.

        Args:
            contrasts: What a row of each bin adds, shape (bins, contrasts).
        """
        centred = contrasts - self.shares @ contrasts
        variance = self.shares @ np.square(centred)
        squares = np.square(self.rows @ centred).mean(axis=0)
        with np.errstate(divide="ignore", invalid="ignore"):
            return np.asarray(np.where(variance > 0, self.offset + self.slope * squares / variance, np.nan))


@dataclass(frozen=True, slots=True)
class Moderated:
    """A design effect for each contrast, and the degrees of freedom that it was measured with."""

    factors: Floats
    freedom: Floats


@dataclass(frozen=True, slots=True)
class Common:
    """The design effect of all aspects together.

    Args:
        factor: At least 1.
        freedom: Degrees of freedom that it was measured with.
        pieces: Independent pieces, on which each aspect by itself was measured too.
    """

    factor: float
    freedom: float
    pieces: int


def moderate(found: Floats, common: Common, *, dense: NDArray[np.bool_], most: Floats) -> Moderated:
    """Draw design effects towards the common one, as far as they are alike.

    Args:
        found: Of each contrast; nan for those that nothing is known of.
        common: Of all together.
        dense: Those from which is learnt how alike they are.
        most: What the common one may weigh for each, in degrees of freedom.

    Examples:
        >>> common, every, free = Common(1.0, 60.0, 13), np.ones(4, dtype=bool), np.full(4, np.inf)
        >>> alike = moderate(np.array([0.8, 1.2, 1.0, np.nan]), common, dense=every, most=free)
        >>> alike.factors.round(2).tolist(), alike.freedom.tolist()
        ([1.0, 1.03, 1.0, 1.0], [60.0, 60.0, 60.0, 60.0])
        >>> unlike = moderate(np.array([1.0, 1.0, 40.0, 1.0]), Common(10.0, 60.0, 13), dense=every, most=free)
        >>> unlike.factors.round(1).tolist(), unlike.freedom.tolist()
        ([3.5, 3.5, 31.6, 3.5], [12.0, 12.0, 12.0, 12.0])

    References:
        Smyth (2004), Linear models and empirical Bayes methods for assessing differential expression in microarray
        experiments, doi:10.2202/1544-6115.1027 (moderated t; here with the prior by moments).
    """
    own = max(1.0, common.pieces - 1.0)
    prior = np.minimum(most, _alike(found[np.isfinite(found) & dense], common, own))
    drawn = (prior * common.factor + own * np.where(np.isfinite(found), found, common.factor)) / (prior + own)
    return Moderated(np.maximum(1.0, drawn), np.maximum(own, prior))


def _alike(known: Floats, common: Common, own: float) -> float:
    """Degrees of freedom that the common factor is worth for one aspect."""
    if own < _TELLING:
        return min(common.freedom, _LITTLE)
    if len(known) < 2 or known.mean() <= 0:
        return common.freedom
    # What the factors differ by beyond chance: an inverse chi-square prior of this relative variance.
    unlike = float(known.var(ddof=1) / known.mean() ** 2 - 2 / own)
    return min(common.freedom, _LITTLE + 2 / unlike) if unlike > 0 else common.freedom
