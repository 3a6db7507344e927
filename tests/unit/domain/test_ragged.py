from typing import Any

import numpy as np
from numpy.typing import NDArray

from interlock.domain import ragged
from interlock.domain.ports import Columns

DOUBLE = np.dtype(np.float64)


def test_rows_of_equal_shape_are_asked_together_and_answered_in_order() -> None:
    asked: list[int] = []

    def model(columns: Columns) -> dict[str, NDArray[Any]]:
        asked.append(len(columns["v"]))
        return {"prediction": columns["v"].sum(axis=1), "label": np.array(["a"] * len(columns["v"]), dtype=object)}

    vectors = ragged.column([np.ones(size) for size in (1, 3, 1, 2, 3)], DOUBLE)
    found = ragged.predict(model, {"v": vectors, "n": np.arange(5)})
    assert found["prediction"].tolist() == [1.0, 3.0, 1.0, 2.0, 3.0]
    assert found["label"].tolist() == ["a"] * 5
    assert asked == [2, 2, 1]


def test_rows_of_one_shape_are_one_array() -> None:
    plain = ragged.column([np.ones(2), np.zeros(2)], DOUBLE)
    assert not ragged.is_ragged(plain)
    assert ragged.predict(lambda columns: {"n": columns["v"]}, {"v": plain})["n"] is plain


def test_texts_are_not_ragged() -> None:
    assert not ragged.is_ragged(np.array(["a", None], dtype=object))
