"""A predictor whose answers are held to the contract before anyone sees them.

Wrapped around every loaded model by `load`. A model that raises, or answers with a class it never learnt, a probability
that is none, an infinite number, or one outside the range declared for it, has failed: the caller gets the champion's
answer and the failure counts.
"""

import logging
from collections.abc import Sequence
from math import inf, isfinite
from pathlib import Path
from typing import Any, cast

import numpy as np
from numpy.typing import NDArray

from interlock.domain.contract import Contract, Field, Scalar, spell_shape
from interlock.domain.errors import ModelFailedError
from interlock.domain.ports import Columns, Predictor, rows_of
from interlock.runtimes.learning import LearningPredictor, Lesson

log = logging.getLogger(__name__)

# float32 sums over a thousand classes miss 1 by some 1e-4; a mistake misses it by more than this.
_SUM_TOLERANCE = 1e-3
_RANGE_TOLERANCE = 1e-6

# So few values are looked at sooner one by one than by numpy, whose every call costs as much as twenty of them.
_FEW = 32


class CheckedPredictor:
    """Another predictor, held to its contract.

    Args:
        predictor: The model.
        contract: What it promised.
        ref: Its `name:version`, for messages.
    """

    def __init__(self, predictor: Predictor, contract: Contract, ref: str) -> None:
        self._predictor, self._contract, self._ref = predictor, contract, ref
        self._shapes = {field.name: _fixed(field.shape) for field in contract.outputs}
        self._ranges = {field.name: _range(field) for field in contract.outputs if field.declared}
        self._classes = frozenset(contract.classes)
        self._watch_labels = contract.is_classifier and bool(contract.classes)

    def predict(self, columns: Columns) -> dict[str, NDArray[Any]]:
        try:
            outputs = self._predictor.predict(columns)
        except ModelFailedError:
            raise
        except Exception as error:
            log.warning("model %s raised on %d row(s)", self._ref, rows_of(columns), exc_info=True)
            raise ModelFailedError(self._ref, "model_error", first_line(error)) from None
        self._check(outputs, rows_of(columns))
        return outputs

    def learn(self, columns: Columns, labels: Sequence[Scalar]) -> Lesson:
        """Let the model answer each row and then learn from it. What it answers is for the learner to judge.

        Raises:
            ModelFailedError: `model_error`: it cannot learn, or failed on all rows at once.
        """
        return self._can_learn().learn(columns, labels)

    def save(self, path: Path) -> None:
        """Write the model as it is now.

        Raises:
            ModelFailedError: It cannot be saved.
        """
        predictor = self._can_learn()
        try:
            predictor.save(path)
        except Exception as error:
            raise ModelFailedError(self._ref, "model_error", f"saving it raised {first_line(error)}") from error

    def _can_learn(self) -> LearningPredictor:
        if not (hasattr(self._predictor, "learn") and hasattr(self._predictor, "save")):
            reason = (
                "it cannot learn row by row; models of River can, and Python classes with learn(x, y) and save(path)"
            )
            raise ModelFailedError(self._ref, "model_error", reason)
        return cast(LearningPredictor, self._predictor)

    def interrupt(self) -> None:
        """Let a computation under way in another thread end as soon as it can, if the model knows how to."""
        interrupt = getattr(self._predictor, "interrupt", None)
        if interrupt is not None:
            interrupt()

    def close(self) -> None:
        self._predictor.close()

    def _check(self, outputs: dict[str, NDArray[Any]], rows: int) -> None:
        for name, shape in self._shapes.items():
            values = outputs.get(name)
            if values is None or len(values) != rows:
                given = "is missing" if values is None else f"has {len(values)} rows"
                raise self._invalid(f"output {name!r} {given}, must have one value for each of {rows} rows")
            if shape == () and values.shape[1:] == (1,):
                outputs[name] = values = values.reshape(rows)  # a column, as many models answer
            if name == "probabilities":
                self._check_probabilities(values)
            elif shape is not None and values.shape[1:] != shape:
                raise self._invalid(f"{name} has shape {list(values.shape)}, must be {spell_shape((rows, *shape))}")
            elif name == "label" and self._watch_labels:
                self._check_labels(values)
            elif values.dtype.kind == "f" and not _is_finite(values):
                at = int(np.argmin(np.isfinite(values.reshape(rows, -1)).all(axis=1)))
                raise self._invalid(f"{name}[{at}] == {values[at]}, must be finite")
            if name in self._ranges:
                self._check_range(name, values)

    def _check_range(self, name: str, values: NDArray[Any]) -> None:
        low, high = self._ranges[name]
        good = ((values >= low) & (values <= high)).reshape(len(values), -1).all(axis=1)
        if not good.all():
            at = int(np.argmin(good))
            raise self._invalid(f"{name}[{at}] == {values[at]}, must be between {low:g} and {high:g}, as declared")

    def _check_probabilities(self, values: NDArray[Any]) -> None:
        wanted = len(self._contract.classes)
        if values.ndim != 2 or values.shape[1] != wanted:
            raise self._invalid(f"probabilities have shape {list(values.shape)}, must have {wanted} a row")
        if values.size <= _FEW:
            at = next((at for at, row in enumerate(values.tolist()) if not _is_distribution(row)), None)
        else:
            # Written so that nan fails: every comparison with it is false.
            in_range = (values >= -_RANGE_TOLERANCE) & (values <= 1 + _RANGE_TOLERANCE)
            good = in_range.all(axis=1) & (np.abs(values.sum(axis=1) - 1) <= _SUM_TOLERANCE)
            at = None if good.all() else int(np.argmin(good))
        if at is not None:
            raise self._invalid(f"probabilities[{at}] == {values[at].tolist()}, must be between 0 and 1 and sum to 1")

    def _check_labels(self, values: NDArray[Any]) -> None:
        labels = values.tolist()
        if not self._classes.issuperset(labels):
            at = next(at for at, label in enumerate(labels) if label not in self._classes)
            raise self._invalid(f"label[{at}] == {labels[at]!r}, must be one of {list(self._contract.classes)[:20]}")

    def _invalid(self, reason: str) -> ModelFailedError:
        return ModelFailedError(self._ref, "invalid_output", reason)


def _range(field: Field) -> tuple[float, float]:
    low, high = field.minimum, field.maximum
    return -inf if low is None else low, inf if high is None else high


def _fixed(shape: tuple[int, ...]) -> tuple[int, ...] | None:
    """A shape that every row has; None where rows may differ."""
    return None if -1 in shape else shape


def first_line(error: Exception) -> str:
    """Type and message of an error, as one line."""
    text = str(error).strip().splitlines()
    return f"{type(error).__name__}: {text[0][:200]}" if text else type(error).__name__


def _is_distribution(row: list[float]) -> bool:
    return (
        all(-_RANGE_TOLERANCE <= value <= 1 + _RANGE_TOLERANCE for value in row) and abs(sum(row) - 1) <= _SUM_TOLERANCE
    )


def _is_finite(values: NDArray[Any]) -> bool:
    if values.size <= _FEW:
        return all(map(isfinite, values.ravel().tolist()))
    return bool(np.isfinite(values).all())
