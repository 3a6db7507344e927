from datetime import UTC, datetime

import numpy as np
import pyarrow as pa

from interlock.domain.contract import Contract, Datatype, Field
from interlock.predictions.log_schema import FIELD_NAME
from interlock.scoring.score_rows import Scored, table

NOW = datetime(2026, 1, 1, tzinfo=UTC)


def scored(version: str, datatype: Datatype, statuses: list[str], values: list[object]) -> Scored:
    contract = Contract(inputs=(), outputs=(Field(name="label", datatype=datatype),))
    ids = [f"{version}{number}" for number in range(len(statuses))]
    return Scored(version, contract, ids, np.array(statuses, dtype=np.object_), {"label": values})


def test_outputs_stand_in_the_rows_that_are_ok() -> None:
    found = table([scored("m:1", "BYTES", ["ok", "model_error", "ok"], ["a", "b"])], "r", NOW, pa.schema([]))
    assert found.drop_columns(["at"]).to_pylist() == [
        {"prediction_id": "m:10", "version": "m:1", "release_id": "r", "status": "ok", "output.label": "a"},
        {"prediction_id": "m:11", "version": "m:1", "release_id": "r", "status": "model_error", "output.label": None},
        {"prediction_id": "m:12", "version": "m:1", "release_id": "r", "status": "ok", "output.label": "b"},
    ]
    assert found["at"].to_pylist() == [NOW] * 3


def test_versions_that_give_other_types_get_columns_of_their_own() -> None:
    parts = [scored("m:1", "BYTES", ["ok"], ["a"]), scored("m:2", "INT64", ["ok"], [7])]
    found = table(parts, "r", NOW, pa.schema([]))
    assert found["output.label"].to_pylist() == ["a", None]
    assert found["output.label~2"].to_pylist() == [None, 7]
    assert found.schema.field("output.label~2").metadata == {FIELD_NAME: b"output.label"}


def test_rows_without_any_answer_have_their_status_only() -> None:
    found = table([scored("m:1", "FP64", ["timeout", "timeout"], [])], "r", NOW, pa.schema([]))
    assert found["output.label"].null_count == 2
    assert found["status"].to_pylist() == ["timeout", "timeout"]
