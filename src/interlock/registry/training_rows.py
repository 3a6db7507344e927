"""Tells whether reference rows are the rows a model was trained on: its answers to those are too good to watch by.

Called by the examining process. Estimators leave traces of their training data: how many rows they saw, and the mean.
"""

from typing import Any

import numpy as np

from interlock.domain.ports import Columns, rows_of
from interlock.runtimes.sklearn import parts_of

SENTENCE = (
    "the reference rows look like the rows the model was trained on ({trace}); give rows it has not seen, or drift of "
    "the output and quality will be judged by answers that are too good"
)


def warn_of_training_rows(estimator: Any, columns: Columns) -> str | None:
    """The sentence of the warning, or None if nothing tells."""
    rows = rows_of(columns)
    for part in parts_of(estimator):
        seen = _rows_seen(part)
        if seen == rows:
            return SENTENCE.format(trace=f"{type(part).__name__} saw {rows} rows too")
        if _has_mean_of(part, columns):
            return SENTENCE.format(trace=f"{type(part).__name__} learnt exactly their mean")
    return None


def _rows_seen(part: Any) -> int | None:
    for name in ("n_samples_seen_", "n_samples_fit_"):
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


def _has_mean_of(part: Any, columns: Columns) -> bool:
    learnt = getattr(part, "mean_", None)
    names = getattr(part, "feature_names_in_", None)
    if learnt is None or np.ndim(learnt) != 1:
        return False
    numbers = (
        [columns[str(name)] for name in names if str(name) in columns] if names is not None else [*columns.values()]
    )
    if len(numbers) != len(learnt) or any(values.dtype.kind not in "fib" or values.ndim != 1 for values in numbers):
        return False
    means = np.array([np.nanmean(values) if len(values) else np.nan for values in numbers])
    return bool(np.allclose(means, learnt, rtol=1e-9, atol=0, equal_nan=False))
