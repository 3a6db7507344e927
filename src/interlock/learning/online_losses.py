"""Losses of answers row by row, and of the last label as a forecast: what the guard of an online learner compares."""

import hashlib
from collections.abc import Mapping, Sequence
from typing import Any

import msgspec
import numpy as np
from numpy.typing import NDArray

from interlock.domain.contract import Contract, Scalar
from interlock.learning.judging import loss_of
from interlock.stats import losses

_TOLERANCE = 1e-3


def of_answers(
    contract: Contract, labels: Sequence[Scalar], outputs: Mapping[str, NDArray[Any]], usable: NDArray[np.bool_]
) -> NDArray[np.float64]:
    """The loss of each answer, shape (n,); nan where it is none.

    Args:
        contract: Of the model.
        labels: What happened.
        outputs: Its answers.
        usable: Where there is an answer at all.
    """
    found = np.full(len(labels), np.nan)
    usable = usable & _valid(contract, outputs, len(labels))
    if not usable.any():
        return found
    loss = loss_of(contract)
    if loss == "absolute_error":
        values = losses.absolute_error(np.array(labels, dtype=np.float64)[usable], outputs["prediction"][usable])
    elif loss == "brier":
        values = losses.brier(indices(contract, labels)[usable], outputs["probabilities"][usable])
    else:
        values = (~right(labels, outputs))[usable].astype(np.float64)
    found[usable] = values
    return found


def right(labels: Sequence[Scalar], outputs: Mapping[str, NDArray[Any]]) -> NDArray[np.bool_]:
    """Whether each answered class is the one that happened."""
    said = outputs["label"].tolist()
    return np.array([each == label for each, label in zip(said, labels, strict=True)], dtype=np.bool_)


def indices(contract: Contract, labels: Sequence[Scalar]) -> NDArray[np.int64]:
    """Index of each label among the classes."""
    number = {value: at for at, value in enumerate(contract.classes)}
    return np.array([number[label] for label in labels], dtype=np.int64)


def _valid(contract: Contract, outputs: Mapping[str, NDArray[Any]], rows: int) -> NDArray[np.bool_]:
    """Which answers keep the contract."""
    if not outputs:
        return np.zeros(rows, dtype=np.bool_)
    if "probabilities" in outputs:
        table = np.asarray(outputs["probabilities"], dtype=np.float64)
        within = ((table >= -1e-6) & (table <= 1 + 1e-6)).all(axis=1)
        return np.asarray(within & (np.abs(table.sum(axis=1) - 1) <= _TOLERANCE), dtype=np.bool_)
    if contract.is_classifier:
        known = set(contract.classes)
        return np.array([each in known for each in outputs["label"].tolist()], dtype=np.bool_)
    return np.asarray(np.isfinite(outputs["prediction"]), dtype=np.bool_)


class NoChange(msgspec.Struct, frozen=True):
    """What one would say without a model: the last label.

    Args:
        last: Index of the class learnt last, or the number; None before the first.
        table: How often each class followed each class.
        shares: How often each class came.
    """

    last: float | None = None
    table: list[list[float]] = []
    shares: list[float] = []


def of_no_change(
    contract: Contract, labels: Sequence[Scalar], before: NoChange
) -> tuple[NDArray[np.float64], NoChange]:
    """The loss of the last label as a forecast of each one, and what is known after them; nan where nothing was known.

    Of probabilities the last label is worth what followed it before, as in `naive_forecast.after_each_class`.
    """
    if not contract.is_classifier:
        numbers = np.array(labels, dtype=np.float64)
        said = np.concatenate([[np.nan if before.last is None else before.last], numbers])
        return np.abs(numbers - said[:-1]), NoChange(last=float(said[-1]) if len(said) > 1 else before.last)
    return _Classes(contract, before).follow(indices(contract, labels))


class _Classes:
    """Plain lists: row after row, numpy would cost ten times as much."""

    def __init__(self, contract: Contract, before: NoChange) -> None:
        self._loss, size = loss_of(contract), len(contract.classes)
        self._last = -1 if before.last is None else int(before.last)
        self._table = [list(row) for row in before.table] or [[0.0] * size for _ in range(size)]
        self._shares = list(before.shares) or [0.0] * size

    def follow(self, labels: NDArray[np.int64]) -> tuple[NDArray[np.float64], NoChange]:
        found = np.full(len(labels), np.nan)
        for at, label in enumerate(labels.tolist()):
            if self._last >= 0:
                found[at] = self._one(label)
                self._table[self._last][label] += 1
            self._shares[label] += 1
            self._last = label
        return found, NoChange(float(self._last) if self._last >= 0 else None, self._table, self._shares)

    def _one(self, label: int) -> float:
        if self._loss == "zero_one":
            return float(label != self._last)
        known = sum(self._shares)
        row = [count + share / known for count, share in zip(self._table[self._last], self._shares, strict=True)]
        total = sum(row)
        squares = sum((value / total) ** 2 for at, value in enumerate(row) if at != label)
        happened = (1 - row[label] / total) ** 2
        return (squares + happened) / (2 if len(row) == 2 else 1)


def unit_number(unit: str) -> int:
    """A unit as a number, the same everywhere."""
    return int.from_bytes(hashlib.blake2b(unit.encode(), digest_size=8).digest(), "big", signed=True)
