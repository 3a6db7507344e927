"""Quality by groups of rows: slices of the data, and protected groups of people.

Slices are compared by the loss of their rows. Protected groups are measured by Fairlearn (extra `fairness`), whose
figures auditors know. A group of few rows is shown and not compared: its figure is mostly chance.
"""

from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from interlock.application_test.quality import Losses
from interlock.domain.application_tests import Gap, Group

FEWEST_ROWS = 30
_MOST_VALUES = 20
_MISSING = "missing"

# What a group's mean loss is called where it is turned around, as people read it.
_SHOWN = {"error_rate": "accuracy"}


def slices_of(column: str, values: Sequence[Any], losses: Losses) -> tuple[list[Group], list[Gap]]:
    """Mean loss by group of one column, and the largest differences.

    Args:
        values: Of the column, one a row.
        losses: One a row, by metric.
    """
    names = group_names(values)
    groups = [_group(column, name, names == name, losses) for name in sorted(set(names.tolist()))]
    return groups, [_gap(column, metric, groups, losses) for metric in losses]


def _group(column: str, value: str, mine: NDArray[np.bool_], losses: Losses) -> Group:
    metrics = {}
    rows = 0
    for metric, of_rows in losses.items():
        known = of_rows[mine & np.isfinite(of_rows)]
        rows = max(rows, len(known))
        if len(known):
            metrics[_SHOWN.get(metric, metric)] = float(1 - known.mean() if metric in _SHOWN else known.mean())
    return Group(kind="slice", column=column, value=value, rows=rows, metrics=metrics)


def _gap(column: str, metric: str, groups: Sequence[Group], losses: Losses) -> Gap:
    """Of a mean absolute error the difference is told as a share of the overall one: it has the target's unit."""
    shown = _SHOWN.get(metric, metric)
    found = [group.metrics[shown] for group in groups if group.rows >= FEWEST_ROWS and shown in group.metrics]
    difference = max(found) - min(found) if len(found) > 1 else None
    overall = float(np.nanmean(losses[metric]))
    if metric == "mae" and difference is not None and overall > 0:
        difference /= overall
    return Gap(kind="slice", column=column, metric=shown, difference=difference)


def group_names(values: Sequence[Any]) -> "NDArray[np.object_]":
    """The group of each row: its value, or the quarter of the values that it is in where numbers are many.

    Examples:
        >>> group_names(["a", None, "a"]).tolist()
        ['a', 'missing', 'a']
        >>> sorted(set(group_names(range(100)).tolist()))
        ['0 to 24.75', '24.75 to 49.5', '49.5 to 74.25', '74.25 to 99']
    """
    known = [value for value in values if value is not None]
    is_number = bool(known) and all(isinstance(value, int | float) for value in known)
    if is_number and len(set(known)) > _MOST_VALUES:
        return _quarters(values, np.quantile(np.array(known, dtype=np.float64), [0, 0.25, 0.5, 0.75, 1]))
    return np.array([_MISSING if value is None else str(value) for value in values], dtype=object)


def _quarters(values: Sequence[Any], edges: NDArray[np.float64]) -> "NDArray[np.object_]":
    spelled = [f"{low:.4g} to {high:.4g}" for low, high in pairwise(edges.tolist())]
    places = [None if value is None else int(np.searchsorted(edges[1:-1], value, side="left")) for value in values]
    return np.array([_MISSING if place is None else spelled[place] for place in places], dtype=object)


def by_column(columns: Mapping[str, list[Any]], names: Sequence[str], losses: Losses) -> tuple[list[Group], list[Gap]]:
    """All slices of some columns."""
    groups: list[Group] = []
    gaps: list[Gap] = []
    for name in names:
        more_groups, more_gaps = slices_of(name, columns[name], losses)
        groups, gaps = groups + more_groups, gaps + more_gaps
    return groups, gaps
