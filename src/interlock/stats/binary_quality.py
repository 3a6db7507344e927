"""Quality of predicted probabilities of one event with known labels.

Called by quality views for one version and window. It refuses nan: a measure that is undefined is None. Standard errors
take rows as independent; where rows cluster in units, compare versions with `paired_loss` instead.
"""

from dataclasses import dataclass
from math import sqrt

import numpy as np
from numpy.typing import ArrayLike, NDArray

from interlock.stats import row_weights

# A probability of 0 for what happened would make the mean infinite; scikit-learn clips at the same number.
_LEAST_PROBABILITY = float(np.finfo(np.float64).eps)

# Bins of equal width, as in Guo et al.
_CALIBRATION_BINS = 10


@dataclass(frozen=True, slots=True)
class BinaryQuality:
    """Measures of quality; None where undefined, such as precision when nothing was predicted to happen.

    All are between 0 and 1 but for `log_loss` (nats). `calibration_error` is the mean distance of predicted and
    observed share over ten bins of score; sampling alone makes it about 0.03 at 1,000 rows. Names ending in `_se` are
    standard errors.
    """

    rows: int
    positives: int
    accuracy: float | None = None
    balanced_accuracy: float | None = None
    precision: float | None = None
    recall: float | None = None
    f1: float | None = None
    roc_auc: float | None = None
    average_precision: float | None = None
    log_loss: float | None = None
    brier: float | None = None
    calibration_error: float | None = None
    accuracy_se: float | None = None
    roc_auc_se: float | None = None
    brier_se: float | None = None


def analyze(
    labels: ArrayLike, scores: ArrayLike, predictions: ArrayLike | None = None, *, weights: ArrayLike | None = None
) -> BinaryQuality:
    """Measure predicted probabilities, and the decisions taken from them.

    Args:
        labels: Whether it happened, shape (n,): booleans, or 0 and 1.
        scores: Predicted probability that it happens, shape (n,), 0 to 1.
        predictions: Decisions, shape (n,): booleans, or 0 and 1. By default whether the score is at least 0.5.
        weights: How much each row counts, as of `row_weights`. Default: 1.

    Raises:
        ValueError: Shapes differ, a score is not between 0 and 1, a label or decision is neither 0 nor 1, or weights
            are none.

    Examples:
        >>> quality = analyze([0, 0, 1, 1], [0.1, 0.4, 0.35, 0.8])
        >>> quality.accuracy, quality.roc_auc, quality.recall, round(quality.average_precision, 3)
        (0.75, 0.75, 0.5, 0.833)

    References:
        Hanley & McNeil (1982), The meaning and use of the area under a receiver operating characteristic curve,
        doi:10.1148/radiology.143.1.7063747.
        Guo, Pleiss, Sun & Weinberger (2017), On calibration of modern neural networks, arXiv:1706.04599.
    """
    happened, score = _as_flags("labels", labels), _as_scores(scores)
    decided = score >= 0.5 if predictions is None else _as_flags("predictions", predictions)
    if not happened.shape == score.shape == decided.shape:
        shapes = f"{happened.shape}, {score.shape}, {decided.shape}"
        raise ValueError(f"shapes == {shapes}, must be one value per row in each")
    rows, positives = len(happened), int(happened.sum())
    if rows == 0:
        return BinaryQuality(rows=0, positives=0)
    weight = row_weights.of(weights, rows)
    hits, rejected = _sum(weight, happened & decided), _sum(weight, ~happened & ~decided)
    occurred, named, total = _sum(weight, happened), _sum(weight, decided), float(weight.sum())
    accuracy, enough = (hits + rejected) / total, row_weights.effective_rows(weight)
    recall, specificity = _ratio(hits, occurred), _ratio(rejected, _sum(weight, ~happened))
    roc_auc, average_precision = _rank(happened, score, weight)
    squared = np.square(score - happened)
    return BinaryQuality(
        rows=rows,
        positives=positives,
        accuracy=accuracy,
        balanced_accuracy=(recall + specificity) / 2 if recall is not None and specificity is not None else None,
        precision=_ratio(hits, named),
        recall=recall,
        f1=_ratio(2 * hits, occurred + named),
        roc_auc=roc_auc,
        average_precision=average_precision,
        log_loss=_log_loss(happened, score, weight),
        brier=float(np.average(squared, weights=weight)),
        calibration_error=_calibration_error(happened, score, weight),
        accuracy_se=sqrt(max(0.0, accuracy * (1 - accuracy)) / enough),
        roc_auc_se=_roc_auc_se(roc_auc, weight, happened) if roc_auc is not None else None,
        brier_se=_mean_se(squared, weight) if rows > 1 else None,
    )


def _as_flags(name: str, values: ArrayLike) -> NDArray[np.bool_]:
    flags = np.asarray(values)
    if flags.ndim != 1 or not ((flags == 0) | (flags == 1)).all():
        raise ValueError(f"{name} must be one of False and True, or of 0 and 1, per row")
    return flags.astype(np.bool_)


def _as_scores(values: ArrayLike) -> NDArray[np.float64]:
    scores = np.asarray(values, dtype=np.float64)
    if not ((scores >= 0) & (scores <= 1)).all():
        raise ValueError("scores must be probabilities between 0 and 1; leave rows without prediction out")
    return scores


def _sum(weight: NDArray[np.float64], flags: NDArray[np.bool_]) -> float:
    return float(weight[flags].sum())


def _ratio(part: float, whole: float) -> float | None:
    return part / whole if whole else None


def _rank(
    happened: NDArray[np.bool_], score: NDArray[np.float64], weight: NDArray[np.float64]
) -> tuple[float | None, float | None]:
    """ROC AUC and average precision from the weights per distinct score, so that ties count half."""
    distinct, where = np.unique(score, return_inverse=True)
    positives = np.bincount(where, weights=weight * happened, minlength=len(distinct))[::-1]
    negatives = np.bincount(where, weights=weight * ~happened, minlength=len(distinct))[::-1]
    true, false = positives.cumsum(), negatives.cumsum()
    reached = np.where(true + false > 0, true + false, 1.0)
    average_precision = float((positives * true / reached).sum() / true[-1]) if true[-1] else None
    if not (true[-1] and false[-1]):
        return None, average_precision
    return float((negatives * (true - positives / 2)).sum() / (true[-1] * false[-1])), average_precision


def _roc_auc_se(area: float, weight: NDArray[np.float64], happened: NDArray[np.bool_]) -> float:
    positives, negatives = (row_weights.effective_rows(weight[side]) for side in (happened, ~happened))
    above_two_positives, two_above_a_negative = area / (2 - area), 2 * area * area / (1 + area)
    variance = area * (1 - area)
    variance += (positives - 1) * (above_two_positives - area * area)
    variance += (negatives - 1) * (two_above_a_negative - area * area)
    return sqrt(max(0.0, variance) / (positives * negatives))


def _mean_se(values: NDArray[np.float64], weight: NDArray[np.float64]) -> float:
    centred = weight * (values - np.average(values, weights=weight))
    return sqrt(float(np.square(centred).sum()) * len(values) / (len(values) - 1)) / float(weight.sum())


def _log_loss(happened: NDArray[np.bool_], score: NDArray[np.float64], weight: NDArray[np.float64]) -> float:
    right = np.where(happened, score, 1 - score)
    return float(np.average(-np.log(np.clip(right, _LEAST_PROBABILITY, 1.0)), weights=weight))


def _calibration_error(happened: NDArray[np.bool_], score: NDArray[np.float64], weight: NDArray[np.float64]) -> float:
    bins = np.minimum((score * _CALIBRATION_BINS).astype(np.int64), _CALIBRATION_BINS - 1)
    gaps = np.bincount(bins, weights=weight * (score - happened), minlength=_CALIBRATION_BINS)
    return float(np.abs(gaps).sum() / weight.sum())
