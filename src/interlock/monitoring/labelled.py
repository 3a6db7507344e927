"""Labelled rows of one version as numbers: the class or target that happened, and what was predicted.

Called by `quality` on rows that the log reader joined with their latest labels. A label that is no class of the version
is left out and counted, never guessed at.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from interlock.domain.contract import Contract
from interlock.predictions.feedback_rows import text_of
from interlock.predictions.parts import HASHED

_HOUR_US = 3_600_000_000


@dataclass(frozen=True)
class Classified:
    """Rows of a classifier.

    Args:
        actual, predicted: Index of the class, shape (n,).
        probabilities: Per class, shape (n, classes); None if the version gives none.
        hours: Hours since 1970 of the event, shape (n,).
        weights: How much each row counts, shape (n,); over 0.
        unusable: Labelled rows left out.
        usable: Which of the labelled rows that count were taken, shape (m,).
    """

    actual: NDArray[np.int64]
    predicted: NDArray[np.int64]
    probabilities: NDArray[np.float64] | None
    hours: NDArray[np.int64]
    weights: NDArray[np.float64]
    unusable: int
    usable: NDArray[np.bool_]


@dataclass(frozen=True)
class Measured:
    """Rows of a regressor: `actual` and `predicted` in the target's unit; `usable` as of `Classified`."""

    actual: NDArray[np.float64]
    predicted: NDArray[np.float64]
    hours: NDArray[np.int64]
    weights: NDArray[np.float64]
    unusable: int
    usable: NDArray[np.bool_]


def classified(contract: Contract, rows: pa.Table) -> Classified:
    """Read rows that one classifier answered. Rows without label are left out."""
    rows = counting(rows)
    actual = _classes(contract, rows)
    predicted = _numbered(_output(rows, "label"), contract.classes)
    usable = (actual >= 0) & (predicted >= 0)
    return Classified(
        actual=actual[usable],
        predicted=predicted[usable],
        probabilities=_probabilities(contract, rows, usable),
        hours=_hours(rows)[usable],
        weights=_weights(rows)[usable],
        unusable=int((~usable).sum()),
        usable=usable,
    )


def scored(contract: Contract, rows: pa.Table) -> tuple[NDArray[np.int64], NDArray[np.float64] | None]:
    """Read rows that one classifier answered, labelled or not: the class and the probabilities, as of `Classified`."""
    predicted = _numbered(_output(rows, "label"), contract.classes)
    usable = predicted >= 0
    return predicted[usable], _probabilities(contract, rows, usable)


def measured(rows: pa.Table) -> Measured:
    """Read rows that one regressor answered. Rows without label are left out."""
    rows = counting(rows)
    actual = np.asarray(rows["label_number"].to_numpy(zero_copy_only=False), dtype=np.float64)
    predicted = np.asarray(_output(rows, "prediction").to_numpy(zero_copy_only=False), dtype=np.float64)
    usable = np.isfinite(actual) & np.isfinite(predicted)
    return Measured(
        actual=actual[usable],
        predicted=predicted[usable],
        hours=_hours(rows)[usable],
        weights=_weights(rows)[usable],
        unusable=int((~usable).sum()),
        usable=usable,
    )


def by_version(rows: pa.Table) -> Mapping[str, pa.Table]:
    """Rows by the version that answered."""
    versions = rows["version"].unique().to_pylist()
    return {version: rows.filter(pc.equal(rows["version"], version)) for version in sorted(versions)}


def _numbered(values: pa.ChunkedArray, classes: Sequence[object]) -> NDArray[np.int64]:
    """Index of each value among the classes, -1 for others. Millions of rows have few values."""
    index = {value: number for number, value in enumerate(classes)}
    encoded = pc.dictionary_encode(values.combine_chunks(), null_encoding="encode")
    numbers = np.array([index.get(value, -1) for value in encoded.dictionary.to_pylist()], dtype=np.int64)
    return np.asarray(numbers[encoded.indices.to_numpy(zero_copy_only=False)], dtype=np.int64)


def counting(rows: pa.Table) -> pa.Table:
    """Rows with a label. One that was given no weight says nothing of quality."""
    rows = rows.filter(rows["label"].is_valid()) if rows["label"].null_count else rows
    return rows.filter(pc.greater(rows["weight"], 0.0)) if "weight" in rows.column_names else rows


def _weights(rows: pa.Table) -> NDArray[np.float64]:
    """1 each where rows come without."""
    if "weight" not in rows.column_names:
        return np.ones(rows.num_rows)
    return np.asarray(rows["weight"].to_numpy(), dtype=np.float64)


def _classes(contract: Contract, rows: pa.Table) -> NDArray[np.int64]:
    texts = pa.array([text_of(value) for value in contract.classes], pa.string())
    actual = np.asarray(
        pc.fill_null(pc.index_in(rows["label"].cast(pa.string()), texts), -1).to_numpy(zero_copy_only=False),
        dtype=np.int64,
    )
    # The same value in another spelling: True for true, 1 and 0 for true and false, 3.0 for 3.
    spellings: dict[object, int] = {text.as_py().lower(): at for at, text in enumerate(texts)}
    spellings |= {float(value): at for at, value in enumerate(contract.classes) if not isinstance(value, str)}
    for at in np.flatnonzero(actual < 0).tolist():
        text, number = rows["label"][at].as_py(), rows["label_number"][at].as_py()
        actual[at] = spellings.get(str(text).lower(), spellings.get(number, -1))
    return actual


def _output(rows: pa.Table, name: str) -> pa.ChunkedArray:
    """The output's column: of several with this name (its type changed between versions) the one that has values."""
    found = [column for column in rows.column_names if column.partition("~")[0] == f"output.{name}"]
    found = [column for column in found if not column.endswith(HASHED)]
    for column in sorted(found, key=lambda each: rows[each].null_count):
        return rows[column]
    return pa.chunked_array([pa.nulls(rows.num_rows, pa.float64())])


def _probabilities(contract: Contract, rows: pa.Table, usable: NDArray[np.bool_]) -> NDArray[np.float64] | None:
    if not any(field.name == "probabilities" for field in contract.outputs) or not len(usable):
        return None
    column = _output(rows, "probabilities")
    if column.null_count or not pa.types.is_list(column.type):
        return None
    flat = np.asarray(_flat(column), dtype=np.float64)
    if len(flat) != len(usable) * len(contract.classes):
        return None
    # Sums of float32 may pass 1 by a rounding error.
    return np.clip(flat.reshape(len(usable), -1)[usable], 0.0, 1.0)


def _flat(column: pa.ChunkedArray) -> Any:
    return column.combine_chunks().flatten().to_numpy(zero_copy_only=False)


def _hours(rows: pa.Table) -> NDArray[np.int64]:
    return np.asarray(rows["event_at"].cast(pa.int64()).to_numpy() // _HOUR_US, dtype=np.int64)
