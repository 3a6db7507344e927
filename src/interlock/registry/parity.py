"""Proof that a compiled twin answers like its original: on reference rows, and on edge rows.

Called by the examining process. The same class and probabilities within 1e-5 (regression: relative 1e-5) on every row;
and where the original refuses a row, or gives no number, the twin must do so too: a twin that answers where the
original refuses hides a mistake.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import numpy as np
from numpy.typing import NDArray

from interlock.domain.contract import Contract
from interlock.domain.model import Parity
from interlock.domain.ports import Columns, Predictor, rows_of, take
from interlock.registry.answered import ask
from interlock.registry.edge_rows import edge_rows
from interlock.registry.reference import spread

TOLERANCE = 1e-5
MOST_ROWS = 2000
_MOST_SHOWN = 1000


# The original is asked row by row where it refuses some; this is how long that may take.
_SECONDS = 20.0


@dataclass(frozen=True, slots=True)
class Answers:
    """What a predictor said to each row: nan and None where it refused."""

    numbers: NDArray[np.float64]
    labels: list[Any]
    tried: NDArray[np.bool_]

    @property
    def refused(self) -> NDArray[np.bool_]:
        return ~np.asarray(np.isfinite(self.numbers).all(axis=1))


class Trial:
    """The rows of a proof, with the original's answers: asked once, compared with every twin.

    Args:
        original: What the twin must equal.
        contract: Of both.
        columns: Reference rows; at least one.
    """

    def __init__(self, original: Predictor, contract: Contract, columns: Columns) -> None:
        sample = spread(columns, rows_of(columns), MOST_ROWS)
        edges = edge_rows(contract, sample)
        # Edges first: among rows that lack as many values they are asked first, should time run out.
        self.columns = {name: np.concatenate([edges[name], values]) for name, values in sample.items()}
        self._contract = contract
        expected = _ask(original, self.columns, contract)
        if not expected.tried.all():
            kept = np.flatnonzero(expected.tried)
            self.columns = take(self.columns, kept)
            labels = [expected.labels[at] for at in kept]
            expected = Answers(expected.numbers[kept], labels, expected.tried[kept])
        self._expected = expected

    def prove(self, twin: Predictor) -> Parity:
        """Compare a twin with the original."""
        got, expected = _ask(twin, self.columns, self._contract), self._expected
        rows = len(expected.labels)
        differs = expected.refused != got.refused
        if differs.any():
            at = int(np.argmax(differs))
            who = "original refuses" if expected.refused[at] else "twin refuses"
            other = "twin answers" if expected.refused[at] else "original answers"
            reason = f"the {who} {int(differs.sum())} row(s) that the {other}"
            return Parity(proven=False, rows=rows, worst_row=self._row(at), reason=reason)
        return self._compared(got, rows)

    def _compared(self, got: Answers, rows: int) -> Parity:
        both = ~self._expected.refused
        if not both.any():
            return Parity(proven=False, rows=rows, reason="the original answers none of the reference rows")
        distances = self._distances(got)
        at = int(np.argmax(distances))
        worst = float(distances[at])
        other = [a != b for a, b in zip(self._expected.labels, got.labels, strict=True)]
        if any(other):
            where = self._row(other.index(True))
            reason = f"the twin gives another class for {sum(other)} of {rows} rows"
            return Parity(proven=False, rows=rows, worst_difference=worst, worst_row=where, reason=reason)
        proven = worst <= TOLERANCE
        reason = "" if proven else f"the twin's answers differ by up to {worst:.3g}, more than {TOLERANCE:g}"
        return Parity(proven=proven, rows=rows, worst_difference=worst, worst_row=self._row(at), reason=reason)

    def _distances(self, got: Answers) -> NDArray[np.float64]:
        expected, refused = self._expected.numbers, self._expected.refused
        difference = np.abs(np.where(refused[:, None], 0, got.numbers - expected))
        if not self._contract.is_classifier:
            size = np.abs(np.where(refused[:, None], 0, expected))
            # Relative to the usual answer where a single one is near zero.
            difference = difference / np.maximum(np.maximum(size, np.median(size)), 1e-12)
        distances: NDArray[np.float64] = difference.max(axis=1)
        return distances

    def _row(self, at: int) -> dict[str, Any]:
        return {name: _plain(values[at]) for name, values in self.columns.items()}


def _plain(value: Any) -> Any:
    if isinstance(value, np.ndarray) and value.size > _MOST_SHOWN:
        return f"values of the shape {list(value.shape)}"
    plain = value.tolist() if isinstance(value, np.ndarray | np.generic) else value
    if isinstance(plain, datetime):
        return plain.isoformat()
    return None if isinstance(plain, float) and not np.isfinite(plain) else plain


def _ask(predictor: Predictor, columns: Columns, contract: Contract) -> Answers:
    answered = ask(predictor, columns, seconds=_SECONDS)
    rows = rows_of(columns)
    numbers = np.full((rows, _width(contract)), np.nan)
    labels: list[Any] = [None] * rows
    tried = np.zeros(rows, dtype=np.bool_)
    tried[answered.index] = tried[answered.refused] = True
    if len(answered.index):
        numbers[answered.index] = _numbers(answered.outputs, len(answered.index))
    # The class beside a probability of nan says nothing.
    finite = np.isfinite(numbers).all(axis=1)
    for at, label in zip(answered.index.tolist(), answered.outputs.get("label", np.empty(0)).tolist(), strict=False):
        labels[at] = label if finite[at] else None
    return Answers(numbers, labels, tried)


def _numbers(outputs: Mapping[str, NDArray[Any]], rows: int) -> NDArray[np.float64]:
    """What is compared within the tolerance; zeros for a classifier that gives labels only."""
    numbers = outputs["probabilities"] if "probabilities" in outputs else outputs.get("prediction", np.zeros((rows, 1)))
    return np.asarray(numbers, dtype=np.float64).reshape(rows, -1)


def _width(contract: Contract) -> int:
    if contract.is_classifier:
        return len(contract.classes) if any(field.name == "probabilities" for field in contract.outputs) else 1
    shape = contract.outputs[0].shape
    return shape[0] if shape else 1
