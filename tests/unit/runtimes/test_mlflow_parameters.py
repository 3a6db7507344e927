"""One batch of callers with other parameters is asked in parts, and answered as a whole."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from interlock.domain.ports import Columns
from interlock.runtimes.mlflow import by_parameters


def scaled(columns: Columns, params: dict[str, Any]) -> dict[str, NDArray[Any]]:
    return {"prediction": np.array([value * params["scale"] for value in columns["x"].tolist()])}


def test_each_row_has_the_answer_of_its_own_parameters() -> None:
    columns = {"x": np.arange(6), "scale": np.array([2.0, 1.0, 2.0, 3.0, 1.0, 2.0])}
    assert by_parameters(scaled, columns, ["scale"])["prediction"].tolist() == [0.0, 1.0, 4.0, 9.0, 4.0, 10.0]


def test_no_answer_is_cut_to_the_type_of_the_first() -> None:
    def odd(columns: Columns, params: dict[str, Any]) -> dict[str, NDArray[Any]]:
        return {"prediction": np.full(len(columns["x"]), params["scale"])}

    columns = {"x": np.arange(2), "scale": np.array([1, 2.5], dtype=object)}
    assert by_parameters(odd, columns, ["scale"])["prediction"].tolist() == [1.0, 2.5]

    texts = {"x": np.arange(2), "scale": np.array(["a", "longer"], dtype=object)}
    assert by_parameters(odd, texts, ["scale"])["prediction"].tolist() == ["a", "longer"]
