"""Where implementations are several, the least that a consumer needs of them."""

from collections.abc import Mapping
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from interlock.domain.block import Block
from interlock.domain.contract import Field

Columns = Mapping[str, NDArray[Any]]
"""Rows by column, the shape in which models are fed and answer: one array a field, first axis the rows.

Element types are those of `element_type`. A field of shape `(30,)` is an array of shape `(rows, 30)`; where a size is
-1, all rows of one array have the same. Numbers alone may come as a `Block`.
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


def element_type(field: Field) -> np.dtype[Any]:
    """Type of the elements of a field's arrays.

    Floats are float64 (missing is NaN), whole numbers int64, truth values bool, texts object (str; missing is None),
    dates and times datetime64[us] (missing is NaT). Bytes side by side (pixels) stay bytes.
    """
    if field.time is not None:
        return np.dtype("datetime64[us]")
    if field.is_float:
        return np.dtype(np.float64)
    if field.is_integer:
        return np.dtype(np.uint8 if field.datatype == "UINT8" and field.shape else np.int64)
    return np.dtype(np.bool_ if field.datatype == "BOOL" else np.object_)


def missing_value(field: Field) -> Any:
    """What stands for a missing value in a field's arrays; None also where nothing can."""
    return np.datetime64("NaT") if field.time is not None else np.nan if field.is_float else None


def default_column(field: Field, rows: int) -> NDArray[Any]:
    """Of a parameter, what stands for a request that does not give it."""
    default = np.array(field.default, dtype=element_type(field))
    values = np.empty((rows, *default.shape), dtype=default.dtype)
    values[:] = default
    return values


def rows_of(columns: Columns) -> int:
    """Number of rows, 0 for no columns."""
    if type(columns) is Block:
        return len(columns.matrix)
    return next((len(values) for values in columns.values()), 0)


def take(columns: Columns, index: NDArray[np.int64] | slice) -> dict[str, NDArray[Any]]:
    """The rows at `index`, of every column."""
    return {name: values[index] for name, values in columns.items()}
