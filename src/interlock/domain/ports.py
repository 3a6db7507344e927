"""Where implementations are several, the least that a consumer needs of them."""

from collections.abc import Mapping
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from interlock.domain.block import Block

Columns = Mapping[str, NDArray[Any]]
"""Rows by column, the shape in which models are fed and answer: one array a field, first axis the rows.

Element types by datatype: FP32/FP64 float64 (missing is NaN), INT32/INT64 int64, BOOL bool_, BYTES object (str,
missing is None). A field of shape `(30,)` is an array of shape `(rows, 30)`. Numbers alone may come as a `Block`.
"""


class Predictor(Protocol):
    """A loaded model version in this process. Implementations live in `runtimes/`."""

    def predict(self, columns: Columns) -> dict[str, NDArray[Any]]:
        """Answer all rows.

        Returns:
            One array per output of the contract.

        Raises:
            ModelFailedError: The model raised (`model_error`), or answered outside its contract (`invalid_output`).
        """

    def close(self) -> None:
        """Free what it holds. May be called twice."""


class Runtime(Protocol):
    """A loaded model version as a gateway sees it: in the event loop, in a thread, or in a process of its own.

    A gateway asks for one batch at a time.
    """

    @property
    def rows_in_loop(self) -> int:
        """Up to how many rows `predict_now` may be asked for: 0 unless the model answers within a turn of the loop."""

    def predict_now(self, columns: Columns) -> dict[str, NDArray[Any]]:
        """Answer all rows in this very turn of the event loop.

        Raises:
            ModelFailedError: As for a predictor.
        """

    async def predict(self, columns: Columns, deadline_seconds: float) -> dict[str, NDArray[Any]]:
        """Answer all rows before the deadline.

        Raises:
            ModelFailedError: As for a predictor; also `breaker_open`, and DeadlineExceededError (`timeout`).
        """

    async def close(self) -> None:
        """Stop its process, if it has one."""


def rows_of(columns: Columns) -> int:
    """Number of rows, 0 for no columns."""
    if type(columns) is Block:
        return len(columns.matrix)
    return next((len(values) for values in columns.values()), 0)


def take(columns: Columns, index: NDArray[np.int64] | slice) -> dict[str, NDArray[Any]]:
    """The rows at `index`, of every column."""
    return {name: values[index] for name, values in columns.items()}
