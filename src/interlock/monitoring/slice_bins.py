"""Columns of logged rows as few bins, each with the condition that says the same: what slices are made of.

Called by `error_slices`. A condition and its bin always hold for the same rows, so a slice that is kept as a rule
counts what was proposed. It refuses columns without bins of use: times, lists, texts of which hardly any comes twice.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from interlock.domain.row_condition import Condition

Codes = NDArray[np.int64]

_QUANTILES = (0.2, 0.4, 0.6, 0.8)
_FEW_VALUES = 8
_MOST_CATEGORIES = 10
_DIGITS = 3


@dataclass(frozen=True, slots=True)
class BinnedColumn:
    """A column's bins.

    Args:
        codes: The bin of each row, from 0; -1 for a row in none of them.
        conditions: What each bin means.
    """

    codes: Codes
    conditions: tuple[tuple[Condition, ...], ...]


def binned(name: str, values: pa.ChunkedArray, learnt_on: NDArray[np.bool_]) -> BinnedColumn | None:
    """Cut a column into bins.

    Args:
        name: As conditions name it.
        values: One a row.
        learnt_on: Rows that tell where to cut; the others are cut alike.

    Returns:
        None for a column of a kind that is not cut, or with one bin for everything.
    """
    if pa.types.is_boolean(values.type):
        values = values.cast(pa.string())
    if pa.types.is_integer(values.type) or pa.types.is_floating(values.type):
        found = _numbers(name, values, learnt_on)
    elif pa.types.is_string(values.type):
        found = _texts(name, values, learnt_on)
    else:
        return None
    return found if len(found.conditions) > 1 else None


def _numbers(name: str, values: pa.ChunkedArray, learnt_on: NDArray[np.bool_]) -> BinnedColumn:
    numbers = values.cast(pa.float64()).to_numpy()
    missing = np.asarray(pc.is_null(values).to_numpy(), dtype=np.bool_)
    known = numbers[learnt_on & np.isfinite(numbers)]
    distinct = np.unique(known)
    if len(distinct) <= _FEW_VALUES:
        codes = _where(numbers, distinct.tolist())
        conditions: list[tuple[Condition, ...]] = [(Condition(name, "=", _spelt(float(each))),) for each in distinct]
    else:
        edges = np.unique([_rounded(each) for each in np.quantile(known, _QUANTILES)])
        codes = np.where(np.isfinite(numbers), np.searchsorted(edges, numbers, side="left"), -1)
        conditions = [_between(name, edges.tolist(), number) for number in range(len(edges) + 1)]
    return _with_missing(name, codes, conditions, missing)


def _between(name: str, edges: Sequence[float], number: int) -> tuple[Condition, ...]:
    above = (Condition(name, ">", f"{edges[number - 1]:g}"),) if number > 0 else ()
    below = (Condition(name, "<=", f"{edges[number]:g}"),) if number < len(edges) else ()
    return above + below


def _spelt(value: float) -> str:
    return repr(value).removesuffix(".0")


def _rounded(value: float) -> float:
    """An edge that people can read; spelt by `:g` it is the same number."""
    return float(f"{float(f'{value:.{_DIGITS}g}'):g}")


def _texts(name: str, values: pa.ChunkedArray, learnt_on: NDArray[np.bool_]) -> BinnedColumn:
    learnt = values.filter(pa.array(learnt_on)).drop_null()
    counted = sorted(
        ((each["counts"], each["values"]) for each in pc.value_counts(learnt).to_pylist()),
        key=lambda each: (-each[0], each[1]),
    )
    often = [value for times, value in counted[:_MOST_CATEGORIES] if times > 1]
    if len(counted) > len(learnt) / 2:
        often = []
    indices = pc.index_in(values, pa.array(often, pa.string()))
    codes = np.asarray(pc.fill_null(indices, -1).to_numpy(), dtype=np.int64)
    missing = np.asarray(pc.is_null(values).to_numpy(), dtype=np.bool_)
    codes[missing] = -1
    return _with_missing(name, codes, [(Condition(name, "=", value),) for value in often], missing)


def _where(numbers: NDArray[np.float64], distinct: Sequence[float]) -> Codes:
    codes = np.full(len(numbers), -1, dtype=np.int64)
    for number, value in enumerate(distinct):
        codes[numbers == value] = number
    return codes


def _with_missing(
    name: str, codes: Codes, conditions: Sequence[tuple[Condition, ...]], missing: NDArray[np.bool_]
) -> BinnedColumn:
    if not missing.any():
        return BinnedColumn(codes, tuple(conditions))
    with_missing = np.where(missing, len(conditions), codes)
    return BinnedColumn(with_missing, (*conditions, (Condition(name, "missing"),)))
