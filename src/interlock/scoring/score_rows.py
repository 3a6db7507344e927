"""Answers become rows of the scores table. Called by paired scoring."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from interlock.domain.contract import Contract
from interlock.predictions.log_schema import SCORES, field_types, place


@dataclass(frozen=True)
class Scored:
    """What one version said to some rows; `outputs` holds a value for each row that is `ok`, in order."""

    version: str
    contract: Contract
    prediction_ids: Sequence[str]
    status: NDArray[np.object_]
    outputs: Mapping[str, Sequence[Any]]


def table(scored: Sequence[Scored], release_id: str, at: datetime, present: pa.Schema) -> pa.Table:
    """Rows as the table has them.

    Args:
        scored: At least one.
        release_id: Of which release.
        at: When they were scored.
        present: Columns of the table so far.
    """
    parts = []
    for each in scored:
        part = _rows(each, release_id, at)
        placed = place(present, part.schema)
        present = pa.schema([*present, *(field for field in placed if field.name not in present.names)])
        parts.append(pa.Table.from_arrays(part.columns, schema=placed))
    return pa.concat_tables(parts, promote_options="default")


def _rows(scored: Scored, release_id: str, at: datetime) -> pa.Table:
    rows = len(scored.prediction_ids)
    base = {
        "prediction_id": scored.prediction_ids,
        "version": [scored.version] * rows,
        "release_id": [release_id] * rows,
        "status": scored.status.tolist(),
        "at": [at] * rows,
    }
    columns = {name: pa.array(base[name], SCORES.field(name).type) for name in SCORES.names}
    answered = np.flatnonzero(scored.status == "ok")
    for name, kind in field_types(scored.contract).items():
        side, _, output = name.partition(".")
        if side == "output":
            columns[name] = _spread(scored.outputs.get(output, ()), answered, rows, kind)
    return pa.table(columns)


def _spread(values: Sequence[Any], answered: NDArray[np.int64], rows: int, kind: pa.DataType) -> pa.Array:
    spread: list[Any] = [None] * rows
    if len(values):
        for at, value in zip(answered.tolist(), values, strict=True):
            spread[at] = value
    return pa.array(spread, kind, from_pandas=True)
