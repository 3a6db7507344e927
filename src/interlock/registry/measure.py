"""How long a model takes for one row, and where it may run because of that."""

import time
from statistics import median

import numpy as np

from interlock.domain.contract import Contract, Field
from interlock.domain.errors import ModelFailedError
from interlock.domain.model import ModelFormat, Placement
from interlock.domain.ports import Columns, Predictor, default_column, element_type, rows_of, take
from interlock.registry.reference import spread
from interlock.runtimes.inline import LOOP_BUDGET_US

_CALLS = 200
_ROWS = 50
_SECONDS = 2.0


def row_us(predictor: Predictor, columns: Columns) -> float | None:
    """Median microseconds of a call with one row, over some 200 calls; None if it answers none of 50 rows."""
    sample = spread(columns, rows_of(columns), _ROWS)
    rows = [take(sample, slice(at, at + 1)) for at in range(rows_of(sample))]
    rows = [row for row in rows if _answers(predictor, row)]
    if not rows:
        return None
    taken: list[float] = []
    end = time.perf_counter() + _SECONDS
    while len(taken) < _CALLS and time.perf_counter() < end:
        start = time.perf_counter()
        predictor.predict(rows[len(taken) % len(rows)])
        taken.append((time.perf_counter() - start) * 1e6)
    return median(taken)


def placement(serving_format: ModelFormat, measured_us: float | None, *, may_be_inline: bool) -> Placement:
    """Where a version runs: only bounded data may run in a gateway worker, and in its event loop only what is quick."""
    if serving_format == "remote":
        return "remote"
    if serving_format != "onnx" or not may_be_inline:
        return "isolated"
    return "inline" if measured_us is not None and measured_us < LOOP_BUDGET_US else "thread"


def plain_row(contract: Contract) -> Columns:
    """One row of zeros and first categories, to measure with where there is no reference data. Sizes that vary are 1,
    those of images 64.
    """
    return {field.name: _plain(field) for field in contract.inputs}


def _plain(field: Field) -> "np.ndarray[tuple[int, ...], np.dtype[np.generic]]":
    if field.is_parameter:
        return default_column(field, 1)
    any_size = 64 if field.image is not None else 1
    shape = (1, *(any_size if size == -1 else size for size in field.shape))
    if field.is_text:
        return np.full(shape, (field.categories or ("",))[0], dtype=object)
    return np.zeros(shape, dtype=element_type(field))


def _answers(predictor: Predictor, row: Columns) -> bool:
    try:
        predictor.predict(row)
    except ModelFailedError:
        return False
    return True
