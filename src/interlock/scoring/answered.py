"""Answers of a version as arrays that can be compared, whether they come from the log or from the model itself.

Called by replays. Classes are numbered as the champion's contract has them, so that both versions speak of the same. It
refuses contracts without a task: nothing says which of their outputs to compare.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from interlock.domain.contract import Contract
from interlock.predictions.answer_losses import class_indices, matrix

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Answered:
    """Answers to rows; what a contract does not have is None.

    Args:
        classes: Number of the class, -1 where there is none.
        probabilities: One a class, nan where there are none.
        numbers: Predictions of a regression, nan where there are none.
    """

    classes: NDArray[np.int64] | None = None
    probabilities: Floats | None = None
    numbers: Floats | None = None

    @classmethod
    def logged(cls, contract: Contract, rows: pa.Table) -> Self:
        """What the log has; nothing where it lacks an output."""
        found = {name.removeprefix("output."): rows[name] for name in rows.column_names if name.startswith("output.")}
        if not contract.is_classifier:
            numbers = found.get("prediction")
            return cls(numbers=_nothing(rows.num_rows) if numbers is None else _floats(numbers))
        labels, probabilities = found.get("label"), found.get("probabilities")
        return cls(
            classes=np.full(rows.num_rows, -1) if labels is None else class_indices(contract, labels),
            probabilities=None if probabilities is None else matrix(probabilities, len(contract.classes)),
        )

    @classmethod
    def given(cls, champion: Contract, own: Contract, outputs: Mapping[str, NDArray[Any]]) -> Self:
        """What a model gave just now.

        Args:
            champion: Whose numbers of classes count.
            own: The contract of the version that was asked, which may have them in another order.
            outputs: A value for each row.
        """
        if not champion.is_classifier:
            return cls(numbers=np.asarray(outputs["prediction"], dtype=np.float64).reshape(-1))
        values = outputs["label"]
        labels = pa.chunked_array([pa.array(values.tolist() if values.dtype == np.object_ else values)])
        probabilities = outputs.get("probabilities")
        if probabilities is not None:
            probabilities = _reordered(champion, own, np.asarray(probabilities, dtype=np.float64))
        return cls(classes=class_indices(champion, labels), probabilities=probabilities)

    @property
    def there(self) -> NDArray[np.bool_]:
        """Rows that have an answer."""
        if self.numbers is not None:
            return np.isfinite(self.numbers)
        assert self.classes is not None
        known = self.classes >= 0
        return known if self.probabilities is None else known & np.isfinite(self.probabilities).all(axis=1)

    @property
    def score(self) -> Floats | None:
        """One number a row: of two classes the probability of the last, of more the largest; or the prediction."""
        if self.numbers is not None or self.probabilities is None:
            return self.numbers
        return self.probabilities[:, -1] if self.probabilities.shape[1] == 2 else self.probabilities.max(axis=1)

    def take(self, index: NDArray[Any]) -> "Answered":
        """The rows at `index`, or where it is true."""
        return Answered(*(None if part is None else part[index] for part in self._parts))

    def put(self, index: NDArray[np.int64], other: "Answered") -> "Answered":
        """With the answers of `other` at these rows."""
        return Answered(*(_put(mine, index, theirs) for mine, theirs in zip(self._parts, other._parts, strict=True)))

    def without(self, index: NDArray[np.int64]) -> "Answered":
        """With no answers at these rows."""
        nothing = (-1, np.nan, np.nan)
        return Answered(*(_put(mine, index, gone) for mine, gone in zip(self._parts, nothing, strict=True)))

    @property
    def _parts(self) -> tuple[Any, ...]:
        return self.classes, self.probabilities, self.numbers


def change(champion: Answered, candidate: Answered) -> Floats:
    """How far each row's answers are apart: total variation of the probabilities, another class, or |difference|."""
    if champion.numbers is not None and candidate.numbers is not None:
        return np.abs(candidate.numbers - champion.numbers)
    if champion.probabilities is not None and candidate.probabilities is not None:
        moved = np.abs(candidate.probabilities - champion.probabilities).sum(axis=1) / 2
        return np.asarray(moved, dtype=np.float64)
    return np.asarray(champion.classes != candidate.classes, dtype=np.float64)


def _reordered(champion: Contract, own: Contract, probabilities: Floats) -> Floats:
    """By the champion's classes: what the other does not know is 0, what only the other knows is left out."""
    if own.classes == champion.classes:
        return probabilities
    found = np.zeros((len(probabilities), len(champion.classes)))
    for at, name in enumerate(champion.classes):
        if name in own.classes:
            found[:, at] = probabilities[:, own.classes.index(name)]
    return found


def _put(mine: NDArray[Any] | None, index: NDArray[np.int64], theirs: Any) -> NDArray[Any] | None:
    if mine is None or theirs is None:
        return mine
    found = mine.copy()
    found[index] = theirs
    return found


def _floats(column: pa.ChunkedArray) -> Floats:
    return np.asarray(column.cast(pa.float64()).to_numpy(), dtype=np.float64)


def _nothing(rows: int) -> Floats:
    return np.full(rows, np.nan)
