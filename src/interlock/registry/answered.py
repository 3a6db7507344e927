"""A model's answers to many rows, when it may refuse some of them.

Called by the parity proof and by the reference profile. Models refuse a whole batch for one row; which row it was is
found by halving, with rows that lack a value at the end, since those are the ones mostly refused.
"""

import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from interlock.domain.ports import Columns, Predictor, rows_of, take

_BATCH = 1000


@dataclass(frozen=True, slots=True)
class Answered:
    """Outputs of the rows at `index`, in that order; `refused` are the rows that the model raised on.

    Rows in neither were not tried: time was up.
    """

    outputs: dict[str, NDArray[Any]]
    index: NDArray[np.int64]
    refused: NDArray[np.int64]


def ask(predictor: Predictor, columns: Columns, *, seconds: float) -> Answered:
    """Ask for all rows; stop trying after `seconds`."""
    waiting = _parts(columns)
    answers: list[Mapping[str, NDArray[Any]]] = []
    index: list[NDArray[np.int64]] = []
    refused: list[NDArray[np.int64]] = []
    end = time.monotonic() + seconds
    while waiting and time.monotonic() < end:
        part = waiting.pop()
        try:
            answers.append(predictor.predict(take(columns, part)))
            index.append(part)
        except Exception:  # whatever a model raises; its rows are what matters here
            if len(part) == 1:
                refused.append(part)
            else:
                half = len(part) // 2
                waiting += [part[half:], part[:half]]
    outputs = {name: np.concatenate([one[name] for one in answers]) for name in answers[0]} if answers else {}
    return Answered(outputs, _joined(index), _joined(refused))


def _parts(columns: Columns) -> list[NDArray[np.int64]]:
    """Batches of row numbers, complete rows first; the next one to ask is the last of the list."""
    missing = np.zeros(rows_of(columns), dtype=np.int64)
    for values in columns.values():
        if values.ndim == 1 and values.dtype.kind == "f":
            missing += np.isnan(values)
        elif values.ndim == 1 and values.dtype.kind == "M":
            missing += np.isnat(values)
        elif values.ndim == 1 and values.dtype == object:
            missing += np.array([value is None for value in values.tolist()], dtype=np.int64)
    order = np.argsort(missing, kind="stable").astype(np.int64)
    return [order[start : start + _BATCH] for start in range(0, len(order), _BATCH)][::-1]


def _joined(parts: list[NDArray[np.int64]]) -> NDArray[np.int64]:
    return np.concatenate(parts) if parts else np.empty(0, dtype=np.int64)
