from typing import Any

import numpy as np
from numpy.typing import NDArray

from interlock.domain.ports import Columns, rows_of
from interlock.runtimes.row_by_row import RowByRow


class OneRowOnly:
    """Refuses more rows than one, as a graph with a fixed first axis does."""

    closed = 0

    def predict(self, columns: Columns) -> dict[str, NDArray[Any]]:
        assert rows_of(columns) == 1
        return {"prediction": columns["x"] * 2, "rows": np.array([rows_of(columns)])}

    def close(self) -> None:
        self.closed += 1


def test_any_number_of_rows_is_answered_one_by_one() -> None:
    predictor = RowByRow(OneRowOnly())
    assert predictor.predict({"x": np.array([1.0, 2.0, 3.0])})["prediction"].tolist() == [2.0, 4.0, 6.0]
    assert predictor.predict({"x": np.array([1.0])})["rows"].tolist() == [1]


def test_what_it_wraps_is_closed_with_it() -> None:
    inner = OneRowOnly()
    RowByRow(inner).close()
    assert inner.closed == 1
