"""The ready-made trainer for scikit-learn: the champion's own recipe on new rows, or the champion taught further.

Called by the trainer's process as `trainer: sklearn`. From scratch the champion is cloned and fitted anew. Fine-tuned,
the steps before the last stay as they are, and the last one goes on: by `partial_fit`, or by `warm_start`.
"""

import logging
from typing import Any

import numpy as np
from numpy.typing import NDArray

from interlock.domain.errors import InvalidInputError, UnloadableModelError
from interlock.learning import truth
from interlock.learning.context import TrainingContext
from interlock.runtimes.frameworks import framework
from interlock.runtimes.sklearn import EstimatorInput
from interlock.scoring.feeding import UnfeedableError, feed

_log = logging.getLogger(__name__)

_BATCH_ROWS = 10_000
# Of its size, where an ensemble goes on and nothing is said: `parameters: {more: N}`.
_MORE = 0.1


def train(context: TrainingContext) -> Any:
    """Train.

    Raises:
        UnloadableModelError: The champion is no estimator that can be opened here.
        InvalidInputError: It cannot be taught further, or takes no weights where rows are weighted.
    """
    parent = context.load_parent()
    if not (hasattr(parent, "fit") and hasattr(parent, "get_params")):
        raise UnloadableModelError(
            f"{context.parent.ref} is a {type(parent).__name__}, no estimator of scikit-learn; write a trainer"
        )
    rows, labels, weights = _rows(context, parent)
    context.progress(0.1, f"{len(labels):,} rows")
    if context.mode == "fine_tune":
        return _teach_further(context, parent, rows, labels, weights)
    model = framework("sklearn.base", "sklearn").clone(parent)
    _configure(context, model)
    model.fit(rows, labels, **_weighted(model, weights))
    context.progress(1.0, "fitted")
    return model


def _rows(context: TrainingContext, parent: Any) -> tuple[Any, NDArray[Any], NDArray[np.float64] | None]:
    """Rows as the server feeds them to the champion, their labels, and their weights if these differ."""
    table = context.logged
    try:
        fed = feed(context.contract, table, context.read_image)
    except UnfeedableError as error:
        raise InvalidInputError(f"the champion cannot be fed with the log's rows: {error}") from error
    if fed.reason:
        _log.warning("%d rows are left out: %s", table.num_rows - len(fed.index), fed.reason)
    kept = table.take(fed.index)
    weights = np.asarray(kept["weight"].to_numpy(), dtype=np.float64)
    labels = truth.as_trained(context.contract, kept["label"])
    return EstimatorInput(parent, context.contract)(fed.columns), labels, None if np.ptp(weights) == 0 else weights


def _configure(context: TrainingContext, model: Any) -> None:
    names = [name for name in model.get_params(deep=True) if name.rpartition("__")[2] == "random_state"]
    model.set_params(**dict.fromkeys(names, context.seed))
    try:
        model.set_params(**context.parameters)
    except ValueError as error:
        raise InvalidInputError(f"parameters: {error}") from error


def _weighted(model: Any, weights: NDArray[np.float64] | None) -> dict[str, Any]:
    """Arguments of `fit` that carry weights; through a pipeline they reach its last step."""
    if weights is None:
        return {}
    steps = getattr(model, "steps", None)
    last = steps[-1][1] if steps else model
    if not framework("sklearn.utils.validation", "sklearn").has_fit_parameter(last, "sample_weight"):
        raise InvalidInputError(
            f"{type(last).__name__} takes no weights; leave half_life_days out, and send labels without weights"
        )
    return {f"{steps[-1][0]}__sample_weight" if steps else "sample_weight": weights}


def _teach_further(
    context: TrainingContext, parent: Any, rows: Any, labels: NDArray[Any], weights: NDArray[np.float64] | None
) -> Any:
    steps = getattr(parent, "steps", None)
    last = steps[-1][1] if steps else parent
    if steps and len(steps) > 1:
        rows = parent[:-1].transform(rows)
    if hasattr(last, "partial_fit"):
        _in_batches(context, last, rows, labels, weights)
    elif "warm_start" in last.get_params():
        _grow(context, last)
        last.fit(rows, labels, **_weighted(last, weights))
    else:
        raise InvalidInputError(
            f"{type(last).__name__} has neither partial_fit nor warm_start and cannot be taught further; "
            "say mode: scratch"
        )
    context.progress(1.0, "taught further")
    return parent


def _in_batches(
    context: TrainingContext, model: Any, rows: Any, labels: NDArray[Any], weights: NDArray[np.float64] | None
) -> None:
    epochs, count = int(context.parameters.get("epochs", 1)), len(labels)
    rng = np.random.default_rng(context.seed)
    for epoch in range(epochs):
        order = rng.permutation(count)
        for start in range(0, count, _BATCH_ROWS):
            some = order[start : start + _BATCH_ROWS]
            part = rows.iloc[some] if hasattr(rows, "iloc") else rows[some]
            model.partial_fit(part, labels[some], **_weighted(model, None if weights is None else weights[some]))
            context.progress((epoch + start / count) / epochs, f"epoch {epoch + 1} of {epochs}")


def _grow(context: TrainingContext, model: Any) -> None:
    """Let `fit` go on from what it has: an ensemble adds members, a linear model begins at its coefficients."""
    model.set_params(warm_start=True)
    is_boosting = type(model).__name__.startswith("HistGradientBoosting")
    size = "n_estimators" if hasattr(model, "n_estimators") else "max_iter" if is_boosting else None
    if size is not None:
        now = getattr(model, size)
        model.set_params(**{size: now + int(context.parameters.get("more", max(1, round(now * _MORE))))})
