"""Rows whose arrays differ in shape: a model takes them only side by side with their like.

Called where many stored rows are asked for at once (registration, paired scoring). In the gateway requests of different
shapes never meet. A column whose rows differ in shape is an array of arrays.
"""

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from interlock.domain.ports import Columns, Predictor, rows_of, take

Answer = dict[str, NDArray[Any]]


def column(values: Sequence[NDArray[Any]], dtype: np.dtype[Any]) -> NDArray[Any]:
    """Arrays of rows as one column: one array if their shapes are the same, else an array of arrays.

    Examples:
        >>> double = np.dtype(np.float64)
        >>> column([np.zeros(2), np.ones(2)], double).shape, column([np.zeros(2), np.ones(3)], double).shape
        ((2, 2), (2,))
    """
    if len({value.shape for value in values}) == 1:
        return np.stack([value.astype(dtype, copy=False) for value in values])
    found = np.empty(len(values), dtype=object)
    for at, value in enumerate(values):
        found[at] = value.astype(dtype, copy=False)
    return found


def is_ragged(values: NDArray[Any]) -> bool:
    """Whether a column is an array of arrays."""
    return values.dtype == np.object_ and values.ndim == 1 and len(values) > 0 and isinstance(values[0], np.ndarray)


class ByShape:
    """A predictor that is asked for rows of equal shapes together."""

    def __init__(self, predictor: Predictor) -> None:
        self._predictor = predictor

    def predict(self, columns: Columns) -> Answer:
        """Answer all rows, as `predict` does."""
        return predict(self._predictor.predict, columns)

    def close(self) -> None:
        """Close the predictor."""
        self._predictor.close()


def predict(model: Callable[[Columns], Answer], columns: Columns) -> Answer:
    """Ask a model for all rows: at once if it can take them so, else those of equal shapes together.

    Args:
        model: Answers rows of equal shapes.
        columns: Rows.
    """
    ragged = [name for name, values in columns.items() if is_ragged(values)]
    if not ragged:
        return model(columns)
    found: Answer = {}
    parts: dict[str, list[Any]] = {}
    index: list[NDArray[np.int64]] = []
    for rows in _by_shape(columns, ragged):
        part = take(columns, rows)
        part |= {name: np.stack(list(part[name])) for name in ragged}
        for name, values in model(part).items():
            parts.setdefault(name, []).extend(values)
        index.append(rows)
    order = np.argsort(np.concatenate(index)) if index else np.empty(0, dtype=np.int64)
    for name, answers in parts.items():
        found[name] = _joined([answers[at] for at in order])
    return found


def _by_shape(columns: Columns, ragged: Sequence[str]) -> Iterator[NDArray[np.int64]]:
    groups: dict[tuple[tuple[int, ...], ...], list[int]] = {}
    for at in range(rows_of(columns)):
        groups.setdefault(tuple(columns[name][at].shape for name in ragged), []).append(at)
    yield from (np.array(group, dtype=np.int64) for group in groups.values())


def _joined(answers: list[Any]) -> NDArray[Any]:
    if answers and isinstance(answers[0], np.ndarray):
        return column(answers, answers[0].dtype)
    if answers and isinstance(answers[0], str):
        return np.array(answers, dtype=object)
    return np.array(answers)
