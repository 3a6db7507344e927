"""Protected groups of people, measured by Fairlearn's MetricFrame (extra `fairness`).

Called by `run` where somebody names such columns. Without the extra it says so and measures nothing: a figure that
auditors will read is not made up by a second implementation.
"""

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from interlock.application_test.asking import AskedRows
from interlock.application_test.groups import FEWEST_ROWS, group_names
from interlock.application_test.quality import Truth
from interlock.domain.application_tests import Gap, Group
from interlock.domain.contract import Contract
from interlock.domain.errors import InvalidInputError

Metric = Callable[..., Any]


def check_installed() -> None:
    """Raises InvalidInputError without Fairlearn."""
    try:
        import fairlearn.metrics  # noqa: F401
    except ImportError as error:
        raise InvalidInputError(
            "protected groups are measured by Fairlearn, which is not installed here: pip install 'interlock[fairness]'"
        ) from error


def protected_of(contract: Contract, asked: AskedRows, happened: Truth, column: str) -> tuple[list[Group], list[Gap]]:
    """Every metric of the task, by group of one column, and the largest differences between groups."""
    actual, given, index = _pairs(contract, asked, happened)
    names = group_names(asked.rows.groups[column])[index]
    counts = {name: int((names == name).sum()) for name in sorted(set(names.tolist()))}
    if not counts:
        return [], []
    metrics = _metrics(contract)
    groups = _by_group(column, metrics, actual, given, names, counts)
    large = np.isin(names, [name for name, rows in counts.items() if rows >= FEWEST_ROWS])
    return groups, _gaps(column, metrics, actual[large], given[large], names[large])


def _pairs(
    contract: Contract, asked: AskedRows, happened: Truth
) -> tuple[NDArray[Any], NDArray[Any], NDArray[np.int64]]:
    """What happened and what was predicted, for rows where both are known, and which rows those are."""
    index = np.array(asked.index, dtype=np.int64)
    outputs = asked.outputs
    actual: NDArray[Any]
    if happened.classes is not None:
        actual = happened.classes[index]
        place = {one: at for at, one in enumerate(contract.classes)}
        given = np.array([place.get(one, -1) for one in outputs["label"].tolist()]) if "label" in outputs else actual
        known = actual >= 0
    else:
        assert happened.numbers is not None
        actual = happened.numbers[index]
        given = outputs.get("prediction", actual)
        known = np.isfinite(actual)
    return actual[known], given[known], index[known]


def _metrics(contract: Contract) -> dict[str, Metric]:
    from fairlearn.metrics import false_positive_rate, selection_rate, true_positive_rate
    from sklearn.metrics import accuracy_score, mean_absolute_error

    if not contract.is_classifier:
        return {"mae": mean_absolute_error}
    if contract.task != "binary":
        return {"accuracy": accuracy_score}
    return {
        "accuracy": accuracy_score,
        "selection_rate": selection_rate,
        "true_positive_rate": true_positive_rate,
        "false_positive_rate": false_positive_rate,
    }


def _by_group(
    column: str,
    metrics: dict[str, Metric],
    actual: NDArray[Any],
    given: NDArray[Any],
    names: "NDArray[np.object_]",
    counts: dict[str, int],
) -> list[Group]:
    from fairlearn.metrics import MetricFrame

    table = MetricFrame(metrics=metrics, y_true=actual, y_pred=given, sensitive_features=names).by_group
    return [
        Group(kind="protected", column=column, value=name, rows=rows, metrics=_defined(table.loc[name].to_dict()))
        for name, rows in counts.items()
    ]


def _gaps(
    column: str, metrics: dict[str, Metric], actual: NDArray[Any], given: NDArray[Any], names: "NDArray[np.object_]"
) -> list[Gap]:
    if len(set(names.tolist())) < 2:
        return [Gap(kind="protected", column=column, metric=name, difference=None) for name in metrics]
    from fairlearn.metrics import MetricFrame

    found = MetricFrame(metrics=metrics, y_true=actual, y_pred=given, sensitive_features=names).difference().to_dict()
    return [Gap(kind="protected", column=column, metric=name, difference=_number(found[name])) for name in metrics]


def _defined(row: dict[str, Any]) -> dict[str, float]:
    numbers = {name: _number(value) for name, value in row.items()}
    return {name: value for name, value in numbers.items() if value is not None}


def _number(value: Any) -> float | None:
    return float(value) if np.isfinite(value) else None


def all_of(
    contract: Contract, asked: AskedRows, happened: Truth, columns: Sequence[str]
) -> tuple[list[Group], list[Gap]]:
    """All protected groups of some columns."""
    groups: list[Group] = []
    gaps: list[Gap] = []
    for column in columns:
        more_groups, more_gaps = protected_of(contract, asked, happened, column)
        groups, gaps = groups + more_groups, gaps + more_gaps
    return groups, gaps
