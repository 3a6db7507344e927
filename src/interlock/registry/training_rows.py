"""Tells whether reference rows are the rows a model was trained on: its answers to those are too good to watch by.

Called by the examining process. Estimators leave traces of their training data. Rows and means can be compared, and
tell; a count alone is no proof (half of the rows are as many as the other half), and is worded as what it is.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from interlock.domain.ports import Columns, rows_of
from interlock.runtimes.sklearn import parts_of

_HARM = "give rows it has not seen, or drift of the output and quality will be judged by answers that are too good"
SAME = f"the reference rows are the rows the model was trained on ({{trace}}); {_HARM}"
AS_MANY = (
    f"the reference has exactly as many rows ({{rows}}) as {{part}} was trained on; if they are the same rows, {_HARM}"
)

# Of the spread of a column: means of other rows differ by some 1 / sqrt(rows) of it.
_ROUNDING = 1e-7


def warn_of_training_rows(estimator: Any, columns: Columns) -> str | None:
    """The sentence of the warning, or None if nothing tells."""
    rows = rows_of(columns)
    parts = parts_of(estimator)
    # Behind a first step that knows names, a part without them saw what that step made of the columns.
    is_named = hasattr(estimator, "feature_names_in_")
    compared = [_compare(part, columns, rows, is_named=is_named) for part in parts]
    if True in compared:
        part = type(parts[compared.index(True)]).__name__
        return SAME.format(trace=f"{part} learnt exactly their number and their values")
    if False in compared:
        return None
    for part in parts:
        if not _is_comparable(part) and _rows_seen(part) == rows:
            return AS_MANY.format(rows=rows, part=type(part).__name__)
    return None


def _is_comparable(part: Any) -> bool:
    mean = getattr(part, "mean_", None)
    return (isinstance(mean, np.ndarray) and mean.ndim == 1) or _stored(part) is not None


def _stored(part: Any) -> NDArray[Any] | None:
    rows = getattr(part, "_fit_X", None)  # nearest neighbours
    return rows if isinstance(rows, np.ndarray) and rows.ndim == 2 else None


def _compare(part: Any, columns: Columns, rows: int, *, is_named: bool) -> bool | None:
    """Whether a part learnt from these very rows; None if it does not tell."""
    if not _is_comparable(part):
        return None
    names = [str(name) for name in getattr(part, "feature_names_in_", ())]
    numbers = [columns[name] for name in names or columns if _is_numbers(columns.get(name))]
    if not numbers or (names and len(numbers) != len(names)):
        return None
    if _rows_seen(part) not in (None, rows):
        return False
    values, stored = np.column_stack(numbers).astype(np.float64), _stored(part)
    if _same_means(values, part.mean_) if stored is None else _same_rows(values, stored):
        return True
    return None if is_named and not names else False


def _is_numbers(values: NDArray[Any] | None) -> bool:
    return values is not None and values.dtype.kind in "fiub" and values.ndim <= 2


def _same_rows(values: NDArray[np.float64], stored: NDArray[Any]) -> bool:
    """In whichever order."""
    if values.shape != stored.shape:
        return False
    return np.array_equal(np.sort(values, axis=0), np.sort(stored, axis=0), equal_nan=True)


def _same_means(values: NDArray[np.float64], learnt: NDArray[Any]) -> bool:
    """Whether every learnt mean is that of a column; a scaler inside a column transformer saw some of them."""
    known = ~np.isnan(values)
    count = np.maximum(known.sum(axis=0), 1)
    means = np.where(known, values, 0).sum(axis=0) / count
    spread = np.sqrt((np.where(known, values - means, 0) ** 2).sum(axis=0) / count)
    is_near = np.abs(means - learnt[:, None]) <= _ROUNDING * spread + 1e-12 * np.abs(means)
    return bool(is_near.any(axis=1).all())


def _rows_seen(part: Any) -> int | None:
    for name in ("n_samples_seen_", "n_samples_fit_", "n_samples_"):
        seen = getattr(part, name, None)
        if seen is not None:
            return int(np.max(seen))
    tree = getattr(part, "tree_", None)
    if tree is not None:
        return int(tree.n_node_samples[0])
    predictors = getattr(part, "_predictors", None)  # histogram gradient boosting
    if predictors:
        return int(predictors[0][0].nodes["count"][0])
    return None
