"""The loss of every single row, so that versions can be compared row by row.

Called wherever predictions meet their labels; sums per unit go to `paired_loss`. It refuses to average: that is the
caller's, who knows the units.
"""

import numpy as np
from numpy.typing import ArrayLike, NDArray


def brier(labels_index: ArrayLike, probabilities: ArrayLike) -> NDArray[np.float64]:
    """Squared distance between predicted probabilities and what happened.

    Args:
        labels_index: Index of the class that happened, shape (n,), 0 to k - 1.
        probabilities: Probability per class, shape (n, k), k at least 2, finite.

    Returns:
        Shape (n,). The sum over classes, 0 to 2; for two classes half of it, 0 to 1, which is (p - y) squared.

    Raises:
        ValueError: Shapes do not fit, a probability is not finite, or a label names no column.

    Examples:
        >>> brier([1, 0], [[0.2, 0.8], [0.5, 0.5]]).round(2).tolist()
        [0.04, 0.25]

    References:
        Brier (1950), Verification of forecasts expressed in terms of probability,
        doi:10.1175/1520-0493(1950)078<0001:VOFEIT>2.0.CO;2.
    """
    labels, table = np.asarray(labels_index), np.asarray(probabilities, dtype=np.float64)
    _check_table(labels, table)
    rows = np.arange(len(labels))
    # Sum (p_j - y_j)^2 without building the one-hot matrix.
    happened = table[rows, labels]
    others = np.einsum("ij,ij->i", table, table) - happened * happened
    total = others + (1 - happened) ** 2
    # Subtracting leaves rounding errors of either sign where the others are all 0.
    return np.asarray(np.maximum(total, 0.0) / (2 if table.shape[1] == 2 else 1), dtype=np.float64)


def zero_one(labels: ArrayLike, predictions: ArrayLike) -> NDArray[np.float64]:
    """1 where the predicted class is wrong, else 0.

    Args:
        labels: Classes of any type, shape (n,).
        predictions: Predicted classes of the same type, shape (n,).

    Raises:
        ValueError: Shapes differ.
    """
    actual, predicted = np.asarray(labels), np.asarray(predictions)
    _check_same_shape(actual, predicted)
    return np.asarray(actual != predicted, dtype=np.float64)


def absolute_error(targets: ArrayLike, predictions: ArrayLike) -> NDArray[np.float64]:
    """Distance of prediction and target, in the target's unit.

    Args:
        targets: Shape (n,).
        predictions: Shape (n,).

    Raises:
        ValueError: Shapes differ.
    """
    return np.asarray(np.abs(_errors(targets, predictions)), dtype=np.float64)


def squared_error(targets: ArrayLike, predictions: ArrayLike) -> NDArray[np.float64]:
    """Squared distance of prediction and target, in the target's unit squared.

    Args:
        targets: Shape (n,).
        predictions: Shape (n,).

    Raises:
        ValueError: Shapes differ.
    """
    return np.square(_errors(targets, predictions))


def _errors(targets: ArrayLike, predictions: ArrayLike) -> NDArray[np.float64]:
    actual, predicted = np.asarray(targets, dtype=np.float64), np.asarray(predictions, dtype=np.float64)
    _check_same_shape(actual, predicted)
    return predicted - actual


def _check_same_shape(labels: NDArray[np.generic], predictions: NDArray[np.generic]) -> None:
    if labels.ndim != 1 or labels.shape != predictions.shape:
        raise ValueError(f"shapes == {labels.shape}, {predictions.shape}, must be one value per row in each")


def _check_table(labels: NDArray[np.generic], table: NDArray[np.float64]) -> None:
    if labels.ndim != 1 or table.ndim != 2 or len(table) != len(labels) or table.shape[1] < 2:
        raise ValueError(f"shapes == {labels.shape}, {table.shape}, must be (n,) and (n, k) with k at least 2")
    if not np.isfinite(table).all():
        raise ValueError("probabilities must be finite; leave rows without prediction out")
    if len(labels) and not (
        np.issubdtype(labels.dtype, np.integer) and 0 <= labels.min() <= labels.max() < table.shape[1]
    ):
        raise ValueError(f"labels_index must be whole numbers from 0 to {table.shape[1] - 1}")
