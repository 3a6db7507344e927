"""What one would say without a model: the usual share of each class, the mean, or the last label that was known.

Called where a new model version is judged. On streams that change slowly the last label beats most models (the
well-known Elec2 stream is one), so a model that does not beat it has learnt nothing worth serving. It refuses to look
ahead: a label counts as known only if it was observed before the event that is forecast.
"""

import numpy as np
from numpy.typing import ArrayLike, NDArray


def last_known(event_at: ArrayLike, observed_at: ArrayLike, asked_at: ArrayLike) -> NDArray[np.int64]:
    """Which row's label was the newest one known at each time.

    Args:
        event_at: When each row's event was, shape (n,), in any unit.
        observed_at: When its label became known, shape (n,), in the same unit.
        asked_at: Times, shape (m,).

    Returns:
        Shape (m,): of the rows whose label was observed before the time, the one with the latest event; -1 for none.

    Raises:
        ValueError: `event_at` and `observed_at` are not one value per row in each.

    Examples:
        >>> last_known([1, 2, 3], [2, 9, 4], [2, 3, 5, 10]).tolist()
        [-1, 0, 2, 2]
    """
    events, observed, asked = (np.asarray(each) for each in (event_at, observed_at, asked_at))
    if events.ndim != 1 or events.shape != observed.shape:
        raise ValueError(f"shapes == {events.shape}, {observed.shape}, must be one value per row in each")
    if len(events) == 0:
        return np.full(len(asked), -1, dtype=np.int64)
    order = np.argsort(observed, kind="stable")
    sorted_events = events[order]
    is_newest = sorted_events >= np.maximum.accumulate(sorted_events)
    newest = np.maximum.accumulate(np.where(is_newest, np.arange(len(order)), 0))
    known = np.searchsorted(observed[order], asked, side="left") - 1
    return np.asarray(np.where(known < 0, -1, order[newest[np.maximum(known, 0)]]), dtype=np.int64)


def class_shares(labels_index: ArrayLike, classes: int) -> NDArray[np.float64]:
    """Share of each class, shape (classes,); equal shares without labels.

    Args:
        labels_index: Index of the class of each row, 0 to classes - 1.

    Examples:
        >>> class_shares([0, 0, 1, 0], 2).tolist()
        [0.75, 0.25]
    """
    counts = np.bincount(np.asarray(labels_index, dtype=np.int64), minlength=classes).astype(np.float64)
    return counts / counts.sum() if counts.sum() else np.full(classes, 1 / classes)


def after_each_class(before_index: ArrayLike, labels_index: ArrayLike, classes: int) -> NDArray[np.float64]:
    """How likely each class is after each class: what the last label is worth as a forecast of probabilities.

    Args:
        before_index: Index of the class last known at each row; -1 for none, which is left out.
        labels_index: Index of the class of each row.

    Returns:
        Shape (classes, classes), rows sum to 1. To every row one observation is added in the proportion of all classes,
        so that nothing is impossible.

    Examples:
        >>> after_each_class([0, 0, 1, -1], [0, 0, 1, 1], 2).round(3).tolist()
        [[0.833, 0.167], [0.25, 0.75]]
    """
    before, labels = np.asarray(before_index, dtype=np.int64), np.asarray(labels_index, dtype=np.int64)
    known = before >= 0
    table = np.tile(class_shares(labels, classes), (classes, 1))
    np.add.at(table, (before[known], labels[known]), 1.0)
    return np.asarray(table / table.sum(axis=1, keepdims=True), dtype=np.float64)
