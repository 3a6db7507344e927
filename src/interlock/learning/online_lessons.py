"""Rows of the log as a model is taught them: fed as it would be asked, with their labels, and a digest over both.

Called by online learners, and by whoever replays what one has learnt: both see the same rows in the same order.
"""

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import msgspec
import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from interlock.domain.contract import Contract, Scalar
from interlock.domain.ports import take
from interlock.learning import online_losses
from interlock.predictions.log_schema import field_name
from interlock.scoring.feeding import UnfeedableError, feed


@dataclass(frozen=True, slots=True)
class Lessons:
    """Rows that can be taught, in order.

    Args:
        columns: As the model is fed.
        labels: Of each row.
        table: The same rows of the log.
        unfeedable: Rows that were left out, because the log lacks what the model takes.
        reason: Why.
    """

    columns: dict[str, NDArray[Any]]
    labels: list[Scalar]
    table: pa.Table
    unfeedable: int = 0
    reason: str = ""

    def __len__(self) -> int:
        return len(self.labels)

    @property
    def ids(self) -> list[str]:
        """Prediction ids."""
        found: list[str] = self.table["prediction_id"].to_pylist()
        return found

    def of(self, kept: NDArray[np.bool_]) -> "Lessons":
        """Some of the rows."""
        labels = [label for label, is_kept in zip(self.labels, kept.tolist(), strict=True) if is_kept]
        return Lessons(take(self.columns, np.flatnonzero(kept)), labels, self.table.filter(pa.array(kept)))


def lessons(contract: Contract, rows: pa.Table, labels: Sequence[Scalar]) -> Lessons:
    """Feed logged rows to a contract; those that cannot be fed are left out."""
    if not rows.num_rows:
        return Lessons({}, [], rows)
    try:
        fed = feed(contract, rows)
    except UnfeedableError as error:
        return Lessons({}, [], rows.slice(0, 0), rows.num_rows, str(error))
    index = fed.index.tolist()
    return Lessons(
        dict(fed.columns),
        [labels[at] for at in index],
        rows.take(pa.array(fed.index)),
        rows.num_rows - len(index),
        fed.reason,
    )


def chained(before: bytes, taught: Lessons) -> bytes:
    """A digest over all rows up to these: each depends on the one before."""
    digest = before
    for row in _rows(taught):
        digest = hashlib.sha256(digest + row).digest()
    return digest


def _rows(taught: Lessons) -> Iterator[bytes]:
    values = [column.tolist() for column in taught.columns.values()]
    for id, label, *given in zip(taught.ids, taught.labels, *values, strict=True):
        yield msgspec.json.encode([id, label, given])


def served(contract: Contract, taught: Lessons) -> NDArray[np.float64]:
    """The loss of what callers were answered, row by row; nan where the log has no answer of this kind."""
    outputs = _logged(contract, taught.table)
    if outputs is None:
        return np.full(len(taught), np.nan)
    return online_losses.of_answers(contract, taught.labels, outputs[0], outputs[1])


def _logged(contract: Contract, table: pa.Table) -> tuple[Mapping[str, NDArray[Any]], NDArray[np.bool_]] | None:
    found: dict[str, NDArray[Any]] = {}
    there = np.ones(table.num_rows, dtype=np.bool_)
    for output in contract.outputs:
        columns = [
            table.column(at) for at, each in enumerate(table.schema) if field_name(each) == f"output.{output.name}"
        ]
        column = min(columns, key=lambda each: int(each.null_count), default=None)
        if column is None:
            return None
        valid = np.asarray(column.is_valid())
        there &= valid
        blank: Any = next((value for value in column.to_pylist() if value is not None), None)
        if blank is None:
            return None
        try:
            found[output.name] = np.array([blank if value is None else value for value in column.to_pylist()])
        except ValueError:  # answers of several shapes, as of versions with other classes
            return None
    fits = "probabilities" not in found or found["probabilities"].shape[1:] == (len(contract.classes),)
    return (found, there) if fits else None
