"""A predictor for models that take exactly one row at a time, such as graphs that were exported so.

Wrapped around them by `onnx` and `torch`: whoever asks may give any number of rows.
"""

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from interlock.domain.ports import Columns, Predictor, rows_of, take


class RowByRow:
    """Asks another predictor for each row by itself."""

    def __init__(self, predictor: Predictor) -> None:
        self._predictor = predictor

    def predict(self, columns: Columns) -> dict[str, NDArray[Any]]:
        if rows_of(columns) == 1:
            return self._predictor.predict(columns)
        return joined([self._predictor.predict(row) for row in single_rows(columns)])

    def close(self) -> None:
        self._predictor.close()


def single_rows(columns: Columns) -> Iterator[dict[str, NDArray[Any]]]:
    """Each row by itself."""
    return (take(columns, slice(at, at + 1)) for at in range(rows_of(columns)))


def joined(answers: Sequence[dict[str, NDArray[Any]]]) -> dict[str, NDArray[Any]]:
    """Answers to single rows, as the answer to all."""
    return {name: np.concatenate([one[name] for one in answers]) for name in answers[0]}
