from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer

from interlock.domain.errors import InvalidInputError, UnloadableModelError
from interlock.registry.live import save_live
from interlock.registry.registration import Registration

MakeRows = Callable[[int, int], pd.DataFrame]
INPUTS = ["temp", "hour"]
KINDS: dict[str, Callable[[pd.DataFrame], Any]] = {
    "pandas": lambda rows: rows,
    "polars": pl.from_pandas,
    "arrow": lambda rows: pa.Table.from_pandas(rows, preserve_index=False),
    "array": lambda rows: rows.to_numpy(),
}


@pytest.fixture
def rows(make_rows: MakeRows) -> pd.DataFrame:
    return make_rows(300, 1).dropna()


@pytest.mark.parametrize("kind", KINDS)
def test_rows_of_every_kind_become_the_reference(desk: Any, rows: pd.DataFrame, kind: str) -> None:
    model = LogisticRegression(max_iter=500).fit(rows[INPUTS], rows["late"])
    saved = save_live(model, KINDS[kind](rows[INPUTS]), rows["late"], desk.folder)
    version = desk.registry.register(
        Registration(name="m", source=saved.source, reference=saved.reference, label=saved.label)
    )
    assert [field.name for field in version.contract.inputs] == INPUTS
    assert version.serving_format == "onnx"
    assert version.profile["quality"]["rows"] == len(rows)


def test_columns_of_an_array_get_names_when_the_model_has_none(desk: Any, rows: pd.DataFrame) -> None:
    array = rows[INPUTS].to_numpy()
    model = LogisticRegression(max_iter=500).fit(array, rows["late"])
    saved = save_live(model, array, rows["late"].to_numpy(), desk.folder)
    version = desk.registry.register(
        Registration(name="m", source=saved.source, reference=saved.reference, label=saved.label)
    )
    assert [field.name for field in version.contract.inputs] == ["x0", "x1"]


def test_the_label_does_not_hide_a_column_of_the_same_name(desk: Any, rows: pd.DataFrame) -> None:
    named = rows[INPUTS].rename(columns={"hour": "label"})
    model = LogisticRegression(max_iter=500).fit(named, rows["late"])
    saved = save_live(model, named, rows["late"], desk.folder)
    assert saved.label == "label_"
    assert pq.read_table(saved.reference).column_names == ["temp", "label", "label_"]


def test_without_rows_there_is_no_reference(desk: Any, rows: pd.DataFrame) -> None:
    model = LogisticRegression(max_iter=500).fit(rows[INPUTS], rows["late"])
    assert save_live(model, None, None, desk.folder).reference is None


def test_rows_and_labels_of_different_length_are_refused(desk: Any, rows: pd.DataFrame) -> None:
    model = LogisticRegression(max_iter=500).fit(rows[INPUTS], rows["late"])
    with pytest.raises(InvalidInputError, match=rf"y has 10 values, must have one for each of the {len(rows)} rows"):
        save_live(model, rows[INPUTS], rows["late"][:10], desk.folder)
    with pytest.raises(InvalidInputError, match="must have two"):
        save_live(model, np.zeros(4), None, desk.folder)


def saved_and_registered(desk: Any, model: Any, rows: pd.DataFrame) -> None:
    saved = save_live(model, rows[INPUTS], rows["late"], desk.folder)
    desk.registry.register(Registration(name="m", source=saved.source, reference=saved.reference, label=saved.label))


def test_a_model_that_needs_pickle_is_refused_with_what_to_do(desk: Any, rows: pd.DataFrame) -> None:
    model = make_pipeline(FunctionTransformer(lambda values: values), LogisticRegression(max_iter=500))
    model.fit(rows[INPUTS], rows["late"])
    with pytest.raises(UnloadableModelError, match="--trust-pickle"):
        saved_and_registered(desk, model, rows)
