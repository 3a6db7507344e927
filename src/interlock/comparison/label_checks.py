"""Checks of the labels in a file: missing ones, how far labellers agree, columns that give them away, likely errors.

Called by `data_checks`. Labels are names here, whatever their type.
"""

from collections.abc import Iterator, Mapping, Sequence
from itertools import combinations
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from interlock.comparison.check_result import DataCheck
from interlock.comparison.row_queries import RowQueries
from interlock.comparison.rows import Rows
from interlock.domain.errors import InvalidInputError
from interlock.stats import cohen_kappa, krippendorff_alpha

LEAST_AGREEMENT = 0.667
"""Krippendorff's lowest limit for conclusions from labels (Content Analysis, 2004, chapter 11)."""

# A column with more values tells each row by itself; fewer rows a value say nothing.
_MOST_VALUES = 1000
_ROWS_A_VALUE = 5
_GIVEN_AWAY = 0.999

# Of each class that happens, so that a share means something.
_SHOWN = 10


def missing(rows: Rows, label: str, present: int) -> DataCheck:
    """Whether every row has a label."""
    gone = rows.rows - present
    reason = f"{gone:,} of {rows.rows:,} rows have no {label}" if gone else ""
    outcome = "breach" if gone else "ok"
    return DataCheck("missing_labels", outcome, gone / rows.rows, "0", reason, label)  # type: ignore[arg-type]  # one of the outcomes


def agreement(rows: Rows, labels: Sequence[str]) -> DataCheck:
    """How far several columns of labels agree."""
    table = _codes(rows, labels)
    found = krippendorff_alpha.analyze(table)
    expected = f"Krippendorff's alpha of at least {LEAST_AGREEMENT:g}"
    if found.alpha is None:
        why = "no row has two labels" if not found.cases else "all labels are the same"
        return DataCheck("agreement", "no_data", None, expected, why)
    pairs = ", ".join(_pairs(table, labels))
    said = f"alpha {found.alpha:.3f} on {found.cases:,} rows with at least two labels; Cohen's kappa: {pairs}"
    outcome = "ok" if found.alpha >= LEAST_AGREEMENT else "breach"
    return DataCheck("agreement", outcome, found.alpha, expected, said)  # type: ignore[arg-type]  # one of the outcomes


def leakage(queries: RowQueries, columns: Sequence[str], label: str) -> Iterator[DataCheck]:
    """Columns that give the label away: what is known only afterwards, or is the label by another name."""
    expected = f"a column of few values tells less than {_GIVEN_AWAY:.1%} of the labels"
    for name in columns:
        rows, values, told, base = queries.purity(name, label)
        if not rows or values > _MOST_VALUES or rows < _ROWS_A_VALUE * values or base == rows:
            continue
        share = told / rows
        if share >= _GIVEN_AWAY and base / rows < _GIVEN_AWAY:
            reason = f"{name} alone tells {share:.2%} of {label}; the most frequent label is {base / rows:.0%}"
            yield DataCheck("leakage", "breach", share, expected, reason, name)
        else:
            yield DataCheck("leakage", "ok", share, expected, column=name)


def errors(rows: Rows, label: str, probabilities: Mapping[str, str], tolerance: float) -> DataCheck:
    """Labels that are likely wrong, by confident learning. Needs the extra `cleanlab`.

    Args:
        rows: The file.
        label: Its column of labels.
        probabilities: By class, the column with its probability, by a model that was not trained on the row.
        tolerance: Share of labels that may be wrong.

    Raises:
        InvalidInputError: The extra is not installed, or labels and probabilities do not fit each other.
    """
    try:
        from cleanlab.filter import find_label_issues
    except ModuleNotFoundError as error:
        raise InvalidInputError(
            "likely label errors need the extra cleanlab; pip install 'interlock[cleanlab]'"
        ) from error
    given, table, numbers = _with_probabilities(rows, label, probabilities)
    found = find_label_issues(given, table, return_indices_ranked_by="self_confidence", n_jobs=1)
    share = len(found) / len(given)
    reason = f"{len(found):,} of {len(given):,} labels are likely wrong"
    if len(found):
        reason += f", first of all those of rows {', '.join(str(numbers[each] + 1) for each in found[:_SHOWN])}"
    outcome = "breach" if share > tolerance else "ok"
    return DataCheck("label_errors", outcome, share, f"at most {tolerance:.1%}", reason, label)  # type: ignore[arg-type]  # one of the outcomes


def _codes(rows: Rows, labels: Sequence[str]) -> NDArray[np.float64]:
    """Labels as numbers, shape (rows, labels), nan where there is none."""
    known: dict[str, int] = {}
    parts = []
    for batch in rows.batches(list(labels)):
        columns = [[_text(value) for value in batch.column(name).to_pylist()] for name in labels]
        codes = [
            [np.nan if each is None else known.setdefault(each, len(known)) for each in column] for column in columns
        ]
        parts.append(np.array(codes, dtype=np.float64).T)
    return np.concatenate(parts)


def _text(value: Any) -> str | None:
    if value is None or value != value or value == "":  # noqa: PLR0124 (nan of any type)
        return None
    return str(int(value)) if isinstance(value, float) and value.is_integer() else str(value).strip()


def _pairs(table: NDArray[np.float64], labels: Sequence[str]) -> Iterator[str]:
    for (first, one), (second, other) in combinations(zip(labels, table.T, strict=True), 2):
        both = np.isfinite(one) & np.isfinite(other)
        kappa = cohen_kappa.analyze(one[both], other[both]).kappa if both.any() else None
        yield f"{first} and {second} {'unknown' if kappa is None else format(kappa, '.3f')}"


def _with_probabilities(
    rows: Rows, label: str, probabilities: Mapping[str, str]
) -> tuple[NDArray[np.int64], NDArray[np.float64], NDArray[np.int64]]:
    """Labels as numbers of classes, probabilities, and the numbers of those rows that have both."""
    classes = {name: number for number, name in enumerate(probabilities)}
    labels, parts = [], []
    for batch in rows.batches([label, *probabilities.values()]):
        labels += [classes.get(_text(each) or "", -1) for each in batch.column(label).to_pylist()]
        columns = [pc.cast(batch.column(name), pa.float64()) for name in probabilities.values()]
        parts.append(np.stack([column.to_numpy(zero_copy_only=False) for column in columns], axis=1))
    given, table = np.array(labels, dtype=np.int64), np.concatenate(parts)
    usable = np.flatnonzero((given >= 0) & np.isfinite(table).all(axis=1))
    if len(set(given[usable].tolist())) < len(classes):
        lacking = [name for name, number in classes.items() if number not in given[usable]]
        raise InvalidInputError(f"no usable row has the label {', '.join(lacking)}; name the classes as the file does")
    return given[usable], table[usable], usable
