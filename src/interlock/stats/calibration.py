"""What a score means: the share of positives among rows with that score, learnt where labels are known.

Called before quality is estimated without labels. As NannyML does it: scores are left alone where calibrating would not
make them better, judged on rows held out. It refuses to learn from one class.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import isotonic_regression
from scipy.stats import rankdata

Floats = NDArray[np.float64]
Indices = NDArray[np.int64]

_SPLITS, _HELD_OUT, _SEED, _BINS = 10, 0.1, 42, 10

FEWEST_ROWS = 4 * _BINS
"""Fewer say nothing."""

# A model that separates the classes perfectly is calibrated as it is.
_PERFECT = 0.999


@dataclass(frozen=True)
class Calibration:
    """A non-decreasing curve from score to probability, linear between its points and flat beyond them.

    Without points, scores are probabilities already.
    """

    scores: Floats
    chances: Floats

    def apply(self, scores: Floats) -> Floats:
        """Probability that each row is positive."""
        if len(self.scores) == 0:
            return scores
        return np.interp(scores, self.scores, self.chances)


UNCHANGED = Calibration(np.empty(0), np.empty(0))


def learn(scores: Floats, labels: Floats) -> Calibration:
    """Learn the meaning of scores.

    Args:
        scores: Of rows with known labels, any real numbers.
        labels: 0 or 1.

    Returns:
        `UNCHANGED` where calibrating does not lower the calibration error on held-out rows.

    Raises:
        ValueError: There are fewer than 40 rows, or one class only.

    Examples:
        >>> rng = np.random.default_rng(1)
        >>> scores = rng.random(2000)
        >>> curve = learn(scores, (rng.random(2000) < scores**3).astype(float))
        >>> curve.apply(np.array([0.2, 0.5, 0.9])).round(1).tolist()
        [0.0, 0.2, 0.8]

    References:
        Zadrozny & Elkan (2002), Transforming classifier scores into accurate multiclass probability estimates,
        doi:10.1145/775047.775151.
        NannyML 0.13.1, calibration.py (needs_calibration).
    """
    if len(scores) < FEWEST_ROWS or len(np.unique(labels)) != 2:
        raise ValueError(f"{len(scores)} rows with labels, must be at least {FEWEST_ROWS} and of both classes")
    return isotonic(scores, labels) if _is_better(scores, labels) else UNCHANGED


def isotonic(scores: Floats, labels: Floats) -> Calibration:
    """The non-decreasing curve of least squares; rows of equal score count together."""
    points, places = np.unique(scores, return_inverse=True)
    weights = np.bincount(places).astype(np.float64)
    means = np.bincount(places, weights=labels) / weights
    return Calibration(points, np.asarray(isotonic_regression(means, weights=weights).x, dtype=np.float64))


def area_under_curve(scores: Floats, labels: Floats) -> float:
    """ROC AUC; nan where one class is absent."""
    return area_of_ranks(rankdata(scores), labels)


def area_of_ranks(ranks: Floats, labels: Floats) -> float:
    """ROC AUC from the middle ranks of the scores, for many labels of the same scores."""
    positives = float(labels.sum())
    negatives = len(labels) - positives
    if positives == 0 or negatives == 0:
        return float("nan")
    return (float(ranks @ labels) - positives * (positives + 1) / 2) / (positives * negatives)


def _is_better(scores: Floats, labels: Floats) -> bool:
    if area_under_curve(scores, labels) > _PERFECT:
        return False
    truth, before, after = [], [], []
    for train, test in stratified_splits(labels):
        truth.append(labels[test])
        before.append(scores[test])
        after.append(isotonic(scores[train], labels[train]).apply(scores[test]))
    held = np.concatenate(truth)
    return _calibration_error(held, np.concatenate(before)) > _calibration_error(held, np.concatenate(after))


def _calibration_error(labels: Floats, chances: Floats) -> float:
    """Expected calibration error in ten bins of equal count; the last takes what is left over."""
    order = chances.argsort()
    width = len(labels) // _BINS
    edges = np.arange(_BINS + 1) * width
    edges[-1] = len(labels)
    apart = np.add.reduceat((chances - labels)[order], edges[:-1])
    return float(np.abs(apart).sum() / len(labels))


def stratified_splits(labels: Floats) -> Iterator[tuple[Indices, Indices]]:
    """Ten random splits, a tenth held out, both classes in proportion.

    The very splits of scikit-learn's `StratifiedShuffleSplit(10, test_size=0.1, random_state=42)`, without which the
    choice whether to calibrate could differ from NannyML's.
    """
    _, classes = np.unique(labels, return_inverse=True)
    sizes = np.bincount(classes)
    members = np.split(np.argsort(classes, kind="mergesort"), np.cumsum(sizes)[:-1])
    held = int(np.ceil(len(labels) * _HELD_OUT))
    rng = np.random.RandomState(_SEED)
    for _ in range(_SPLITS):
        of_train = _shared_out(sizes, len(labels) - held, rng)
        of_test = _shared_out(sizes - of_train, held, rng)
        train: list[int] = []
        test: list[int] = []
        for which, rows in enumerate(members):
            shuffled = rows[rng.permutation(sizes[which])]
            train.extend(shuffled[: of_train[which]])
            test.extend(shuffled[of_train[which] : of_train[which] + of_test[which]])
        yield rng.permutation(train), rng.permutation(test)


def _shared_out(sizes: Indices, draws: int, rng: np.random.RandomState) -> Indices:
    """Draws per class in proportion to the sizes; rounding goes to the largest remainders."""
    wished = sizes / sizes.sum() * draws
    given = np.floor(wished)
    left = int(draws - given.sum())
    for remainder in np.sort(np.unique(wished - given))[::-1] if left else ():
        tied = np.flatnonzero(wished - np.floor(wished) == remainder)
        chosen = rng.choice(tied, size=min(len(tied), left), replace=False)
        given[chosen] += 1
        left -= len(chosen)
        if left == 0:
            break
    return np.asarray(given, dtype=np.int64)
