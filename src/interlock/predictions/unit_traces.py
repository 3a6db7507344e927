"""Where rows of a unit are: under which ids, and in which data files of a log, also in those it has let go of.

Used by erasure. Predictions name their unit; labels, scores and rewards name the prediction, or the caller's request.
"""

from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.compute as pc

from interlock.predictions.delta_log import KINDS, DeltaLog, Kind
from interlock.predictions.relations import connect, text
from interlock.predictions.replacement import Unwanted

_MEMORY = "512MB"
_IDS = pa.schema([("prediction_id", pa.string()), ("request_id", pa.string()), ("request_row", pa.int32())])


@dataclass(frozen=True, slots=True)
class Traces:
    """What a log holds of a unit.

    Args:
        ids: Predictions of the unit, with the caller's request and row.
        files: By kind, the data files that hold rows of it, whether the table still refers to them or not.
    """

    ids: pa.Table
    files: dict[Kind, set[Path]]

    @property
    def kinds(self) -> list[Kind]:
        """Kinds with rows of the unit; the predictions, which tell its ids, come last."""
        return sorted((kind for kind, files in self.files.items() if files), key=lambda kind: kind == "predictions")

    def of_unit(self, names: Collection[str]) -> Unwanted:
        """Says which rows of predictions are the unit's."""
        return lambda batch: pc.is_in(batch["unit"], value_set=pa.array(names, pa.string()))

    def of_predictions(self) -> Unwanted:
        """Says which rows of another kind name a prediction of the unit, or its request."""
        names, requests = self.ids["prediction_id"], _requests(self.ids)

        def unwanted(batch: pa.RecordBatch) -> pa.Array:
            named = pc.is_in(batch["prediction_id"], value_set=names.combine_chunks(), skip_nulls=True)
            if not {"request_id", "request_row"} <= set(batch.schema.names):
                return named
            asked = pc.is_in(_requests(batch), value_set=requests.combine_chunks(), skip_nulls=True)
            return pc.or_(named, pc.and_(pc.is_null(batch["prediction_id"]), asked))

        return unwanted


def _requests(rows: pa.Table | pa.RecordBatch) -> pa.ChunkedArray:
    """Request and row as one text; null without a request."""
    return pc.binary_join_element_wise(rows["request_id"], pc.cast(rows["request_row"], pa.string()), "\0")


def find(log: DeltaLog, endpoint: str, names: Collection[str]) -> Traces:
    """Look for a unit in every data file of an endpoint.

    Args:
        log: A log, or a pin.
        endpoint: Whose.
        names: What the predictions call the unit: itself, or its hash.
    """
    database = connect(memory=_MEMORY)
    try:
        own = _read(log, "predictions", endpoint)
        ids = _ids(database, own, names)
        database.register("ids", ids)
        files: dict[Kind, set[Path]] = {"predictions": _files_of(database, own, names)}
        for kind in KINDS:
            if kind != "predictions":
                files[kind] = _files(database, _read(log, kind, endpoint))
        return Traces(ids, files)
    finally:
        database.close()


def data_files(log: DeltaLog, kind: Kind, endpoint: str) -> set[Path]:
    """Every data file in the table's folder."""
    folder = log.path(kind, endpoint)
    # Below `_delta_log` and other folders that begin like that there are no rows.
    return {path for path in folder.rglob("*.parquet") if not path.relative_to(folder).parts[0].startswith("_")}


def _read(log: DeltaLog, kind: Kind, endpoint: str) -> str | None:
    files = data_files(log, kind, endpoint)
    listed = ", ".join(text(str(file)) for file in sorted(files))
    options = "union_by_name = true, filename = true, hive_partitioning = false"
    return f"read_parquet([{listed}], {options})" if files else None


def _ids(database: duckdb.DuckDBPyConnection, predictions: str | None, names: Collection[str]) -> pa.Table:
    if predictions is None:
        return _IDS.empty_table()
    columns = ", ".join(_IDS.names)
    query = f"SELECT DISTINCT {columns} FROM {predictions} WHERE unit IN (SELECT unnest(?))"  # noqa: S608
    return pa.table(database.sql(query, params=[list(names)]).to_arrow_table()).cast(_IDS)


def _files_of(database: duckdb.DuckDBPyConnection, predictions: str | None, names: Collection[str]) -> set[Path]:
    if predictions is None:
        return set()
    query = f"SELECT DISTINCT filename FROM {predictions} WHERE unit IN (SELECT unnest(?))"  # noqa: S608
    return _paths(database.execute(query, [list(names)]).fetchall())


def _files(database: duckdb.DuckDBPyConnection, rows: str | None) -> set[Path]:
    """Files with rows of the predictions in `ids`."""
    if rows is None:
        return set()
    matching = "SELECT DISTINCT filename FROM {rows} r SEMI JOIN ids USING ({keys}) WHERE {which}"
    found = _paths(database.execute(matching.format(rows=rows, keys="prediction_id", which="true")).fetchall())
    names = {name for name, *_ in database.execute(f"DESCRIBE SELECT * FROM {rows}").fetchall()}  # noqa: S608
    if {"request_id", "request_row"} <= names:
        query = matching.format(rows=rows, keys="request_id, request_row", which="r.prediction_id IS NULL")
        found |= _paths(database.execute(query).fetchall())
    return found


def _paths(rows: Collection[tuple[str]]) -> set[Path]:
    return {Path(name) for (name,) in rows}
