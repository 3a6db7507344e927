"""A live estimator and arrays as the files that registration takes.

Called by `interlock.serve(model, X, y)`: the estimator becomes a skops file, without pickle; the rows become a Parquet
file. It refuses estimators that skops cannot save, and says what else to do.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from interlock.domain.errors import InvalidInputError, UnloadableModelError
from interlock.runtimes.frameworks import framework

_LABEL = "label"


@dataclass(frozen=True, slots=True)
class SavedModel:
    """Paths to register. `label` is the column of `reference` that holds y, None without y."""

    source: Path
    reference: Path | None
    label: str | None


def save_live(model: Any, rows: Any, truth: Any, folder: Path) -> SavedModel:
    """Save a fitted estimator with rows it has not seen.

    Args:
        model: Fitted.
        rows: pandas, Polars or Arrow table, or a two-dimensional array; None for no reference.
        truth: Their labels, in the same order; None for none.
        folder: Where the files go.

    Raises:
        UnloadableModelError: It cannot be saved without pickle.
        InvalidInputError: Rows or labels have the wrong shape.
    """
    source = folder / "model.skops"
    try:
        framework("skops.io", "sklearn").dump(model, source)
    except UnloadableModelError:
        raise
    except Exception as error:  # skops refuses in many ways: unsupported types, lambdas, locks
        raise UnloadableModelError(
            f"{type(model).__name__} cannot be saved without pickle ({str(error)[:200]}); "
            "joblib.dump it and register the file with --trust-pickle"
        ) from error
    if rows is None:
        return SavedModel(source, None, None)
    table = _table(rows, getattr(model, "feature_names_in_", None))
    label = None
    if truth is not None:
        label = _free_name(table.column_names)
        table = table.append_column(label, _truth(truth, table.num_rows))
    reference = folder / "reference.parquet"
    pq.write_table(table, reference)
    return SavedModel(source, reference, label)


def _table(rows: Any, names: Any) -> pa.Table:
    if isinstance(rows, pa.Table):
        return rows
    if hasattr(rows, "__arrow_c_stream__") and hasattr(rows, "columns"):  # Polars, and pandas without its index
        return pa.Table.from_pandas(rows, preserve_index=False) if hasattr(rows, "iloc") else pa.table(rows)
    if hasattr(rows, "iloc"):
        return pa.Table.from_pandas(rows, preserve_index=False)
    array = np.asarray(rows)
    if array.ndim != 2:
        raise InvalidInputError(f"X has {array.ndim} dimension(s), must have two: rows and columns")
    wanted = [str(name) for name in names] if names is not None else [f"x{at}" for at in range(array.shape[1])]
    if len(wanted) != array.shape[1]:
        raise InvalidInputError(
            f"X has {array.shape[1]} columns, must have the {len(wanted)} the model was fitted with"
        )
    return pa.table({name: pa.array(array[:, at].tolist()) for at, name in enumerate(wanted)})


def _truth(truth: Any, rows: int) -> pa.Array:
    values = np.asarray(truth).reshape(-1) if not isinstance(truth, pa.ChunkedArray) else truth.to_numpy()
    if len(values) != rows:
        raise InvalidInputError(f"y has {len(values)} values, must have one for each of the {rows} rows of X")
    return pa.array(values.tolist())


def _free_name(taken: list[str]) -> str:
    name = _LABEL
    while name in taken:
        name += "_"
    return name
