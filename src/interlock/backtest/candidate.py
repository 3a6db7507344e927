"""The candidate of a backtest: the champion, with a fault. What it would have said to every row of the past."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from interlock.backtest.report import Fault
from interlock.domain.errors import ConflictError, InvalidInputError
from interlock.domain.model import ModelVersion
from interlock.predictions.log_schema import TIME, field_name
from interlock.scoring.asking import AskedVersion
from interlock.scoring.feeding import ReadImage, UnfeedableError, complete, feed
from interlock.scoring.score_rows import Scored, table

# Answers that differ by less are the same, as in an application test.
_SAME = 1e-5

Load = Callable[[], AskedVersion]


@dataclass(frozen=True, slots=True)
class Answers:
    """What the candidate says.

    Args:
        rows: The rows that it was asked for; others could not be fed from the log.
        status: `ok`, or why there is no answer.
        outputs: Columns `output.<name>`, as the log has the champion's.
        differs: Whether the answer is another than the champion's.
        left_out: Why rows are missing; empty if none are.
    """

    rows: pa.Table
    status: NDArray[np.object_]
    outputs: pa.Table
    differs: NDArray[np.bool_]
    left_out: str = ""


def answers_of(
    version: ModelVersion, rows: pa.Table, fault: Fault, rng: np.random.Generator, load: Load, images: ReadImage
) -> Answers:
    """Answer rows as the champion with a fault.

    Args:
        version: The champion.
        rows: As of `history.read`.
        fault: Which.
        rng: Draws failures and wrong values.
        load: Loads the champion; called where a column is wrongly fed.
        images: Reads kept images.

    Raises:
        InvalidInputError: The champion takes no such column.
        ConflictError: The log does not hold what it would be fed with.
    """
    left_out = ""
    status = np.full(rows.num_rows, "ok", dtype=np.object_)
    outputs = rows.select([name for name in rows.column_names if name.startswith("output.")])
    if fault.column:
        rows, left_out = _whole(version, rows)
        fed_wrongly = _fed_wrongly(version, rows, fault.column, rng)
        outputs, status = _ask(version, fed_wrongly, load, images)
    failed = _failing(rows, fault.errors, rng)
    status[failed] = "model_error"
    differs = (status == "ok") & _differs(rows, outputs)
    return Answers(rows, status, outputs, differs, left_out)


def _whole(version: ModelVersion, rows: pa.Table) -> tuple[pa.Table, str]:
    logged = complete(version.contract, rows)
    if not logged.rows.any():
        raise ConflictError(f"no row can be fed again: {logged.reason}")
    return (rows.filter(pa.array(logged.rows)), logged.reason) if logged.reason else (rows, "")


def _fed_wrongly(version: ModelVersion, rows: pa.Table, column: str, rng: np.random.Generator) -> pa.Table:
    if version.contract.input(column) is None:
        there = ", ".join(field.name for field in version.contract.inputs)
        raise InvalidInputError(f"column == {column!r}, {version.ref} takes no such input; it takes: {there}")
    others = pa.array(rng.permutation(rows.num_rows))
    for at, field in enumerate(rows.schema):
        if field_name(field) == f"input.{column}":
            rows = rows.set_column(at, field, rows.column(at).take(others))
    return rows


def _ask(version: ModelVersion, rows: pa.Table, load: Load, images: ReadImage) -> tuple[pa.Table, NDArray[np.object_]]:
    asked = load()
    try:
        fed = feed(version.contract, rows, images)
        found = asked.ask(fed.columns)
    except UnfeedableError as error:
        raise ConflictError(f"no row can be fed again: {error}") from error
    finally:
        asked.close()
    status = np.full(rows.num_rows, "model_error", dtype=np.object_)
    status[fed.index] = found.status
    scored = Scored(version.ref, version.contract, rows["prediction_id"].to_pylist(), status, found.outputs)
    answered = table([scored], "", pa.scalar(0, TIME).as_py(), pa.schema([]))
    return answered.select([name for name in answered.column_names if name.startswith("output.")]), status


def _failing(rows: pa.Table, share: float, rng: np.random.Generator) -> NDArray[np.bool_]:
    """Rows of the requests that fail: the rows of one request fail together."""
    if share == 0:
        return np.zeros(rows.num_rows, dtype=np.bool_)
    request = rows["request_id"].combine_chunks().dictionary_encode().indices.to_numpy()
    return np.asarray((rng.random(int(request.max()) + 1) < share)[request])


def _differs(rows: pa.Table, outputs: pa.Table) -> NDArray[np.bool_]:
    """Rows on which the class is another one; without classes, any number."""
    shared = [name for name in outputs.column_names if name in rows.column_names]
    judged = [name for name in shared if name == "output.label"] or shared
    found = np.zeros(rows.num_rows, dtype=np.bool_)
    for name in judged:
        found |= np.array([_is_other(*pair) for pair in zip(_list(rows[name]), _list(outputs[name]), strict=True)])
    return found


def _list(column: pa.ChunkedArray) -> list[object]:
    return list(column.to_pylist())


def _is_other(ours: object, theirs: object) -> bool:
    if ours == theirs:
        return False
    if isinstance(ours, int | float | list) and isinstance(theirs, int | float | list):
        return not np.allclose(ours, theirs, rtol=_SAME, atol=_SAME, equal_nan=True)
    return ours != theirs
